# Training, and the figure of it. What takes hours is not done again for an edit of a comment: where
# a network is trained, this rule and those before it depend on what their code means, in `code`,
# and not on its files.


use rule prepare_data as prepare_data_to_train with:
    input:
        script=ancient(script("prepare_data.py")),
        files=data_files,
    wildcard_constraints:
        experiment=one_of(with_weights("trained")),
    params:
        code=meaning("prepare_data.py"),
        config=SETTINGS["prepare_data.py"],
        versions=packages(*LOADING),
        cache=data_cache(),


use rule initialise as initialise_to_train with:
    input:
        script=ancient(script("initialise.py")),
    output:
        ckpt=directory("results/{experiment}/initial_checkpoint"),
    log:
        "results/{experiment}/logs/initialise_to_train.log",
    benchmark:
        "results/{experiment}/benchmarks/initialise_to_train.tsv"
    wildcard_constraints:
        experiment=one_of(with_weights("trained")),
    params:
        code=meaning("initialise.py"),
        config=SETTINGS["initialise.py"],
        versions=packages(*COMPUTING),


rule train:
    input:
        script=ancient(script("train.py")),
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
        experiment=one_of(with_weights("trained")),
    conda:
        "../envs/sfumato.yaml"
    threads: 8
    resources:
        mem_mb=8000,
        runtime=1440,
        gpu=1,
    params:
        code=meaning("train.py"),
        upstream=upstream("prepare_data.py", "initialise.py"),
        config=SETTINGS["train.py"],
        versions=packages(*TRAINING),
        work="results/{experiment}/training",
    shell:
        "python {input.script:q} --config {params.config:q} --data {input.data:q}"
        " --checkpoint {input.ckpt:q} --work {params.work:q} --output {output.ckpt:q}"
        " --history {output.history:q} 2>&1 | tee {log:q}"


rule render_training:
    input:
        script=script("render_training.py"),
        modules=modules("render_training.py"),
        history="results/{experiment}/history.csv",
    output:
        figure=report(
            "results/{experiment}/training.png",
            caption="../report/training.rst",
            category="{experiment}",
            labels={"figure": "training"},
        ),
    log:
        "results/{experiment}/logs/render_training.log",
    benchmark:
        "results/{experiment}/benchmarks/render_training.tsv"
    conda:
        "../envs/sfumato.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
        gpu=0,
    params:
        upstream=upstream("prepare_data.py", "initialise.py", "train.py"),
        config=settings("render.dpi"),
        versions=packages(*DRAWING),
    shell:
        "python {input.script:q} --config {params.config:q} --history {input.history:q}"
        " --output {output.figure:q} > {log:q} 2>&1"
