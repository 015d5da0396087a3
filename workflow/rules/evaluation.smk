# How good samples are. A run is an entry of `samples` with overrides, drawn with several seeds; the
# run `floor` is real images in place of samples. Times are measured, so they differ each time.
# And how likely the network finds images, for which nothing is drawn.


rule train_classifier:
    input:
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
        script=plan.script("train_classifier"),
        config=plan.settings("train_classifier"),
        made=plan.making("train_classifier"),
    shell:
        "python {params.script:q} --config {params.config:q} --data {input.data:q}"
        " --output {output.arrays:q} > {log:q} 2>&1"


use rule sample as sample_run with:
    output:
        arrays="results/{experiment}/evaluation/{run}/{k}.npz",
        timing="results/{experiment}/evaluation/{run}/{k}.timing.json",
    log:
        "results/{experiment}/logs/sample_{run}_{k}.log",
    benchmark:
        "results/{experiment}/benchmarks/sample_{run}_{k}.tsv"
    wildcard_constraints:
        experiment=one_of(plan.experiments),
    threads: 1
    resources:
        mem_mb=4000,
        runtime=720,
        gpu=1,


rule evaluate:
    input:
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
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        script=plan.script("evaluate"),
        config=plan.settings("evaluate"),
        made=plan.making("evaluate"),
    shell:
        "python {params.script:q} --config {params.config:q} --data {input.data:q}"
        " --classifier {input.classifier:q} --run {wildcards.run} --samples {input.samples:q}"
        " --timing {input.timing:q} --output {output.metrics:q} > {log:q} 2>&1"


rule evaluate_real_images:
    input:
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
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        script=plan.script("evaluate"),
        config=plan.settings("evaluate"),
        made=plan.making("evaluate"),
    shell:
        "python {params.script:q} --config {params.config:q} --data {input.data:q}"
        " --classifier {input.classifier:q} --run floor --output {output.metrics:q}"
        " > {log:q} 2>&1"


rule compare_quality:
    input:
        metrics=plan.evaluated(".metrics.json", "floor"),
        timings=plan.evaluated(".timing.json"),
    output:
        quality="results/{experiment}/quality.json",
        table="results/{experiment}/metrics.md",
    log:
        "results/{experiment}/logs/compare_quality.log",
    benchmark:
        "results/{experiment}/benchmarks/compare_quality.tsv"
    localrule: True
    conda:
        "../envs/sfumato.yaml"
    params:
        script=plan.script("compare_quality"),
        config=plan.settings("compare_quality"),
        made=plan.making("compare_quality"),
    shell:
        "printf %s {params.config:q} | python {params.script:q} --config - --metrics {input.metrics:q}"
        " --timings {input.timings:q} --output {output.quality:q} --table {output.table:q} > {log:q} 2>&1"


rule likelihood:
    input:
        ckpt="results/{experiment}/checkpoint",
        history=plan.history,
        data=plan.images_measured,
    output:
        likelihood="results/{experiment}/likelihood.json",
    log:
        "results/{experiment}/logs/likelihood.log",
    benchmark:
        "results/{experiment}/benchmarks/likelihood.tsv"
    conda:
        "../envs/sfumato.yaml"
    threads: 8
    resources:
        mem_mb=4000,
        runtime=240,
        gpu=1,
    params:
        script=plan.script("likelihood"),
        config=plan.settings("likelihood"),
        made=plan.making("likelihood"),
    shell:
        "python {params.script:q} --config {params.config:q} --checkpoint {input.ckpt:q}"
        " --data {input.data:q} --output {output.likelihood:q} > {log:q} 2>&1"
