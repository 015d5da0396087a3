"""Score samples against real images that were held out; without samples, score real images.

python scripts/evaluate.py --data results/mine/data.npz \
    --classifier results/mine/evaluation/classifier.npz --run ddim_steps_50 \
    --samples results/mine/evaluation/ddim_steps_50/0.npz \
    --timing results/mine/evaluation/ddim_steps_50/0.timing.json \
    --config '{"seed": 0, "evaluation": {}}' \
    --output results/mine/evaluation/ddim_steps_50/0.metrics.json

`--run floor`, without `--samples` and `--timing`, scores training images: the best that can be
reached.
"""

from collections.abc import Sequence

from sfumato.compute.backend import describe
from sfumato.compute.randomness import stage_key
from sfumato.config.scoring import FLOOR
from sfumato.errors import InputError
from sfumato.evaluation.evaluate import DATA, evaluate_real_images, evaluate_samples
from sfumato.evaluation.metrics import Metrics
from sfumato.records.measurements import load_measurement, save_measurement
from sfumato.records.opening import open_record
from sfumato.records.outputs import check_outputs
from sfumato.records.provenance import Record, provenance
from sfumato.sampling.timing import Timing
from sfumato.workflow.command_line import add_paths, command, new_parser
from sfumato.workflow.settings import read_settings
from sfumato.workflow.stages.evaluate import STAGE, Settings


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    parser = new_parser(__doc__, STAGE)
    add_paths(parser, "data", "classifier", "output")
    add_paths(parser, "samples", "timing", required=False)
    parser.add_argument("--run", required=True, metavar="NAME")
    arguments = parser.parse_args(argv)
    check_outputs({"output": arguments.output})
    settings = read_settings(Settings, arguments.config)
    seed, key = settings.seed, stage_key(settings.seed, STAGE.stream)
    data, classifier = open_record(arguments.data, *DATA), open_record(arguments.classifier)
    inputs = {"data": data, "classifier": classifier}
    if arguments.run == FLOOR:
        facts = evaluate_real_images(data, classifier, settings.evaluation, seed=seed, key=key)
    elif not (arguments.samples and arguments.timing):
        raise InputError("--samples and --timing: give both, except for the run floor")
    else:
        inputs["samples"] = samples = open_record(arguments.samples, "images")
        timing = load_measurement(Timing, arguments.timing)
        config = settings.evaluation
        facts = evaluate_samples(data, classifier, samples, timing, config, key=key)
    artifact = f"evaluation/{arguments.run}/{seed}.metrics.json"
    made = provenance(STAGE, artifact, settings, inputs=inputs, device=describe())
    metrics = Metrics(**facts, provenance=Record.model_validate(made))
    save_measurement(arguments.output, metrics)


if __name__ == "__main__":
    main()
