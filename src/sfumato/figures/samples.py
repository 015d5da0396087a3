"""{name}_samples.png: a grid of the samples that an entry of `samples` draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfumato.config.render import GridLook
from sfumato.figures.base import Figure, Looks

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from matplotlib.figure import Figure as Drawing

    from sfumato.records.opening import Opened


FIGURE = Figure(
    name="samples",
    settings=Looks[GridLook],
    file="{name}_samples.png",
    inputs=("arrays",),
    files=("{name}_samples.npz",),
    arrays=(("images",),),
    after=("sample",),
    label="{name} samples",
)


def draw(look: GridLook, samples: Opened) -> Drawing:
    """Draw the first `look.max_panels` samples, each under its index; several classes in rows.

    The figure of an edit shows what was given too, see `edits`.
    """
    from sfumato.config.labels import in_order
    from sfumato.figures.classes import class_names
    from sfumato.figures.edits import edited
    from sfumato.figures.panels import image_grid, image_rows
    from sfumato.figures.titles import drawn_words, heading, made_words

    (entry,), record = samples.record.settings["samples"].values(), samples.record
    n_samples = samples.arrays["images"].shape[0]
    labels, names = in_order(entry.get("labels")), class_names(record)
    several = len(set(labels)) > 1 and not entry.get("edit")
    images = samples.read(_whole_turns(look.max_panels, len(labels) if several else 1))["images"]
    said = heading(
        look,
        drawn_words(record),
        *made_words(record, images),
        f"the first {len(images)} of {n_samples} samples" if len(images) < n_samples else "",
    )
    if edit := entry.get("edit"):
        return edited(look, samples, edit["kind"], said)
    if several:
        return image_rows(*_by_class(images, labels, names), said, look)
    return image_grid(images, said, look)


def _whole_turns(most: int, length: int) -> int:
    """Return how many samples are shown of so many at most: each class as often as it comes."""
    return max(most - most % length, min(most, length))


def _by_class(
    images: np.ndarray, labels: Sequence[int], names: Sequence[str]
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return the images of each class, by its name, and which samples are in each column."""
    import numpy as np

    from sfumato.config.labels import in_turn
    from sfumato.figures.classes import class_name

    asked, turn = np.array(in_turn(labels, range(len(images)))), len(labels)
    rows = {class_name(label, names): images[asked == label] for label in dict.fromkeys(asked)}
    columns = max(map(len, rows.values()))
    if len(set(labels)) < turn:
        return rows, [""] * columns
    ends = ((first, min(first + turn, len(images)) - 1) for first in range(0, columns * turn, turn))
    return rows, [f"{first} to {last}" if first < last else str(first) for first, last in ends]
