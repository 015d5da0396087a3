# Measured speed. These files hold times: they alone differ from one build to the next.


rule compare_speed:
    input:
        script=script("compare_speed.py"),
        modules=modules("compare_speed.py"),
        ddpm="results/{experiment}/ddpm_samples.timing.json",
        ddim="results/{experiment}/ddim_samples.timing.json",
    output:
        speed="results/{experiment}/speed.json",
    log:
        "results/{experiment}/logs/compare_speed.log",
    benchmark:
        "results/{experiment}/benchmarks/compare_speed.tsv"
    conda:
        "../envs/sfumato.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
        gpu=0,
    params:
        upstream=upstream("weights", "sample.py:ddpm", "sample.py:ddim"),
    shell:
        "python {input.script:q} --ddpm {input.ddpm:q} --ddim {input.ddim:q}"
        " --output {output.speed:q} > {log:q} 2>&1"


rule render_speed:
    input:
        script=script("render_speed.py"),
        modules=modules("render_speed.py"),
        speed="results/{experiment}/speed.json",
    output:
        figure=report(
            "results/{experiment}/speed.png",
            caption="../report/speed.rst",
            category="{experiment}",
            labels={"figure": "measured speed"},
        ),
    log:
        "results/{experiment}/logs/render_speed.log",
    benchmark:
        "results/{experiment}/benchmarks/render_speed.tsv"
    conda:
        "../envs/sfumato.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
        gpu=0,
    params:
        upstream=upstream("weights", "sample.py:ddpm", "sample.py:ddim"),
        config=settings("render.dpi"),
        versions=packages(*DRAWING),
    shell:
        "python {input.script:q} --config {params.config:q} --speed {input.speed:q}"
        " --output {output.figure:q} > {log:q} 2>&1"
