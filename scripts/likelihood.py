"""Measure how likely a network finds images: training images, held-out ones, and another set's.

python scripts/likelihood.py --checkpoint results/mine/checkpoint --data results/mine/data.npz \
    --config '{"seed": 0, "model": {}, "diffusion": {}, "likelihood": {"n_images": 100}}' \
    --output results/mine/likelihood.json

Where the settings name another experiment as `other`, the file of its images follows as a second
`--data`.
"""

from collections.abc import Sequence

from sfumato.compute.backend import describe
from sfumato.compute.randomness import stage_key
from sfumato.diffusion.schedule import make_schedule
from sfumato.errors import InputError
from sfumato.evaluation.bits import Likelihood
from sfumato.evaluation.likelihoods import look
from sfumato.networks.denoiser import make_denoiser
from sfumato.records.checkpoint import load_checkpoint
from sfumato.records.measurements import save_measurement
from sfumato.records.opening import open_record
from sfumato.records.outputs import check_outputs
from sfumato.records.provenance import Record, checkpoint_origin, provenance
from sfumato.workflow.command_line import add_paths, command, new_parser
from sfumato.workflow.settings import read_settings
from sfumato.workflow.stages.likelihood import STAGE, Settings


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    parser = new_parser(__doc__, STAGE)
    add_paths(parser, "checkpoint", "output")
    add_paths(parser, "data", nargs="+")
    arguments = parser.parse_args(argv)
    check_outputs({"output": arguments.output})
    settings = read_settings(Settings, arguments.config)
    config = settings.likelihood
    if len(arguments.data) != (2 if config.other else 1):
        raise InputError(
            f"--data: {len(arguments.data)} files; give the experiment's own, and where "
            "likelihood.other names another experiment, that one's after it"
        )
    network, manifest = load_checkpoint(arguments.checkpoint, settings.model, settings.diffusion)
    schedule = make_schedule(settings.diffusion)
    denoise = make_denoiser(network, schedule, settings.diffusion.prediction_type)
    data = open_record(arguments.data[0], "train_images", "test_images")
    origin = checkpoint_origin(arguments.checkpoint, manifest)
    inputs, images = {"checkpoint": origin, "data": data}, data.read()
    sets = {"training": images["train_images"], "held out": images["test_images"]}
    if config.other:
        inputs["other"] = other = open_record(arguments.data[1], "test_images")
        sets[config.other] = other.read()["test_images"]
    key = stage_key(settings.seed, STAGE.stream)
    found = look(denoise, schedule, sets, config, key=key)
    record = provenance(STAGE, "likelihood.json", settings, inputs=inputs, device=describe())
    measured = Likelihood(sets=found, provenance=Record.model_validate(record))
    save_measurement(arguments.output, measured)


if __name__ == "__main__":
    main()
