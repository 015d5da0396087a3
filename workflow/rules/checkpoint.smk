# The network's weights: freshly drawn, trained from there, or taken from a trained checkpoint.


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
    wildcard_constraints:
        experiment=one_of(with_weights("fresh")),
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


rule adopt:
    input:
        script=script("adopt.py"),
        modules=modules("adopt.py"),
        manifest=pretrained_manifest,
    output:
        ckpt=directory("results/{experiment}/checkpoint"),
    log:
        "results/{experiment}/logs/adopt.log",
    benchmark:
        "results/{experiment}/benchmarks/adopt.tsv"
    wildcard_constraints:
        experiment=one_of(with_weights("pretrained")),
    conda:
        "../envs/sfumato.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=10,
        gpu=0,
    params:
        config=SETTINGS["adopt.py"],
        ckpt=pretrained_folder,
        versions=packages(*COMPUTING),
    shell:
        "python {input.script:q} --config {params.config:q} --checkpoint {params.ckpt:q}"
        " --output {output.ckpt:q} > {log:q} 2>&1"
