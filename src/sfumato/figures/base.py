"""What a figure declares: its file, what it is drawn from, and which looks it reads."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from sfumato.config.fields import Section
from sfumato.config.render import ChartLook
from sfumato.errors import InputError
from sfumato.figures.style import own_style
from sfumato.records.stage import DRAWING, Stage

if TYPE_CHECKING:
    from pathlib import Path

    from sfumato.records.opening import Opened

Look = TypeVar("Look", bound=ChartLook)
EACH = {"name": "samples", "sweep": "sweeps"}
"""The sections that have a figure for each of their entries, by the wildcard in its path."""


class Looks(Section, Generic[Look]):
    """The settings of a figure: the part of section `render` that it reads."""

    render: Look


class Several(NamedTuple):
    """Files that a figure is drawn from after those that have a name: as many as there are.

    The provenance calls each by the name that its record has for it.

    Attributes:
        files: their paths, of the experiment as the figure's job sees it.
        arrays: the arrays of each that are drawn.
    """

    files: Callable[[Any], Sequence[str]]
    arrays: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Figure(Stage):
    """A stage of the workflow that draws.

    Paths are relative to results/{experiment}; `{name}` in them is that of an entry of `samples`,
    and `{sweep}` that of a sweep.

    Attributes:
        settings: the looks that it reads.
        file: the path of the figure.
        inputs: what the provenance calls each file that it is drawn from.
        files: the paths of these files, in the same order, or a function of the experiment.
        arrays: of each file the arrays that are drawn; none of a measurement, which has none.
        several: the files that follow these, where their number is the experiment's to say.
        check: raises an InputError if an experiment lacks what this figure shows.
        label: what the report calls the figure.
        timed: whether it shows measured times, which no second build repeats.
    """

    settings: type[Looks[Any]] = Looks[ChartLook]
    file: str
    inputs: tuple[str, ...]
    files: tuple[str, ...] | Callable[[Any], tuple[str, ...]]
    arrays: tuple[tuple[str, ...], ...]
    several: Several | None = None
    check: Callable[[Any], None] = lambda experiment: None  # noqa: ARG005
    label: str
    timed: bool = False
    packages: tuple[str, ...] = DRAWING

    def __post_init__(self) -> None:
        """Raise an InputError where a comma is missing: ("one") is no tuple."""
        for name in ("inputs", "files", "arrays", "after"):
            if isinstance(value := getattr(self, name), str):
                raise InputError(f'FIGURE {self.name}: {name} must be a tuple; write ("{value}",)')

    @property
    def script(self) -> str:
        """The script that draws any figure."""
        return "render.py"

    @property
    def modules(self) -> tuple[str, ...]:
        """The module that declares and draws the figure."""
        return (f"sfumato.figures.{self.name}",)

    def open(self, paths: Sequence[Path]) -> dict[str, Opened]:
        """Open the files that the figure is drawn from, and return them by name.

        The first have the names of `inputs`; those of `several` are called as their records say.

        Raises:
            InputError: if they are not as many as `inputs`, or one is of another kind, or twice
                there.
        """
        from sfumato.records.opening import open_record

        count = len(self.inputs)
        if len(paths) < count or (len(paths) > count and not self.several):
            wanted = ", ".join([*self.inputs, *(["more"] if self.several else [])])
            raise InputError(
                f"--inputs: {self.name} is drawn from {wanted}, not {len(paths)} files"
            )
        files = zip(self.inputs, paths, self.arrays, strict=False)
        opened = {name: open_record(path, *arrays) for name, path, arrays in files}
        for path in paths[count:]:
            each = open_record(path, *(self.several.arrays if self.several else ()))
            if each.record.artifact in opened:
                raise InputError(f"--inputs: {path}: {each.record.artifact} is given twice")
            opened[each.record.artifact] = each
        return opened

    def draw(self, look: Any, *opened: Opened) -> Any:  # noqa: ANN401
        """Return the drawing: a Matplotlib figure, or an `Animation`."""
        with own_style():
            return import_module(*self.modules).draw(look, *opened)

    def files_for(self, experiment: Any) -> list[str]:  # noqa: ANN401
        """Return the paths that `figures` may name: one, or one for each entry of a section."""
        for wildcard, section in EACH.items():
            if f"{{{wildcard}}}" in self.file:
                return [self.file.format(**{wildcard: e}) for e in getattr(experiment, section)]
        return [self.file]

    @property
    def log_stem(self) -> str:
        """What the files of the job that draws it are called, before their suffix."""
        stem = self.file.rpartition(".")[0]
        return f"render_{stem if '{' in stem else self.name}"

    def artifact(self, *opened: Opened) -> str:
        """Return the name of the figure that is drawn from these records.

        Raises:
            InputError: if one of them is not of the kind that `files` names.
        """
        names: dict[str, str] = {}
        for file, each in zip(() if callable(self.files) else self.files, opened, strict=False):
            match = matched(file, each.record.artifact)
            if match is None:
                kind = re.sub(r"\{\w+\}", "*", file)
                raise InputError(f"{each.path}: this file is {each.record.artifact}, not {kind}")
            names |= match.groupdict()
        return self.file.format(**names)


def matched(file: str, path: str) -> re.Match[str] | None:
    """Match a path with one that may have wildcards: `{name}_samples.png`."""
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+)", re.escape(file))
    return re.fullmatch(pattern, path)
