"""What all contenders are asked to do, so that they do the same."""

from dataclasses import dataclass

BATCH = 8
SIDE = 28
NOISE_STEPS = 1000
STEPS = 20  # of DDIM, in one timed run
TRAINING_STEPS = 6  # in one timed run, its setting up with them
MANY, MANY_STEPS = 32, 5  # images drawn at once, and steps, where throughput is timed
MANY_BATCHES = (8, 32)  # and how many of them go through the network at a time


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
