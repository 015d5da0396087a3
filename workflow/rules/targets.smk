# Names to call: each figure of the targets, each entry of `samples`, each sweep and experiment.


rule forward:
    input:
        plan.figures_of_targets("forward"),


rule trajectory:
    input:
        plan.figures_of_targets("trajectory", "animation"),


rule speed:
    input:
        plan.figures_of_targets("speed"),


rule convergence:
    input:
        plan.figures_of_targets("convergence"),


rule quality:
    input:
        plan.figures_of_targets("quality", "nearest"),
        plan.tables_of_targets(),


for entry in plan.entries():

    rule:
        name:
            entry + "_samples"
        input:
            plan.samples_of_targets(entry),


for sweep in plan.sweeps():

    rule:
        name:
            f"sweep_{sweep}"
        input:
            plan.sweep_of_targets(sweep),


if STANDALONE:
    in_a_sentence(check_names)(plan.names, {rule.name for rule in workflow.rules})


for experiment in plan.names:

    rule:
        name:
            experiment
        input:
            plan.files(experiment),


if STANDALONE:
    force_files_of_names(workflow)
    say(overruled_options(sys.argv) if workflow.is_main_process else [])
    watch(workflow, plan, typed)
    say_if_nothing_is_done(workflow, plan.targets)
    watch_report(workflow)
