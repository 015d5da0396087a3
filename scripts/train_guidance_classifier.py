"""Train the classifier of classifier guidance on the training images, with noise of every time.

python scripts/train_guidance_classifier.py --data results/mine/data.npz \
    --config '{"seed": 0, "diffusion": {}, "guidance_classifier": {"steps": 2000}}' \
    --output results/mine/guidance_classifier.npz
"""

from collections.abc import Sequence

import jax
import numpy as np

from sfumato.compute.backend import describe
from sfumato.compute.randomness import stage_key
from sfumato.diffusion.schedule import make_schedule
from sfumato.records.arrays import save_arrays
from sfumato.records.opening import open_record
from sfumato.records.outputs import check_outputs
from sfumato.records.provenance import provenance
from sfumato.training.guidance_classifier import accuracies, train_guidance_classifier
from sfumato.workflow.command_line import add_paths, command, new_parser
from sfumato.workflow.settings import read_settings
from sfumato.workflow.stages.train_guidance_classifier import STAGE, Settings

N_TIMES = 11


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the script."""
    parser = new_parser(__doc__, STAGE)
    add_paths(parser, "data", "output")
    arguments = parser.parse_args(argv)
    check_outputs({"output": arguments.output})
    settings = read_settings(Settings, arguments.config)
    names = [f"{split}_{kind}" for split in ("train", "test") for kind in ("images", "labels")]
    opened = open_record(arguments.data, *names)
    data, schedule = opened.read(), make_schedule(settings.diffusion)
    key, test_key = jax.random.split(stage_key(settings.seed, STAGE.stream))
    train = data["train_images"], data["train_labels"]
    classifier = train_guidance_classifier(*train, schedule, settings.guidance_classifier, key=key)
    times = np.linspace(0, schedule.noise_steps - 1, N_TIMES).round().astype(np.int32)
    test = data["test_images"], data["test_labels"]
    arrays = classifier.weights() | {
        "n_classes": np.array(data["train_labels"].max() + 1),
        "timesteps": times,
        "accuracies": accuracies(classifier, *test, schedule, times, key=test_key),
    }
    artifact, inputs = "guidance_classifier.npz", {"data": opened}
    record = provenance(STAGE, artifact, settings, inputs=inputs, device=describe())
    save_arrays(arguments.output, arrays, record)


if __name__ == "__main__":
    main()
