# The denoising trajectory of DDPM sample 0, as a figure and as an animation.


rule follow_trajectory:
    input:
        script=script("trajectory.py"),
        modules=sampler_modules("trajectory.py", "ddpm"),
        ckpt="results/{experiment}/checkpoint",
    output:
        arrays="results/{experiment}/trajectory.npz",
    log:
        "results/{experiment}/logs/follow_trajectory.log",
    benchmark:
        "results/{experiment}/benchmarks/follow_trajectory.tsv"
    conda:
        "../envs/sfumato.yaml"
    threads: 8
    resources:
        mem_mb=4000,
        runtime=120,
        gpu=1,
    params:
        upstream=upstream("weights"),
        config=SETTINGS["trajectory.py"],
        versions=packages(*COMPUTING),
    shell:
        "python {input.script:q} --config {params.config:q} --checkpoint {input.ckpt:q}"
        " --output {output.arrays:q} > {log:q} 2>&1"


rule render_trajectory:
    input:
        script=script("render_trajectory.py"),
        modules=modules("render_trajectory.py"),
        arrays="results/{experiment}/trajectory.npz",
    output:
        figure=report(
            "results/{experiment}/trajectory.png",
            caption="../report/trajectory.rst",
            category="{experiment}",
            labels={"figure": "denoising trajectory"},
        ),
    log:
        "results/{experiment}/logs/render_trajectory.log",
    benchmark:
        "results/{experiment}/benchmarks/render_trajectory.tsv"
    conda:
        "../envs/sfumato.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
        gpu=0,
    params:
        upstream=upstream("weights", "trajectory.py"),
        config=settings("render.dpi", "render.panel_inches", "render.colormap"),
        versions=packages(*DRAWING),
    shell:
        "python {input.script:q} --config {params.config:q} --arrays {input.arrays:q}"
        " --output {output.figure:q} > {log:q} 2>&1"


rule render_animation:
    input:
        script=script("render_animation.py"),
        modules=modules("render_animation.py"),
        arrays="results/{experiment}/trajectory.npz",
    output:
        figure=report(
            "results/{experiment}/trajectory.gif",
            caption="../report/animation.rst",
            category="{experiment}",
            labels={"figure": "denoising, animated"},
        ),
    log:
        "results/{experiment}/logs/render_animation.log",
    benchmark:
        "results/{experiment}/benchmarks/render_animation.tsv"
    conda:
        "../envs/sfumato.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
        gpu=0,
    params:
        upstream=upstream("weights", "trajectory.py"),
        config=settings(
            "render.dpi",
            "render.panel_inches",
            "render.colormap",
            "render.frames_per_second",
        ),
        versions=packages(*DRAWING),
    shell:
        "python {input.script:q} --config {params.config:q} --arrays {input.arrays:q}"
        " --output {output.figure:q} > {log:q} 2>&1"
