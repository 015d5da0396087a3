# The network's weights.


rule initialise:
    input:
        script=script("initialise.py"),
        modules=modules("initialise.py"),
    output:
        ckpt=directory("results/{experiment}/checkpoint"),
    log:
        "results/{experiment}/logs/initialise.log",
    benchmark:
        "results/{experiment}/benchmarks/initialise.tsv"
    conda:
        "../envs/sfumato.yaml"
    threads: 8
    resources:
        mem_mb=4000,
        runtime=30,
        gpu=1,
    params:
        config=SETTINGS["initialise.py"],
        versions=packages(*COMPUTING),
    shell:
        "python {input.script:q} --config {params.config:q} --output {output.ckpt:q}"
        " > {log:q} 2>&1"
