# The experiments of the config, checked and filled in, and what a bare call builds.

CONFIG = or_exit(
    with_typed_arguments, config, workflow.config_settings.config_args or []
)
TARGETS, EXPERIMENTS = or_exit(resolve, CONFIG)
NAMES = list(EXPERIMENTS)
# `verify` builds an experiment once more, under a name that no config can give.
EXPERIMENTS |= {f".verify/{name}": EXPERIMENTS[name] for name in NAMES}


wildcard_constraints:
    experiment=one_of(EXPERIMENTS),
    sampler=one_of(SAMPLERS),
    run=one_of(
        {run.name for each in EXPERIMENTS.values() for run in each.evaluation.runs}
    ),
    k=r"\d+",
    n=r"\d+",


def figures(experiment):
    """Return the files that an experiment builds."""
    return [f"results/{experiment}/{name}" for name in EXPERIMENTS[experiment].figures]
