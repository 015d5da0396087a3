# The network's weights: freshly drawn, or taken from a trained checkpoint; trained from there, or not.

from sfumato.workflow.stages.adopt import weights_places


rule initialise:
    output:
        ckpt=directory("results/{experiment}/checkpoint"),
    log:
        "results/{experiment}/logs/initialise.log",
    benchmark:
        "results/{experiment}/benchmarks/initialise.tsv"
    wildcard_constraints:
        experiment=plan.with_weights("fresh"),
    conda:
        "../envs/sfumato.yaml"
    threads: 8
    resources:
        mem_mb=4000,
        runtime=30,
        gpu=1,
    params:
        script=plan.script("initialise"),
        config=plan.settings("initialise"),
        made=plan.making("initialise"),
    shell:
        "python {params.script:q} --config {params.config:q} --output {output.ckpt:q}"
        " > {log:q} 2>&1"


use rule initialise as initialise_to_train with:
    output:
        ckpt=directory("results/{experiment}/initial_checkpoint"),
    log:
        "results/{experiment}/logs/initialise_to_train.log",
    benchmark:
        "results/{experiment}/benchmarks/initialise_to_train.tsv"
    wildcard_constraints:
        experiment=plan.with_weights("trained"),


rule train:
    input:
        data="results/{experiment}/data.npz",
        ckpt="results/{experiment}/initial_checkpoint",
    output:
        ckpt=directory("results/{experiment}/checkpoint"),
        history="results/{experiment}/history.csv",
    log:
        "results/{experiment}/logs/train.log",
    benchmark:
        "results/{experiment}/benchmarks/train.tsv"
    wildcard_constraints:
        experiment=plan.with_weights("trained", "finetuned"),
    conda:
        "../envs/sfumato.yaml"
    threads: 8
    resources:
        mem_mb=8000,
        runtime=1440,
        gpu=1,
    params:
        script=plan.script("train"),
        config=plan.settings("train"),
        made=plan.making("train"),
    shell:
        "python {params.script:q} --config {params.config:q} --data {input.data:q}"
        " --checkpoint {input.ckpt:q} --output {output.ckpt:q} --history {output.history:q}"
        " > {log:q} 2>&1"


rule adopt:
    output:
        ckpt=directory("results/{experiment}/checkpoint"),
    log:
        "results/{experiment}/logs/adopt.log",
    benchmark:
        "results/{experiment}/benchmarks/adopt.tsv"
    wildcard_constraints:
        experiment=plan.with_weights("pretrained"),
    conda:
        "../envs/sfumato.yaml"
    params:
        script=plan.script("adopt"),
        config=plan.settings("adopt"),
        made=plan.making("adopt"),
        places=plan.where(weights_places),
    shell:
        "python {params.script:q} --config {params.config:q} {params.places:q}"
        " --output {output.ckpt:q} > {log:q} 2>&1"


use rule adopt as adopt_to_train with:
    output:
        ckpt=directory("results/{experiment}/initial_checkpoint"),
    log:
        "results/{experiment}/logs/adopt_to_train.log",
    benchmark:
        "results/{experiment}/benchmarks/adopt_to_train.tsv"
    wildcard_constraints:
        experiment=plan.with_weights("finetuned"),
