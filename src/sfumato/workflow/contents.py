"""What a config holds, as the rules name it: experiments, entries, sweeps, and their figures."""

import re
from collections.abc import Iterable, Sequence

from sfumato.config.experiment import Experiment
from sfumato.config.points import PATTERN
from sfumato.errors import InputError
from sfumato.figures import figure
from sfumato.figures import names as figure_names

REBUILT = ".verify/"
"""Before the name of an experiment that is built once more; no config can give such a name."""


class Contents:
    """The experiments of a config: what is in them, and which files they build.

    Attributes:
        targets: the experiments that a bare call builds.
        names: of the experiments.
        experiments: all of them, each also under the name with which `verify` builds it again.
    """

    def __init__(self, targets: Sequence[str], experiments: dict[str, Experiment]) -> None:
        """Take what `resolve` returns."""
        self.targets = tuple(targets)
        self.names = tuple(experiments)
        again = {f"{REBUILT}{name}": each for name, each in experiments.items()}
        self.experiments = experiments | again

    def files(self, experiment: str) -> list[str]:
        """Return the files that an experiment builds."""
        return [f"results/{experiment}/{file}" for file in self.experiments[experiment].built]

    def rebuilt(self) -> list[str]:
        """Return the files that `verify` builds once more: those of the targets, without times."""
        timed = [each for each in map(figure, figure_names()) if each.timed]
        return [
            f"results/{REBUILT}{target}/{file}"
            for target in self.targets
            for experiment in [self.experiments[target]]
            for file in experiment.built
            if not any(file in each.files_for(experiment) for each in timed)
        ]

    def figures_of_targets(self, *names: str) -> list[str]:
        """Return the files of some figures, of every target that has them."""
        return [
            f"results/{target}/{file}"
            for target in self.targets
            for name in names
            for file in figure(name).files_for(self.experiments[target])
        ]

    def samples_of_targets(self, entry: str) -> list[str]:
        """Return the figure of one entry of `samples`, of every target that has it."""
        return [
            f"results/{target}/{entry}_samples.png"
            for target in self.targets
            if entry in self.experiments[target].samples
        ]

    def sweep_of_targets(self, name: str) -> list[str]:
        """Return figure and table of a sweep, of every target that has it; or of any experiment."""
        having = [each for each in self.names if name in self.experiments[each].sweeps]
        chosen = [each for each in having if each in self.targets] or having
        return [f"results/{each}/sweep_{name}.{kind}" for each in chosen for kind in ("png", "csv")]

    def tables_of_targets(self) -> list[str]:
        """Return the tables of scores of the targets."""
        return [f"results/{target}/metrics.md" for target in self.targets]

    def entries(self) -> tuple[str, ...]:
        """Return the names of all entries of `samples`, of any experiment."""
        return tuple({name: None for each in self.experiments.values() for name in each.samples})

    def drawable(self) -> str:
        """Return a pattern of what samples are drawn of: entries of `samples`, and points."""
        return f"{one_of(self.entries())}|{PATTERN}"

    def sweeps(self) -> tuple[str, ...]:
        """Return the names of all sweeps, of any experiment."""
        return tuple({name: None for each in self.experiments.values() for name in each.sweeps})

    def runs(self) -> set[str]:
        """Return the names of all runs of an evaluation, of any experiment.

        One whose runs are wrong says so when its evaluation is asked for.
        """
        found: set[str] = set()
        for experiment in self.experiments.values():
            try:
                found |= experiment.runs.keys()
            except InputError:
                continue
        return found

    def with_weights(self, *sources: str) -> str:
        """Return a pattern of the experiments whose weights come from one of `sources`."""
        return one_of(n for n, each in self.experiments.items() if each.weights.source in sources)

    def with_shards(self, several: bool) -> str:
        """Return a pattern of the experiments whose samples are drawn by one job, or by several."""
        return one_of(n for n, each in self.experiments.items() if (each.shards > 1) == several)


def one_of(names: Iterable[str]) -> str:
    """Return the pattern of a wildcard that is one of `names`, which may be none."""
    return "|".join(map(re.escape, names)) or "(?!)"
