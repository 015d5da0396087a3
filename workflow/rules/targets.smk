# Names to call: each figure of the targets, and each experiment.


rule forward:
    input:
        expand("results/{experiment}/forward.png", experiment=TARGETS),


rule trajectory:
    input:
        expand(
            "results/{experiment}/trajectory.{kind}",
            experiment=TARGETS,
            kind=["png", "gif"],
        ),


rule speed:
    input:
        expand("results/{experiment}/speed.png", experiment=TARGETS),


rule quality:
    input:
        expand(
            "results/{experiment}/{file}",
            experiment=TARGETS,
            file=["quality_vs_nfe.png", "nearest.png", "metrics.md"],
        ),


for sampler in SAMPLERS:

    rule:
        name:
            f"{sampler}_samples"
        input:
            expand(
                "results/{experiment}/{sampler}_samples.png",
                experiment=TARGETS,
                sampler=sampler,
            ),


or_exit(check_names, NAMES, {rule.name for rule in workflow.rules})


for experiment in NAMES:

    rule:
        name:
            experiment
        input:
            figures(experiment),
