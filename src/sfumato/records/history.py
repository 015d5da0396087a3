"""The history of a training run, as CSV: a line for each step, after one that says what made it."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sfumato.records.arrays import PROVENANCE, digests, write_whole
from sfumato.records.damage import foreign, readable

MARK = f"# {PROVENANCE} "
END = "# steps"  # the last line begins with it; a file without it was cut short


def save_history(
    path: str | Path, columns: Sequence[str], history: np.ndarray, provenance: Mapping[str, Any]
) -> None:
    """Write the rows of history (steps, columns), numbered from 0, to float32's precision."""
    path = Path(path)
    names = ["step", *columns]
    rows = [[str(i), *(f"{value:.9g}" for value in row)] for i, row in enumerate(history)]
    of_columns = digests(_columns(names, rows))
    made = json.dumps({**provenance, "arrays": of_columns}, sort_keys=True)

    def write(part: Path) -> None:
        with part.open("w", encoding="utf-8", newline="") as file:
            file.write(f"{MARK}{made}\n")
            csv.writer(file, lineterminator="\n").writerows([names, *rows])
            file.write(f"{END} {len(rows)}\n")

    write_whole(path, write)


def read_history(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the columns by name, float64, and the provenance.

    Raises:
        InputError: if the file is missing, damaged or not a history.
    """
    path = Path(path)
    with readable(path, "history of training"), path.open(encoding="utf-8", newline="") as file:
        first = file.readline()
        if not first.startswith(MARK):
            raise foreign(path)
        made = json.loads(first.removeprefix(MARK))
        if not isinstance(made, dict):
            raise foreign(path)
        *lines, last = file.read().splitlines(keepends=True)
        try:
            names, *rows = list(csv.reader(lines))
        except csv.Error as error:
            raise ValueError(str(error)) from None
        if last != f"{END} {len(rows)}\n":
            raise ValueError("it was cut short")
        columns = _columns(names, rows)
        if digests(columns) != made.get("arrays"):
            raise ValueError("its numbers are not what was written")
    return columns, made


def _columns(names: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, np.ndarray]:
    values = np.array(rows, np.float64).reshape(len(rows), len(names))
    return dict(zip(names, np.ascontiguousarray(values.T), strict=True))
