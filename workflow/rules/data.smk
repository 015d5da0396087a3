# The images of an experiment. The user's files are no input: what is in them counts, by the digest in
# the settings, and not where they are.

from sfumato.workflow.data_files import data_places


rule prepare_data:
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
        places=plan.where(data_places),
    shell:
        "python {params.script:q} --config {params.config:q} {params.places:q}"
        " --output {output.arrays:q} > {log:q} 2>&1"
