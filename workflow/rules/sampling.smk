# Samples, with any sampler: `{sampler}` is its name and that of its section in the config.
# One job draws them all; or several draw a shard each, and one more joins the shards.


rule sample:
    input:
        script=script("sample.py"),
        modules=sampler_modules("sample.py"),
        ckpt="results/{experiment}/checkpoint",
    output:
        arrays="results/{experiment}/{sampler}_samples.npz",
        timing="results/{experiment}/{sampler}_samples.timing.json",
    log:
        "results/{experiment}/logs/{sampler}_samples.log",
    benchmark:
        "results/{experiment}/benchmarks/{sampler}_samples.tsv"
    wildcard_constraints:
        experiment=one_of(name for name in EXPERIMENTS if EXPERIMENTS[name].shards == 1),
    conda:
        "../envs/sfumato.yaml"
    threads: 8
    resources:
        mem_mb=4000,
        runtime=120,
        gpu=1,
    params:
        upstream=upstream("weights"),
        config=SETTINGS["sample.py"],
        versions=packages(*COMPUTING),
    shell:
        "python {input.script:q} --sampler {wildcards.sampler} --config {params.config:q}"
        " --checkpoint {input.ckpt:q} --output {output.arrays:q} --timing {output.timing:q}"
        " > {log:q} 2>&1"


rule sample_shard:
    input:
        script=script("sample.py"),
        modules=sampler_modules("sample.py"),
        ckpt="results/{experiment}/checkpoint",
    output:
        arrays=temp("results/{experiment}/shards/{sampler}_samples-{k}-of-{n}.npz"),
        timing=temp(
            "results/{experiment}/shards/{sampler}_samples-{k}-of-{n}.timing.json"
        ),
    log:
        "results/{experiment}/logs/{sampler}_samples-{k}-of-{n}.log",
    benchmark:
        "results/{experiment}/benchmarks/{sampler}_samples-{k}-of-{n}.tsv"
    conda:
        "../envs/sfumato.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
        gpu=1,
    params:
        upstream=upstream("weights"),
        config=SETTINGS["sample.py"],
        versions=packages(*COMPUTING),
    shell:
        "python {input.script:q} --sampler {wildcards.sampler} --config {params.config:q}"
        " --checkpoint {input.ckpt:q} --shard {wildcards.k}/{wildcards.n}"
        " --output {output.arrays:q} --timing {output.timing:q}"
        " > {log:q} 2>&1"


rule gather_samples:
    input:
        script=script("gather.py"),
        modules=modules("gather.py"),
        ckpt="results/{experiment}/checkpoint",
        arrays=shards(".npz"),
        timings=shards(".timing.json"),
    output:
        arrays="results/{experiment}/{sampler}_samples.npz",
        timing="results/{experiment}/{sampler}_samples.timing.json",
    log:
        "results/{experiment}/logs/{sampler}_samples.log",
    benchmark:
        "results/{experiment}/benchmarks/{sampler}_samples.tsv"
    wildcard_constraints:
        experiment=one_of(name for name in EXPERIMENTS if EXPERIMENTS[name].shards > 1),
    conda:
        "../envs/sfumato.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
        gpu=0,
    params:
        upstream=upstream("weights", "sample.py"),
    shell:
        "python {input.script:q} --arrays {input.arrays:q} --timings {input.timings:q}"
        " --output {output.arrays:q} --timing {output.timing:q} > {log:q} 2>&1"


rule render_samples:
    input:
        script=script("render_samples.py"),
        modules=modules("render_samples.py"),
        arrays="results/{experiment}/{sampler}_samples.npz",
    output:
        figure=report(
            "results/{experiment}/{sampler}_samples.png",
            caption="../report/samples.rst",
            category="{experiment}",
            labels={"figure": "{sampler} samples"},
        ),
    log:
        "results/{experiment}/logs/render_{sampler}_samples.log",
    benchmark:
        "results/{experiment}/benchmarks/render_{sampler}_samples.tsv"
    conda:
        "../envs/sfumato.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
        gpu=0,
    params:
        upstream=upstream("weights", "sample.py"),
        config=settings(
            "render.dpi",
            "render.panel_inches",
            "render.colormap",
            "render.columns",
            "render.max_panels",
        ),
        versions=packages(*DRAWING),
    shell:
        "python {input.script:q} --config {params.config:q} --arrays {input.arrays:q}"
        " --output {output.figure:q} > {log:q} 2>&1"
