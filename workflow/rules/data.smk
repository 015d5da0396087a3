# The images of an experiment.


def data_settings(wildcards):
    """Return the settings of the data; the seed is one of them only where images are random."""
    keys = ["data", "model.input_dim"]
    random = EXPERIMENTS[wildcards.experiment].data.source == "noise"
    return settings(*keys, *(["seed"] if random else []))(wildcards)


rule prepare_data:
    input:
        script=script("prepare_data.py"),
        modules=modules("prepare_data.py"),
    output:
        arrays="results/{experiment}/data.npz",
    log:
        "results/{experiment}/logs/prepare_data.log",
    benchmark:
        "results/{experiment}/benchmarks/prepare_data.tsv"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
        gpu=0,
    params:
        config=data_settings,
        versions=packages("numpy", "mlxtend", "pillow", "jax"),
    shell:
        "python {input.script:q} --config {params.config:q} --output {output.arrays:q}"
        " > {log:q} 2>&1"
