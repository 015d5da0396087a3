# The images of an experiment.


rule prepare_data:
    input:
        files=plan.data_files,
    output:
        arrays="results/{experiment}/data.npz",
    log:
        "results/{experiment}/logs/prepare_data.log",
    benchmark:
        "results/{experiment}/benchmarks/prepare_data.tsv"
    conda:
        "../envs/sfumato.yaml"
    params:
        script=plan.script("prepare_data"),
        config=plan.settings("prepare_data"),
        made=plan.making("prepare_data"),
        cache=relative(ROOT / ".cache" / "data"),
    shell:
        "python {params.script:q} --config {params.config:q} --cache {params.cache:q}"
        " --output {output.arrays:q} > {log:q} 2>&1"
