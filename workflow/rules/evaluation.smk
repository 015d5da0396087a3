# How good the samples are. Runs are a sampler each, with settings of its own, and several seeds;
# the run `floor` is real images in place of samples. Times are measured, so they differ each time.


rule train_classifier:
    input:
        script=script("train_classifier.py"),
        modules=modules("train_classifier.py"),
        data="results/{experiment}/data.npz",
    output:
        arrays="results/{experiment}/evaluation/classifier.npz",
    log:
        "results/{experiment}/logs/train_classifier.log",
    benchmark:
        "results/{experiment}/benchmarks/train_classifier.tsv"
    conda:
        "../envs/sfumato.yaml"
    threads: 8
    resources:
        mem_mb=4000,
        runtime=60,
        gpu=1,
    params:
        upstream=upstream("prepare_data.py"),
        config=settings("seed", "evaluation.classifier_steps"),
        versions=packages(*TRAINING),
    shell:
        "python {input.script:q} --config {params.config:q} --data {input.data:q}"
        " --output {output.arrays:q} > {log:q} 2>&1"


rule sample_run:
    input:
        script=script("sample.py"),
        modules=run_modules,
        ckpt="results/{experiment}/checkpoint",
    output:
        arrays="results/{experiment}/evaluation/{run}/{k}.npz",
        timing="results/{experiment}/evaluation/{run}/{k}.timing.json",
    log:
        "results/{experiment}/logs/sample_{run}_{k}.log",
    benchmark:
        "results/{experiment}/benchmarks/sample_{run}_{k}.tsv"
    conda:
        "../envs/sfumato.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=720,
        gpu=1,
    params:
        upstream=upstream("weights"),
        config=run_settings,
        sampler=run_sampler,
        versions=packages(*COMPUTING),
    shell:
        "python {input.script:q} --sampler {params.sampler} --config {params.config:q}"
        " --checkpoint {input.ckpt:q} --output {output.arrays:q} --timing {output.timing:q}"
        " > {log:q} 2>&1"


rule evaluate:
    input:
        script=script("evaluate.py"),
        modules=modules("evaluate.py"),
        data="results/{experiment}/data.npz",
        classifier="results/{experiment}/evaluation/classifier.npz",
        samples="results/{experiment}/evaluation/{run}/{k}.npz",
        timing="results/{experiment}/evaluation/{run}/{k}.timing.json",
    output:
        metrics="results/{experiment}/evaluation/{run}/{k}.metrics.json",
    log:
        "results/{experiment}/logs/evaluate_{run}_{k}.log",
    benchmark:
        "results/{experiment}/benchmarks/evaluate_{run}_{k}.tsv"
    conda:
        "../envs/sfumato.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
        gpu=0,
    params:
        upstream=upstream("prepare_data.py", "weights"),
        config=SCORING,
        seed=run_seed,
        versions=packages(*EVALUATING),
    shell:
        "python {input.script:q} --config {params.config:q} --data {input.data:q}"
        " --classifier {input.classifier:q} --run {wildcards.run} --seed {params.seed}"
        " --samples {input.samples:q} --timing {input.timing:q}"
        " --output {output.metrics:q} > {log:q} 2>&1"


rule evaluate_real_images:
    input:
        script=script("evaluate.py"),
        modules=modules("evaluate.py"),
        data="results/{experiment}/data.npz",
        classifier="results/{experiment}/evaluation/classifier.npz",
    output:
        metrics="results/{experiment}/evaluation/floor/{k}.metrics.json",
    log:
        "results/{experiment}/logs/evaluate_floor_{k}.log",
    benchmark:
        "results/{experiment}/benchmarks/evaluate_floor_{k}.tsv"
    conda:
        "../envs/sfumato.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
        gpu=0,
    params:
        upstream=upstream("prepare_data.py"),
        config=SCORING,
        seed=run_seed,
        versions=packages(*EVALUATING),
    shell:
        "python {input.script:q} --config {params.config:q} --data {input.data:q}"
        " --classifier {input.classifier:q} --run floor --seed {params.seed}"
        " --output {output.metrics:q} > {log:q} 2>&1"


rule compare_quality:
    input:
        script=script("compare_quality.py"),
        modules=modules("compare_quality.py"),
        metrics=all_metrics,
    output:
        quality="results/{experiment}/quality.json",
        table="results/{experiment}/metrics.md",
    log:
        "results/{experiment}/logs/compare_quality.log",
    benchmark:
        "results/{experiment}/benchmarks/compare_quality.tsv"
    conda:
        "../envs/sfumato.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
        gpu=0,
    params:
        upstream=upstream("prepare_data.py", "weights"),
    shell:
        "python {input.script:q} --metrics {input.metrics:q} --output {output.quality:q}"
        " --table {output.table:q} > {log:q} 2>&1"


rule render_quality:
    input:
        script=script("render_quality.py"),
        modules=modules("render_quality.py"),
        quality="results/{experiment}/quality.json",
    output:
        figure=report(
            "results/{experiment}/quality_vs_nfe.png",
            caption="../report/quality.rst",
            category="{experiment}",
            labels={"figure": "quality"},
        ),
    log:
        "results/{experiment}/logs/render_quality.log",
    benchmark:
        "results/{experiment}/benchmarks/render_quality.tsv"
    conda:
        "../envs/sfumato.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
        gpu=0,
    params:
        upstream=upstream("prepare_data.py", "weights"),
        config=settings("render.dpi"),
        versions=packages(*DRAWING),
    shell:
        "python {input.script:q} --config {params.config:q} --quality {input.quality:q}"
        " --output {output.figure:q} > {log:q} 2>&1"


rule render_nearest:
    input:
        script=script("render_nearest.py"),
        modules=modules("render_nearest.py"),
        data="results/{experiment}/data.npz",
        samples=first_run(".npz"),
        metrics=first_run(".metrics.json"),
    output:
        figure=report(
            "results/{experiment}/nearest.png",
            caption="../report/nearest.rst",
            category="{experiment}",
            labels={"figure": "nearest training images"},
        ),
    log:
        "results/{experiment}/logs/render_nearest.log",
    benchmark:
        "results/{experiment}/benchmarks/render_nearest.tsv"
    conda:
        "../envs/sfumato.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
        gpu=0,
    params:
        upstream=upstream("prepare_data.py", "weights"),
        config=settings("render.dpi", "render.panel_inches", "render.colormap"),
        versions=packages(*DRAWING),
    shell:
        "python {input.script:q} --config {params.config:q} --data {input.data:q}"
        " --samples {input.samples:q} --metrics {input.metrics:q}"
        " --output {output.figure:q} > {log:q} 2>&1"
