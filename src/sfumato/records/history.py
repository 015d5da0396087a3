"""The history of a training run, as CSV: a line a step, behind a line that says what made it."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sfumato.errors import InputError
from sfumato.records.arrays import PROVENANCE, write_whole

MARK = f"# {PROVENANCE} "
END = "# steps"  # the last line begins so: without it the file was cut short


def save_history(
    path: Path, columns: Sequence[str], history: np.ndarray, provenance: Mapping[str, Any]
) -> None:
    """Write the rows of history (steps, columns), numbered from 0; digits enough for float32."""

    def write(part: Path) -> None:
        with part.open("w", encoding="utf-8", newline="") as file:
            file.write(f"{MARK}{json.dumps(provenance, sort_keys=True)}\n")
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(["step", *columns])
            for step, values in enumerate(history):
                rows.writerow([step, *(f"{value:.9g}" for value in values)])
            file.write(f"{END} {len(history)}\n")

    write_whole(path, write)


def load_history(path: Path, *columns: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the columns by name, and the provenance.

    Raises:
        InputError: if the file is missing, damaged, not a history, or has not these `columns`.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            first = file.readline()
            if not first.startswith(MARK):
                raise ValueError("its first line does not say what made it")
            provenance = json.loads(first.removeprefix(MARK))
            if not isinstance(provenance, dict):
                raise ValueError("what made it is no group")
            *lines, last = file.read().splitlines(keepends=True)
            names, *rows = list(csv.reader(lines))
            values = np.array(rows, np.float64).reshape(len(rows), len(names))
            if last != f"{END} {len(rows)}\n":
                raise ValueError("it was cut short")
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except (OSError, ValueError, RecursionError, csv.Error) as error:
        raise InputError(
            f"{path}: this is no history of training ({error}); delete it and build it again"
        ) from None
    history = dict(zip(names, values.T, strict=True))
    missing = [name for name in columns if name not in history]
    if missing:
        raise InputError(f"{path}: this history has no column {missing[0]}: it is of another kind")
    return history, provenance
