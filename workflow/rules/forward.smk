# Forward diffusion of one test image.


rule diffuse:
    input:
        script=script("forward.py"),
        modules=modules("forward.py"),
        data="results/{experiment}/data.npz",
    output:
        arrays="results/{experiment}/forward.npz",
    log:
        "results/{experiment}/logs/diffuse.log",
    benchmark:
        "results/{experiment}/benchmarks/diffuse.tsv"
    conda:
        "../envs/sfumato.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
        gpu=1,
    params:
        upstream=upstream("prepare_data.py"),
        config=SETTINGS["forward.py"],
        versions=packages(*COMPUTING),
    shell:
        "python {input.script:q} --config {params.config:q} --data {input.data:q}"
        " --output {output.arrays:q} > {log:q} 2>&1"


rule render_forward:
    input:
        script=script("render_forward.py"),
        modules=modules("render_forward.py"),
        arrays="results/{experiment}/forward.npz",
    output:
        figure=report(
            "results/{experiment}/forward.png",
            caption="../report/forward.rst",
            category="{experiment}",
            labels={"figure": "forward diffusion"},
        ),
    log:
        "results/{experiment}/logs/render_forward.log",
    benchmark:
        "results/{experiment}/benchmarks/render_forward.tsv"
    conda:
        "../envs/sfumato.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
        gpu=0,
    params:
        upstream=upstream("prepare_data.py", "forward.py"),
        config=settings("render.dpi", "render.panel_inches", "render.colormap"),
        versions=packages(*DRAWING),
    shell:
        "python {input.script:q} --config {params.config:q} --arrays {input.arrays:q}"
        " --output {output.figure:q} > {log:q} 2>&1"
