"""What there is to show of an experiment: its figures, trajectory, sweeps and tables.

Each figure comes with what it says of itself: what made it, and how to build it again.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sfumato.errors import InputError
from sfumato.evaluation.bits import Likelihood
from sfumato.evaluation.quality import Quality
from sfumato.evaluation.tables import Table, class_table, likelihood_table, table
from sfumato.figures import figure, names
from sfumato.figures.base import matched
from sfumato.figures.panels import to_rgb
from sfumato.figures.sweep import label
from sfumato.figures.titles import drawn_words
from sfumato.project import how_to_call
from sfumato.records.damage import ForeignError
from sfumato.records.explain import explain
from sfumato.records.finding import PICTURES
from sfumato.records.measurements import load_measurement
from sfumato.records.opening import open_record
from sfumato.sampling.points import rows

MOST_IMAGES = 8
"""Images that are shown of a point of a sweep."""


@dataclass(frozen=True)
class Picture:
    """A figure, where its file is, and what is said of it."""

    path: Path
    words: str
    """What it shows, for those who do not see it."""
    explanation: str


@dataclass(frozen=True)
class Strip:
    """Images side by side, as colours (H, N W, 3), and how many they are."""

    colours: np.ndarray
    count: int


@dataclass(frozen=True)
class Trajectory:
    """The frames of a chain, the time of each, and how it was drawn."""

    strip: Strip
    times: list[int]
    words: str


@dataclass(frozen=True)
class Row:
    """A point of a sweep: its setting, what it took, and its first images."""

    setting: str
    measured: str
    strip: Strip


@dataclass(frozen=True)
class Experiment:
    """All that is shown of an experiment."""

    name: str
    pictures: list[Picture]
    trajectory: Trajectory | None
    sweeps: dict[str, list[Row]]
    tables: dict[str, Table]
    """By their titles."""


def collect(folder: Path) -> Experiment:
    """Find what there is to show in the folder of an experiment, the user's own pictures apart.

    Raises:
        InputError: if one of its files is damaged.
    """
    files = (p for p in sorted(folder.glob("*")) if p.suffix in PICTURES and p.is_file())
    path = folder / "trajectory.npz"
    sweeps = {each.stem: _sweep(each) for each in sorted(folder.glob("sweep_*.csv"))}
    return Experiment(
        folder.name,
        [*_pictures(files)],
        _trajectory(path) if path.is_file() else None,
        {name: points for name, points in sweeps.items() if points},
        _tables(folder),
    )


def _pictures(paths: Iterable[Path]) -> Iterator[Picture]:
    for path in paths:
        with suppress(ForeignError):
            opened = open_record(path)
            command = how_to_call("explain.py", path, "--config")
            yield Picture(path, name_of(path), explain(opened, command))


def name_of(path: Path) -> str:
    """Say what a figure shows, as the report calls it."""
    # Those whose names begin with what they are, before `{name}_samples.png`.
    for each in sorted(map(figure, names()), key=lambda each: each.file.startswith("{")):
        if match := matched(each.file, path.name):
            return each.label.format(**match.groupdict())
    return path.stem


def _trajectory(path: Path) -> Trajectory:
    opened = open_record(path, "frames", "frame_timesteps")
    arrays, words = opened.read(), drawn_words(opened.record)
    return Trajectory(_strip(arrays["frames"]), [*map(int, arrays["frame_timesteps"])], words)


def _sweep(path: Path) -> list[Row]:
    """Return the points of a sweep whose samples are still there."""
    found = []
    for name, point in rows(open_record(path)).items():
        samples = path.parent / f"{name}_samples.npz"
        if samples.is_file():
            images = open_record(samples, "images").read(MOST_IMAGES)["images"]
            setting = ", ".join(label(*item) for item in point.varied.items())
            measured = f"{point.nfe} NFE, {point.seconds:.3g} s on {point.device}"
            found.append(Row(setting, measured, _strip(images)))
    return found


def _strip(images: np.ndarray) -> Strip:
    colours = [to_rgb(image, "gray") for image in images]
    return Strip(np.concatenate(colours, axis=1), len(colours))


def _tables(folder: Path) -> dict[str, Table]:
    quality, likelihood = folder / "quality.json", folder / "likelihood.json"
    found: dict[str, Table] = {}
    if quality.is_file():
        scored = load_measurement(Quality, quality)
        found = {"quality": table(scored), "quality of each class": class_table(scored)}
    if likelihood.is_file():
        found["bits per dimension"] = likelihood_table(load_measurement(Likelihood, likelihood))
    return {title: lines for title, lines in found.items() if lines}


def not_wanted(results: Path, wanted: Sequence[str]) -> list[str]:
    """Return the names of folders that hold figures of experiments that are not wanted."""
    folders = (p for p in sorted(results.glob("[!.]*")) if p.is_dir() and p.name not in wanted)
    return [folder.name for folder in folders if any(map(_is_figure, folder.glob("*.png")))]


def _is_figure(path: Path) -> bool:
    """Tell whether a picture says what made it."""
    try:
        return bool(open_record(path))
    except InputError:
        return False


def experiments(results: Path, wanted: Sequence[str]) -> list[Experiment]:
    """Return the experiments of which anything was built, in the order of `wanted`.

    Raises:
        InputError: if there is nothing to show.
    """
    found = [collect(results / name) for name in dict.fromkeys(wanted) if (results / name).is_dir()]
    found = [each for each in found if each.pictures or each.tables]
    if not found:
        raise InputError(f"{results}: nothing is built; `snakemake --cores 1` builds the targets")
    return found
