"""A checkpoint in three quarters of the bytes: weights rounded to 16 significant bits.

They stay float32, and the last byte of each becomes zero, which compression takes away: a weight w
moves by at most 2^-16 |w|. The manifest keeps the digest from before, as `stored_before`, and what
made the weights.

    python -m sfumato.records.rounding FOLDER OUTPUT
"""

import sys
from pathlib import Path

import jax
import numpy as np
from flax import nnx

from sfumato.records.checkpoint import load_whole, save_checkpoint

BITS = 16


def round_checkpoint(source: str | Path, folder: str | Path) -> None:
    """Write the checkpoint `source` again, with rounded weights.

    Raises:
        InputError: if it cannot be read or written.
    """
    network, diffusion, manifest = load_whole(source)
    graphdef, weights = nnx.split(network)
    rounded = jax.tree.map(lambda leaf: rounded_to_bits(np.asarray(leaf)), weights)
    before = {"stored_before": manifest["digest"]}
    save_checkpoint(
        folder, nnx.merge(graphdef, rounded), diffusion, manifest["provenance"], **before
    )


def rounded_to_bits(weights: np.ndarray, bits: int = BITS) -> np.ndarray:
    """Round float32 numbers to so many significant bits, halves to even."""
    significands, exponents = np.frexp(weights)
    return np.ldexp(np.rint(np.ldexp(significands, bits)), exponents - bits)


if __name__ == "__main__":
    round_checkpoint(*sys.argv[1:])
