"""The history of a training run, as CSV: a line for each step."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sfumato.records.arrays import digests
from sfumato.records.csv_text import CsvText, read_csv, write_csv
from sfumato.records.damage import readable

KIND = "steps"
_NAME = "history of training"


def save_history(
    path: str | Path, columns: Sequence[str], history: np.ndarray, provenance: Mapping[str, Any]
) -> None:
    """Write the rows of history (steps, columns), numbered from 0, to float32's precision."""
    texts = {"step": [str(i) for i in range(len(history))]}
    for name, values in zip(columns, history.T, strict=True):
        texts[name] = [f"{value:.9g}" for value in values]
    write_csv(Path(path), texts, provenance, digests(_numbers(texts)), KIND)


def read_history(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the columns by name, float64, and the provenance.

    Raises:
        InputError: if the file is missing, damaged or not a history.
    """
    path = Path(path)
    read = read_csv(path, _NAME)
    with readable(path, _NAME):
        return columns_of(read), read.made


def columns_of(read: CsvText) -> dict[str, np.ndarray]:
    """Return the columns of a history, float64, by name.

    Raises:
        ValueError: if it is none, or its numbers are not what was written.
    """
    columns = _numbers(read.columns)
    if read.kind != KIND or digests(columns) != read.made.get("arrays"):
        raise ValueError("its numbers are not what was written")
    return columns


def _numbers(columns: Mapping[str, Sequence[str]]) -> dict[str, np.ndarray]:
    return {name: np.array(texts, np.float64) for name, texts in columns.items()}
