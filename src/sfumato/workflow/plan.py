"""What the rules ask: for each job, its settings, how it is made, and which files it reads.

Most methods return a function of a job's wildcards, which Snakemake calls.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

from sfumato.config.canonical import canonical
from sfumato.config.checks import check_evaluation
from sfumato.config.experiment import Experiment
from sfumato.config.narrowing import OF_EVALUATION, narrowed
from sfumato.config.samples import EDIT, SampleConfig
from sfumato.config.validation import nearest, one_of
from sfumato.config.wording import called
from sfumato.errors import InputError
from sfumato.figures import figure
from sfumato.records.code import code_of
from sfumato.records.stage import Stage
from sfumato.sampling.shards import shard_count
from sfumato.workflow.contents import Contents
from sfumato.workflow.data_files import facts_of
from sfumato.workflow.lookup import stage
from sfumato.workflow.mistakes import exit_with
from sfumato.workflow.picking import settings_of
from sfumato.workflow.places import ROOT, relative
from sfumato.workflow.reading import results_of, words_of
from sfumato.workflow.reruns import making, seen_by

OfWildcards = Callable[[Any], Any]


class Wanted(NamedTuple):
    """What the record of a job's result must say."""

    stage: Stage
    settings: dict[str, Any]
    code: str


@dataclass(frozen=True)
class Making:
    """How a job's result is made: of the job's wildcards, the text that Snakemake compares."""

    text: OfWildcards
    wanted: OfWildcards

    def __call__(self, wildcards: Any) -> str:  # noqa: ANN401
        """Return the text."""
        return self.text(wildcards)

    @classmethod
    def of(cls, rule: Any) -> Self | None:  # noqa: ANN401
        """Return the parameter `made` of a rule of this workflow; of any other nothing."""
        made = getattr(rule.params, "made", None)
        return made if isinstance(made, cls) else None


def wanted(stage: Stage, seen: Any) -> Wanted:  # noqa: ANN401
    """Return what the record of a stage's result must say, of the experiment as its job sees it."""
    settings = settings_of(stage, seen)
    plain = json.loads(canonical(settings)) if settings else {}
    return Wanted(stage, plain, code_of(stage, settings))


class Plan(Contents):
    """The experiments of a config, as the rules see them."""

    def script(self, name: str) -> Path:
        """Return the path of a script, from the working directory."""
        return relative(ROOT / "scripts" / f"{name}.py")

    def settings(self, name: str) -> OfWildcards:
        """Return what a stage reads of its job's experiment, as one canonical text.

        Snakemake compares the set of a rule's parameters, in which two numbers that are swapped go
        unnoticed; in one text nothing does.
        """
        return self._of(name, lambda each, seen: canonical(settings_of(each, seen)))

    def making(self, name: str, writes: str | None = None) -> Making:
        """Return what counts for a stage's result besides its settings, see `workflow.reruns`.

        Args:
            name: the stage.
            writes: the stage whose result it writes, if not its own.
        """
        return Making(self._of(name, making), self._of(writes or name, wanted))

    def caption(self, name: str) -> str:
        """Return the caption of a figure in the report, from a file of rules; or one for any."""
        own = ROOT / "workflow" / "report" / f"{name}.rst"
        return f"../report/{own.name if own.is_file() else 'figure.rst'}"

    def labels(self, name: str) -> OfWildcards:
        """Return what the report sorts a figure by: what it is, and what drew its samples."""
        label = figure(name).label

        def of(wildcards: Any) -> dict[str, str]:  # noqa: ANN401
            experiment, known = self._experiment(wildcards), dict(wildcards)
            diffusion, entry = experiment.diffusion, experiment.samples.get(known.get("name", ""))
            drawn = entry.model_dump() if entry else {}
            flow = diffusion.path == "linear"
            return {
                "figure": label.format(**known),
                "sampler": called(drawn["sampler"]) if drawn else "",
                "steps": str(drawn.get("steps") or ""),
                "schedule": "flow matching" if flow else diffusion.beta_schedule,
                "network": experiment.weights.source,
            }

        return of

    def inputs(self, name: str) -> OfWildcards:
        """Return the files that a figure is drawn from."""
        drawn, files = figure(name), figure(name).files

        def of(wildcards: Any) -> list[str]:  # noqa: ANN401
            experiment = self._experiment(wildcards)
            if callable(files):  # what is evaluated: it is the experiment's to say
                self._check_evaluation(wildcards)
            self._or_exit(wildcards.experiment, lambda: drawn.check(experiment))
            found = files(experiment) if callable(files) else files
            if drawn.several:
                found = (*found, *drawn.several.files(self._seen(drawn, wildcards)))
            return [f"results/{{experiment}}/{file}".format(**dict(wildcards)) for file in found]

        return of

    def history(self, wildcards: Any) -> list[str]:  # noqa: ANN401
        """Return the history of the training of an experiment's weights, if they are trained.

        Who reads a trained checkpoint asks for both files. Of a job that is not whole Snakemake
        does not look at how its result was made, and would take fresh weights for trained ones.
        """
        trained = self._experiment(wildcards).weights.are_trained
        return [f"results/{wildcards.experiment}/history.csv"] if trained else []

    def images_measured(self, wildcards: Any) -> list[str]:  # noqa: ANN401
        """Return the images whose likelihood is measured: an experiment's own, maybe another's."""
        name, experiment = wildcards.experiment, self._experiment(wildcards)
        own, other = f"results/{name}/data.npz", experiment.likelihood.other
        if other is None:
            return [own]
        place = f"experiments.{name}.likelihood.other: {other!r}"
        if other == "training":
            exit_with(f"{place} is what the experiment's own images are called; rename that one")
        if other not in self.names:
            exit_with(f"{place} {one_of(self.names)}, the experiments{nearest(other, self.names)}")
        shapes = [list(each.model.input_dim) for each in (experiment, self.experiments[other])]
        if shapes[0] != shapes[1]:
            exit_with(f"{place} has images of {shapes[1]}, and {name} has images of {shapes[0]}")
        return [own, f"results/{other}/data.npz"]

    def where(self, places: Callable[[Experiment, str], list[str]]) -> Callable[..., list[str]]:
        """Return words of a command line that say where a job's files are.

        They count for no result: Snakemake compares no parameter that depends on the output.

        Args:
            places: returns the words, of an experiment and the folder of its results.
        """

        def of(wildcards: Any, output: Any) -> list[str]:  # noqa: ANN401
            name = wildcards.experiment
            folder = os.path.dirname(output[0]) if output else f"results/{name}"
            return self._or_exit(name, lambda: places(self.experiments[name], folder))

        return of

    def results_read(self, name: str) -> OfWildcards:
        """Return the results that the entry of a job reads besides the weights; mostly none."""
        found = self._of(name, lambda _, seen: results_of(seen))
        return lambda job: [f"results/{job.experiment}/{path}" for path in found(job)]

    def files_read(self, name: str) -> Callable[[Any, Any], list[str]]:
        """Return words of a command line that say where all that it reads is, see `where`.

        The folder is that of the checkpoint, as Snakemake has it: a module's has a prefix.
        """

        def of(wildcards: Any, input: Any) -> list[str]:  # noqa: A002, ANN401
            ckpt = input.ckpt if input else f"results/{wildcards.experiment}/checkpoint"
            folder = os.path.dirname(ckpt)
            return self._of(name, lambda _, seen: words_of(seen, folder))(wildcards)

        return of

    def shards(self, suffix: str) -> OfWildcards:
        """Return the files of all shards of an entry."""

        def of(wildcards: Any) -> list[str]:  # noqa: ANN401
            experiment = self._experiment(wildcards)
            (entry,) = narrowed(experiment, wildcards).samples.values()
            unit = experiment.sampling.in_a_shard()
            n = shard_count(entry.n_samples, unit, experiment.shards)
            stem = f"results/{wildcards.experiment}/shards/{wildcards.name}_samples"
            return [f"{stem}-{k}-of-{n}{suffix}" for k in range(1, n + 1)]

        return of

    def drawn(self, name: str, suffix: str, edit: str = "") -> OfWildcards:
        """Return a file of each set of samples that a job sees, or of one kind of edit alone."""
        asked = stage(name)

        def of(wildcards: Any) -> list[str]:  # noqa: ANN401
            found = self._seen(asked, wildcards).samples
            names = [each for each in found if not edit or _kind(found[each]) == edit]
            return [f"results/{wildcards.experiment}/{each}_samples{suffix}" for each in names]

        return of

    def timings(self, wildcards: Any) -> list[str]:  # noqa: ANN401
        """Return the measured times of all entries of `samples`."""
        place = f"results/{wildcards.experiment}"
        samples = self._experiment(wildcards).samples
        if not samples:
            exit_with(f"experiments.{wildcards.experiment}.samples: {{}} has no entry to time")
        return [f"{place}/{name}_samples.timing.json" for name in samples]

    def evaluated(self, suffix: str, *before: str) -> OfWildcards:
        """Return a file of every run and seed; first those of `before`, that of real images."""

        def of(wildcards: Any) -> list[str]:  # noqa: ANN401
            experiment = self._experiment(wildcards)
            self._check_evaluation(wildcards)
            return [
                f"results/{wildcards.experiment}/evaluation/{run}/{k}{suffix}"
                for run in (*before, *experiment.runs)
                for k in range(experiment.evaluation.seeds)
            ]

        return of

    def _experiment(self, wildcards: Any) -> Experiment:  # noqa: ANN401
        return self.experiments[wildcards.experiment]

    def _seen(self, asked: Stage, wildcards: Any) -> Any:  # noqa: ANN401
        experiment = self._experiment(wildcards)
        return self._or_exit(wildcards.experiment, lambda: seen_by(asked, experiment, wildcards))

    def _check_evaluation(self, wildcards: Any) -> None:  # noqa: ANN401
        name, experiment = wildcards.experiment, self._experiment(wildcards)
        facts = self._or_exit(name, lambda: facts_of(experiment.data))
        try:
            check_evaluation(experiment, f"experiments.{name}", facts)
        except InputError as error:
            exit_with(error)

    def _or_exit(self, name: str, answer: Callable[[], Any]) -> Any:  # noqa: ANN401
        """Return an answer, or end with the sentences for what is wrong in an experiment."""
        try:
            return answer()
        except InputError as error:
            exit_with("\n".join(f"experiments.{name}.{line}" for line in str(error).split("\n")))

    def _of(self, name: str, answer: Callable[[Stage, Any], Any]) -> OfWildcards:
        """Return a function of the wildcards that asks a stage about its job's experiment."""
        asked, answers = stage(name), {}

        def of(wildcards: Any) -> Any:  # noqa: ANN401
            job = _without_shard(dict(wildcards))
            if job not in answers:
                if _evaluates(asked) or "run" in wildcards.keys():
                    self._check_evaluation(wildcards)
                answers[job] = self._or_exit(
                    wildcards.experiment,
                    lambda: answer(asked, seen_by(asked, self._experiment(wildcards), wildcards)),
                )
            return answers[job]

        return of


def _kind(entry: SampleConfig) -> str:
    return EDIT.name_of(entry.edit) if entry.edit else ""


def _evaluates(stage: Stage) -> bool:
    """Tell whether the result of a stage is part of an evaluation."""
    section = stage.settings and "evaluation" in stage.settings.model_fields
    return bool(section or stage.view in OF_EVALUATION)


def _without_shard(wildcards: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the wildcards that tell jobs apart, but for the numbers of a shard: `k` of `n`."""
    shard = ("k", "n") if "n" in wildcards else ()
    return tuple((name, value) for name, value in wildcards.items() if name not in shard)
