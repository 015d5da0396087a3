# The images of an experiment.


rule prepare_data:
    input:
        script=script("prepare_data.py"),
        modules=modules("prepare_data.py"),
        files=data_files,
    output:
        arrays="results/{experiment}/data.npz",
    log:
        "results/{experiment}/logs/prepare_data.log",
    benchmark:
        "results/{experiment}/benchmarks/prepare_data.tsv"
    wildcard_constraints:
        experiment=one_of(with_weights("fresh", "pretrained")),
    conda:
        "../envs/sfumato.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
        gpu=0,
    params:
        config=SETTINGS["prepare_data.py"],
        versions=packages(*LOADING),
        cache=data_cache(),
    shell:
        "python {input.script:q} --config {params.config:q} --cache {params.cache:q}"
        " --output {output.arrays:q} > {log:q} 2>&1"
