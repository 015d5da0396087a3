"""A checkpoint in about four fifths of the bytes: weights rounded to 16 significant bits.

They stay float32, and the last byte of each becomes zero, which compression takes away: a weight w
moves by at most 2^-16 |w|. The manifest keeps the digest from before, as `stored_before`, and what
made the weights.

    python -m sfumato.records.rounding FOLDER OUTPUT
"""

import sys
from argparse import ArgumentParser
from pathlib import Path

import jax
import numpy as np
from flax import nnx

from sfumato.errors import InputError
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


def rounded_to_bits(weights: np.ndarray) -> np.ndarray:
    """Round float32 numbers to BITS significant bits, halves to even."""
    significands, exponents = np.frexp(weights)
    return np.ldexp(np.rint(np.ldexp(significands, BITS)), exponents - BITS)


def main() -> None:
    """Run it from the command line."""
    parser = ArgumentParser(description="Round the weights of a checkpoint to 16 bits.")
    parser.add_argument("source", metavar="FOLDER", help="the checkpoint")
    parser.add_argument("folder", metavar="OUTPUT", help="where the rounded one is written")
    try:
        round_checkpoint(**vars(parser.parse_args()))
    except InputError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
