# The experiments of the config, checked and filled in, and what a bare call builds.

TARGETS, EXPERIMENTS = or_exit(resolve, config)


wildcard_constraints:
    experiment="|".join(re.escape(name) for name in EXPERIMENTS),
    sampler="|".join(SAMPLERS),


def figures(experiment):
    """Return the files that an experiment builds."""
    return [f"results/{experiment}/{name}" for name in EXPERIMENTS[experiment].figures]
