"""Which pictures a folder holds, and what was left out of it."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from sfumato.config.paths import shown
from sfumato.errors import InputError

SUFFIXES = (".jpeg", ".jpg", ".png")
_OTHER = f"not {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
_FEW = 3
OF_SYSTEMS = frozenset(
    ("@eadir", "@recycle", "@recently-snapshot", "#recycle", "#snapshot", "$recycle.bin")
    + ("system volume information", "lost+found", "__macosx")
)
"""Folders that file servers, file systems and archivers add, in lower case."""


class State(NamedTuple):
    """What changes with the content of a file, and is known without reading it; times in ns.

    A copy that keeps the time of its original (`cp -p`, `rsync -a`) changes only the last two.
    """

    size: int
    mtime: int
    ctime: int
    inode: int


@dataclass(frozen=True)
class Pictures:
    """The pictures below a folder.

    Attributes:
        folder: where they are.
        states: of each picture, by its path from there, `cats/1.png`. They are in the order of the
            parts of these paths.
        left_out: for each reason to leave something out, the paths of what it holds for.
    """

    folder: Path
    states: Mapping[str, State]
    left_out: Mapping[str, list[str]] = field(default_factory=dict)

    @property
    def classes(self) -> list[str]:
        """The sub-folders that hold pictures, in the order of their names."""
        return sorted({name.split("/", 1)[0] for name in self.states if "/" in name})

    @property
    def sentence_of_classes(self) -> str:
        """Which class each sub-folder is, and how many pictures it holds."""
        of_folder = Counter(name.split("/", 1)[0] for name in self.states if "/" in name)
        parts = [f"class {i} is {shown(n)}, {of_folder[n]}" for i, n in enumerate(self.classes)]
        parts += [f"no class, {self.unlabelled}"] if self.unlabelled else []
        return f"data: {len(self.states)} pictures; {'; '.join(parts)}"

    @property
    def unlabelled(self) -> int:
        """How many pictures are in no sub-folder."""
        return sum("/" not in name for name in self.states)

    @property
    def paths(self) -> list[Path]:
        """Where the pictures are."""
        return [self.folder / name for name in self.states]

    @property
    def sentence(self) -> str:
        """What was left out, and why; empty if nothing was."""
        parts = [f"{_some(names)} ({reason})" for reason, names in self.left_out.items()]
        return f"left out of {shown(self.folder)}: {'; '.join(parts)}" if parts else ""


def find_pictures(folder: str | Path) -> Pictures:
    """Find every PNG and JPEG below a folder, through links to other folders too.

    Each folder is read once, under its own name if it is there, else under that of the first link
    to it. So links that lead in a circle end, and no picture is there twice by a linked folder.

    Raises:
        InputError: if there is no such folder, it cannot be read, or no picture is in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(
            f"data.folder: there is no folder {shown(folder)}; name the one of your pictures"
        )
    states, left_out = _Walk(folder).found()
    if not states:
        about = Pictures(folder, {}, left_out).sentence
        raise InputError(
            f"data.folder: there is no picture in {shown(folder)}; put files there that end in "
            f"{', '.join(SUFFIXES)}{f' ({about})' if about else ''}"
        )
    ordered = sorted(states, key=lambda name: name.split("/"))
    return Pictures(folder, {name: states[name] for name in ordered}, left_out)


def digest_of(contents: Iterable[tuple[str, bytes]]) -> str:
    """Return the sha256 of pictures: the path of each from their folder, and its content."""
    whole = hashlib.sha256()
    for name, content in contents:
        whole.update(os.fsencode(name) + b"\0" + hashlib.sha256(content).digest())
    return whole.hexdigest()


def contents_of(pictures: Pictures) -> Iterator[tuple[str, bytes]]:
    """Yield the pictures: the path of each from the folder, and its content.

    Raises:
        InputError: if one cannot be read.
    """
    for name in pictures.states:
        path = pictures.folder / name
        try:
            yield name, path.read_bytes()
        except OSError as error:
            raise InputError(
                f"data.folder: {shown(path)}: this file cannot be read: {error.strerror}; change "
                "its permissions, or take it out of the folder"
            ) from None


class _Walk:
    """A walk through a folder, the links to other folders last."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._states: dict[str, State] = {}
        self._left_out: dict[str, list[str]] = {}
        self._read: set[tuple[int, int]] = set()
        self._links: list[str] = []
        self._linked: dict[str, os.stat_result] = {}

    def found(self) -> tuple[dict[str, State], dict[str, list[str]]]:
        """Return the state of each picture, and what was left out."""
        self._enter("")
        while self._links:
            links, self._links = sorted(self._links), []
            for link in links:
                self._enter(link)
        for name, status in sorted(self._linked.items()):
            self._keep(name, status, "leads to a picture that is there under another name")
        for names in self._left_out.values():
            names.sort()
        return self._states, dict(sorted(self._left_out.items()))

    def _enter(self, place: str) -> None:
        """Read a folder, unless it was read under another name."""
        path = self._folder / place
        try:
            status = path.stat()
            if (status.st_dev, status.st_ino) in self._read:
                return self._leave_out(place, "leads to a folder that is read under another name")
            with os.scandir(path) as entries:
                inside = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            if not place:
                reason = f"cannot be read: {error.strerror}; change its permissions"
                raise InputError(f"data.folder: {shown(path)} {reason}") from None
            return self._leave_out(place, f"cannot be read: {error.strerror}")
        self._read.add((status.st_dev, status.st_ino))
        if place and not inside:
            self._leave_out(place, "an empty folder")
        for entry in inside:
            name = f"{place}/{entry.name}" if place else entry.name
            try:
                self._take(name, entry)
            except OSError as error:
                self._leave_out(name, f"cannot be read: {error.strerror}")

    def _take(self, name: str, entry: os.DirEntry[str]) -> None:
        """Take in an entry of a folder: a picture, or a folder, or something to leave out."""
        if entry.name.startswith("."):
            self._leave_out(name, "hidden, by the dot at the start")
        elif entry.name.lower() in OF_SYSTEMS:
            self._leave_out(name, "of a file server or an archiver, not yours")
        elif entry.is_dir():
            self._links.append(name) if entry.is_symlink() else self._enter(name)
        elif not entry.name.lower().endswith(SUFFIXES):
            self._leave_out(name, _OTHER)
        elif not entry.is_file():
            link = entry.is_symlink()
            self._leave_out(name, "a link that leads nowhere" if link else "not a file")
        elif entry.is_symlink():
            self._linked[name] = entry.stat()
        else:
            self._keep(name, entry.stat())

    def _keep(self, name: str, status: os.stat_result, reason: str = "") -> None:
        """Take in a picture; a link to one that was taken in already is left out."""
        if reason and (status.st_dev, status.st_ino) in self._read:
            return self._leave_out(name, reason)
        self._read.add((status.st_dev, status.st_ino))
        times = (status.st_mtime_ns, status.st_ctime_ns)
        self._states[name] = State(status.st_size, *times, status.st_ino)
        return None

    def _leave_out(self, name: str, reason: str) -> None:
        self._left_out.setdefault(reason, []).append(name)


def _some(names: list[str]) -> str:
    """Name some of many."""
    more = len(names) - _FEW
    said = ", ".join(shown(name) for name in names[:_FEW])
    return f"{said} and {more} more" if more > 0 else said
