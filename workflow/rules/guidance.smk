# What guidance reads besides the network: a classifier of noisy images.


rule train_guidance_classifier:
    input:
        data="results/{experiment}/data.npz",
    output:
        arrays="results/{experiment}/guidance_classifier.npz",
    log:
        "results/{experiment}/logs/train_guidance_classifier.log",
    benchmark:
        "results/{experiment}/benchmarks/train_guidance_classifier.tsv"
    conda:
        "../envs/sfumato.yaml"
    threads: 8
    resources:
        mem_mb=4000,
        runtime=60,
        gpu=1,
    params:
        script=plan.script("train_guidance_classifier"),
        config=plan.settings("train_guidance_classifier"),
        made=plan.making("train_guidance_classifier"),
    shell:
        "python {params.script:q} --config {params.config:q} --data {input.data:q}"
        " --output {output.arrays:q} > {log:q} 2>&1"
