# Forward diffusion of one test image.


rule forward_arrays:
    input:
        data="results/{experiment}/data.npz",
    output:
        arrays="results/{experiment}/forward.npz",
    log:
        "results/{experiment}/logs/forward.log",
    benchmark:
        "results/{experiment}/benchmarks/forward.tsv"
    conda:
        "../envs/sfumato.yaml"
    resources:
        gpu=1,
    params:
        script=plan.script("forward"),
        config=plan.settings("forward"),
        made=plan.making("forward"),
    shell:
        "python {params.script:q} --config {params.config:q} --data {input.data:q}"
        " --output {output.arrays:q} > {log:q} 2>&1"
