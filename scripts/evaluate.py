"""Judge samples against real images that were held out; without samples, judge real images.

python scripts/evaluate.py --data results/mine/data.npz \
    --classifier results/mine/evaluation/classifier.npz --seed 0 --run ddim_steps_50 \
    --samples results/mine/evaluation/ddim_steps_50/0.npz \
    --timing results/mine/evaluation/ddim_steps_50/0.timing.json \
    --config '{"evaluation": {}}' --output results/mine/evaluation/ddim_steps_50/0.metrics.json

`--run floor`, without `--samples` and `--timing`, judges training images: what nobody can better.
"""

from collections.abc import Sequence
from pathlib import Path

from sfumato.compute.backend import describe
from sfumato.config.evaluation import ScoringConfig
from sfumato.config.fields import Section
from sfumato.evaluation.judge import judge_real_images, judge_samples
from sfumato.evaluation.tables import FLOOR, Metrics
from sfumato.records.arrays import digest, load_arrays
from sfumato.records.provenance import EVALUATING, Record, provenance
from sfumato.sampling.timing import Timing, load_json, save_json
from sfumato.workflow.command_line import command, parse
from sfumato.workflow.settings import read_settings

DATA = ("train_images", "test_images", "test_labels")


class Settings(Section):
    """The section that this script reads."""

    evaluation: ScoringConfig


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    options = ("config", "data", "classifier", "seed", "run", "output")
    arguments = parse(__doc__, argv, *options, samples="", timing="")
    settings, seed = read_settings(Settings, arguments.config), int(arguments.seed)
    data, data_record = load_arrays(Path(arguments.data), *DATA)
    classifier, classifier_record = load_arrays(Path(arguments.classifier), "n_classes")
    inputs = {
        "data": {"digest": digest(data), "provenance": data_record},
        "classifier": {"digest": digest(classifier), "provenance": classifier_record},
    }
    if arguments.run == FLOOR:
        facts = judge_real_images(data, classifier, settings.evaluation, seed)
    else:
        samples, record = load_arrays(Path(arguments.samples), "images")
        inputs["samples"] = {"digest": digest(samples), "provenance": record}
        timing = load_json(Timing, Path(arguments.timing))
        facts = judge_samples(data, classifier, samples, timing, settings.evaluation, seed)
        used = record["settings"].get(timing.sampler, {})
        facts |= {"run": arguments.run, "settings": {"sampler": timing.sampler, **used}}
    artifact = f"evaluation/{arguments.run}/{seed}.metrics.json"
    made = provenance(
        __file__, artifact, settings, packages=EVALUATING, inputs=inputs, device=describe()
    )
    save_json(Path(arguments.output), Metrics(**facts, provenance=Record.model_validate(made)))


if __name__ == "__main__":
    main()
