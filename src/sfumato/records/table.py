"""A table, as CSV: a row of texts for each thing, the first of which is its name."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sfumato.records.csv_text import CsvText, text_digest, write_csv

KIND = "rows"


def save_table(
    path: str | Path, columns: Mapping[str, Sequence[object]], provenance: Mapping[str, Any]
) -> None:
    """Write columns; numbers to the last digit."""
    texts = {name: [str(value) for value in values] for name, values in columns.items()}
    digests = {name: text_digest(column) for name, column in texts.items()}
    write_csv(Path(path), texts, provenance, digests, KIND)


def table_of(read: CsvText) -> dict[str, dict[str, str]]:
    """Return the rows of a file by their names, each as its other texts by column.

    Raises:
        ValueError: if they are not what was written.
    """
    digests = {name: text_digest(column) for name, column in read.columns.items()}
    if digests != read.made.get("arrays"):
        raise ValueError("its rows are not what was written")
    (_, names), *others = read.columns.items()
    return {name: {column: texts[i] for column, texts in others} for i, name in enumerate(names)}
