"""CSV that says what made it: a line of provenance, the names of the columns, the rows, an end."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sfumato.records.arrays import PROVENANCE, sha256_of
from sfumato.records.damage import foreign, readable
from sfumato.records.outputs import file_aside

MARK = f"# {PROVENANCE} "
_END = "# "  # the last line begins with it; a file without it was cut short


class CsvText(NamedTuple):
    """The content of a file.

    Attributes:
        columns: their texts, by name.
        made: the provenance, as written.
        kind: what a row is, `steps`.
    """

    columns: dict[str, list[str]]
    made: dict[str, Any]
    kind: str


def write_csv(
    path: Path,
    columns: Mapping[str, Sequence[str]],
    provenance: Mapping[str, Any],
    digests: Mapping[str, str],
    kind: str,
) -> None:
    """Write columns of one length, and the digest of each into the provenance."""
    made = json.dumps({**provenance, "arrays": dict(digests)}, sort_keys=True)
    rows = list(zip(*columns.values(), strict=True))
    with file_aside(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        file.write(f"{MARK}{made}\n")
        csv.writer(file, lineterminator="\n").writerows([[*columns], *rows])
        file.write(f"{_END}{kind} {len(rows)}\n")


def read_csv(path: Path, kind: str = "") -> CsvText:
    """Return what `write_csv` wrote; `kind` is what the file should be, for messages.

    Raises:
        InputError: if the file is missing, cut short or from elsewhere.
    """
    with readable(path, kind), path.open(encoding="utf-8", newline="") as file:
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
        word = last.removeprefix(_END).partition(" ")[0]
        if last != f"{_END}{word} {len(rows)}\n":
            raise ValueError("it was cut short")
        columns = {name: [row[i] for row in rows] for i, name in enumerate(names)}
        if any(len(row) != len(columns) for row in rows):
            raise ValueError("its rows are of different lengths")
    return CsvText(columns, made, word)


def text_digest(texts: Sequence[str]) -> str:
    """Return the sha256 of a column of texts."""
    column = sha256_of(np.dtype(np.str_), (len(texts),))
    column.update(json.dumps(list(texts)).encode())
    return column.hexdigest()
