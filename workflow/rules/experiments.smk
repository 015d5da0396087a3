# The experiments of the config, checked and filled in.

arguments = workflow.config_settings.config_args or [] if STANDALONE else []
files = [*CONFIG_FILES, *workflow.overwrite_configfiles] if STANDALONE else []
replaced = len(CONFIG_FILES) if workflow.config_settings.replace_workflow_config else 0
layered = in_a_sentence(laid)(config, files[replaced:])
typed, remarks = in_a_sentence(with_typed_arguments)(layered, arguments)
say(remarks if workflow.is_main_process else [])
# Of the project's own experiments those are left out that do not fit the defaults of another folder.
spare = set()
if len(CONFIG_FILES) > 1:
    spare = spare_experiments(files, arguments)
# Of several modules of a workflow, which have a config each, this is one.
typed |= {} if STANDALONE else all_targets(typed)
place = "" if STANDALONE else f"module {__name__}: "
plan = Plan(*in_a_sentence(resolve, place)(typed, spare))


wildcard_constraints:
    experiment=one_of(plan.experiments),
    name=plan.drawable(),
    sweep=one_of(plan.sweeps()),
    run=one_of(plan.runs()),
    k=r"\d+",
    n=r"\d+",
