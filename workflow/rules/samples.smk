# Samples: `{name}` is that of an entry of `samples` in the config, or of a point of a sweep.
# One job draws them all; or several draw a shard each, and one more joins the shards.


rule sample:
    input:
        ckpt="results/{experiment}/checkpoint",
        history=plan.history,
        read=plan.results_read("sample"),
    output:
        arrays="results/{experiment}/{name}_samples.npz",
        timing="results/{experiment}/{name}_samples.timing.json",
    log:
        "results/{experiment}/logs/{name}_samples.log",
    benchmark:
        "results/{experiment}/benchmarks/{name}_samples.tsv"
    wildcard_constraints:
        experiment=plan.with_shards(several=False),
    conda:
        "../envs/sfumato.yaml"
    threads: 8
    resources:
        mem_mb=4000,
        runtime=120,
        gpu=1,
    params:
        script=plan.script("sample"),
        config=plan.settings("sample"),
        made=plan.making("sample"),
        read=plan.files_read("sample"),
        shard="1/1",
    shell:
        "python {params.script:q} --config {params.config:q} --checkpoint {input.ckpt:q}"
        " {params.read:q} --shard {params.shard} --output {output.arrays:q}"
        " --timing {output.timing:q}"
        " > {log:q} 2>&1"


use rule sample as sample_shard with:
    output:
        arrays=temp("results/{experiment}/shards/{name}_samples-{k}-of-{n}.npz"),
        timing=temp("results/{experiment}/shards/{name}_samples-{k}-of-{n}.timing.json"),
    log:
        "results/{experiment}/logs/{name}_samples-{k}-of-{n}.log",
    benchmark:
        "results/{experiment}/benchmarks/{name}_samples-{k}-of-{n}.tsv"
    wildcard_constraints:
        experiment=plan.with_shards(several=True),
    threads: 1
    params:
        shard="{k}/{n}",


rule join_shards:
    input:
        ckpt="results/{experiment}/checkpoint",
        read=plan.results_read("sample"),
        arrays=plan.shards(".npz"),
        timings=plan.shards(".timing.json"),
    output:
        arrays="results/{experiment}/{name}_samples.npz",
        timing="results/{experiment}/{name}_samples.timing.json",
    log:
        "results/{experiment}/logs/{name}_samples.log",
    benchmark:
        "results/{experiment}/benchmarks/{name}_samples.tsv"
    wildcard_constraints:
        experiment=plan.with_shards(several=True),
    conda:
        "../envs/sfumato.yaml"
    params:
        script=plan.script("gather"),
        made=plan.making("gather", writes="sample"),
    shell:
        "python {params.script:q} --arrays {input.arrays:q} --timings {input.timings:q}"
        " --output {output.arrays:q} --timing {output.timing:q} > {log:q} 2>&1"


# Measured speed. These files hold times, and so differ from one build to the next.
rule compare_speed:
    input:
        timings=plan.timings,
    output:
        speed="results/{experiment}/speed.json",
    log:
        "results/{experiment}/logs/compare_speed.log",
    benchmark:
        "results/{experiment}/benchmarks/compare_speed.tsv"
    conda:
        "../envs/sfumato.yaml"
    params:
        script=plan.script("compare_speed"),
        config=plan.settings("compare_speed"),
        made=plan.making("compare_speed"),
    shell:
        "python {params.script:q} --config {params.config:q} --timings {input.timings:q}"
        " --output {output.speed:q} > {log:q} 2>&1"
