"""What all contenders are asked to do, so that they do the same."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from worker import Task

BATCH = 8
SIDE = 28
NOISE_STEPS = 1000
STEPS = 20  # of DDIM, in one timed run
TRAINING_STEPS = 6  # in one timed run, its setting up with them
MANY, MANY_STEPS = 32, 5  # images drawn at once, and steps, where throughput is timed
MANY_BATCHES = (8, 32)  # and how many of them go through the network at a time
DEMO_STEPS = 50  # of DDIM, for the demo's eight images on a GPU
LARGE, LARGE_STEPS = 1024, 40  # batch and steps of training on a GPU


@dataclass(frozen=True)
class Size:
    """A U-Net's size, and the batches that it is trained with.

    Attributes:
        widths: channels of the levels, from full resolution down.
        training_batch: images in a step of training.
        blocks: residual blocks per level.
        attention: levels whose blocks have self-attention, with four heads.
        patch: side of the blocks of pixels that become channels.
        dropout: probability with which a value is dropped in training.
    """

    widths: tuple[int, ...]
    training_batch: int
    blocks: int = 1
    attention: tuple[int, ...] = ()
    patch: int = 1
    dropout: float = 0.0


SIZES = {
    "artifex_size": Size((64, 128, 256), 16),
    "two_blocks": Size((64, 128, 256), 16, blocks=2),
    "default": Size((32, 64, 64), 64, attention=(2,)),
    "digits": Size((48, 96), 128, attention=(1,), patch=2, dropout=0.1),
}
"""By name: those of the experiments, and Artifex's with both its blocks; without classes."""

WIDTHS = SIZES["artifex_size"].widths


def tasks(
    size: Size,
    draw: Callable[[int, int, int], Task],
    train: Callable[[int, int, str], Task],
) -> dict[str, Callable[[], Task]]:
    """Return by name what sets up a task; `gpu.py` asks for the last ones, `compare.py` for others.

    Args:
        size: of the network.
        draw: makes the task to draw by DDIM so many images, in so many steps, so many at a time.
        train: makes the task to train with a batch, for so many steps, in a precision.
    """
    return {
        "ddim": partial(draw, BATCH, STEPS, BATCH),
        **{f"many-{batch}": partial(draw, MANY, MANY_STEPS, batch) for batch in MANY_BATCHES},
        "training": partial(train, size.training_batch, TRAINING_STEPS, "float32"),
        "demo": partial(draw, BATCH, DEMO_STEPS, BATCH),
        **{
            f"training-{precision}": partial(train, LARGE, LARGE_STEPS, precision)
            for precision in ("float32", "bfloat16")
        },
    }
