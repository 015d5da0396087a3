"""The one way to open what the workflow builds: the kind is told by the content, not by the name.

An artifact says itself what made it. Of its arrays only those are read that somebody asks for, and
each is compared with the digest that was written with it.
"""

import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from sfumato.config.validation import sentences
from sfumato.errors import InputError
from sfumato.records.arrays import (
    PROVENANCE,
    Arrays,
    Rows,
    blocks_of,
    digest,
    in_memory,
    joint_digest,
)
from sfumato.records.csv_text import MARK, read_csv
from sfumato.records.damage import foreign, readable
from sfumato.records.finding import SUFFIXES
from sfumato.records.history import columns_of
from sfumato.records.manifest import read_manifest
from sfumato.records.npz import read_npz
from sfumato.records.pictures import picture_text
from sfumato.records.provenance import Record, origin_of
from sfumato.records.table import KIND as TABLE
from sfumato.records.table import table_of


@dataclass(frozen=True)
class Opened:
    """A figure, an animation, a file of arrays, a history, a table, a measurement or a checkpoint.

    Attributes:
        path: where it is.
        record: what made it, as it says itself.
        arrays: what was asked for, read when it is looked up or later: arrays, columns, weights,
            or `pixels`, the frames of a picture (F, H, W, 3), 0 .. 255.
        content: what a measurement says besides its provenance, a table's rows, or a checkpoint's
            manifest.
        stored_digest: of all that is in it, as it says itself; empty for pictures, which do not.
    """

    path: Path
    record: Record
    arrays: Arrays = field(default_factory=dict)
    content: dict[str, Any] = field(default_factory=dict)
    stored_digest: str = ""

    @cached_property
    def digest(self) -> str:
        """The sha256 of all that is in it, whatever was asked for; not that of the file."""
        return self.stored_digest or digest(self.arrays)

    @property
    def origin(self) -> dict[str, Any]:
        """Its digest and provenance, for the provenance of what is made from it."""
        return origin_of(self.digest, self.record)

    def read(self, most: int | None = None) -> dict[str, np.ndarray]:
        """Return the arrays, or the first `most` rows of each.

        Raises:
            InputError: if one is not what was written.
        """
        return {name: in_memory(array, most) for name, array in self.arrays.items()}

    def check(self) -> None:
        """Read everything that was asked for, some rows at a time; an InputError names damage."""
        for array in self.arrays.values():
            for _ in blocks_of(array):
                pass


def open_record(path: str | Path, *names: str) -> Opened:
    """Open an artifact, and of its arrays those that are named; all, if none is.

    Raises:
        InputError: if there is none, if it cannot be read, is damaged, does not say what made it,
            or lacks one of `names`.
    """
    path = Path(path)
    opened = _open(path, names)
    missing = [name for name in names if name not in opened.arrays]
    if missing:
        held = ", ".join(opened.record.arrays or opened.arrays) or "no arrays"
        raise InputError(
            f"{path}: this file holds {held}, but no {missing[0]}: it is of another kind"
        )
    if names:
        return replace(opened, arrays={name: opened.arrays[name] for name in names})
    return opened


def digest_of(content: Mapping[str, Any]) -> str:
    """Return the sha256 of the content of a measurement, `provenance` apart."""
    text = json.dumps(content, sort_keys=True).encode()
    return digest({"json": np.frombuffer(text, np.uint8)})


def _open(path: Path, names: tuple[str, ...]) -> Opened:
    with readable(path):
        is_folder = path.is_dir()
        if path.is_fifo():
            raise InputError(f"{path}: this is a pipe, and no file")
    if is_folder:
        return _open_checkpoint(path)
    with readable(path), path.open("rb") as file:
        start = file.read(len(MARK))
    if start.startswith(b"PK"):
        return _with_digests(path, *read_npz(path, *names))
    if start.startswith((b"\x89PNG", b"GIF8")):
        return _open_picture(path)
    if start.lstrip().startswith(b"{"):
        return _open_measurement(path)
    if start == MARK.encode():
        return _open_csv(path)
    if path.suffix in SUFFIXES:
        with readable(path):
            raise ValueError("it does not begin like one")
    raise InputError(
        f"{path}: this is no {', '.join(SUFFIXES)} or checkpoint of this workflow, or it was "
        "changed on the way"
    )


def _with_digests(path: Path, arrays: Arrays, made: object) -> Opened:
    record = _record(path, made)
    return Opened(path, record, arrays, stored_digest=joint_digest(record.arrays))


def _open_csv(path: Path) -> Opened:
    """Open the history of a training run, or a table."""
    read = read_csv(path, "history of training or table")
    with readable(path):
        if read.kind != TABLE:
            return _with_digests(path, columns_of(read), read.made)
        rows, record = table_of(read), _record(path, read.made)
    return Opened(path, record, content=rows, stored_digest=joint_digest(record.arrays))


def _record(path: Path, made: object) -> Record:
    if made is None:
        raise foreign(path)
    try:
        return Record.model_validate(made)
    except RecursionError:
        raise foreign(path, "it nests too deep") from None
    except ValidationError as error:
        first = sentences(Record, error).split("\n")[0]
        raise foreign(path, f"{PROVENANCE}: {first}") from None


def _open_checkpoint(path: Path) -> Opened:
    # By name: what opens arrays does not depend on the code of the networks.
    manifest = read_manifest(path)
    record = _record(path, manifest.pop(PROVENANCE))
    weights = _Lazy(lambda: import_module("sfumato.records.checkpoint").load_weights(path))
    return Opened(path, record, weights, manifest, stored_digest=manifest["digest"])


def _open_picture(path: Path) -> Opened:
    """Open a figure that is whole; its pixels are read when they are asked for."""
    with readable(path):
        text = picture_text(path)
        made = json.loads(text) if text else None
    return Opened(path, _record(path, made), _Lazy(lambda: {"pixels": _pixels(path)}))


def _pixels(path: Path) -> np.ndarray:
    """Return the frames of a picture, (F, H, W, 3)."""
    from PIL import Image, ImageSequence

    with readable(path, "picture"):
        try:
            with warnings.catch_warnings(action="error"), Image.open(path) as image:
                every = ImageSequence.Iterator(image)
                return np.stack([np.asarray(frame.convert("RGB")) for frame in every])
        except (OSError, MemoryError):
            raise
        except Exception as error:  # Pillow raises a dozen kinds of error for damaged files
            raise ValueError(str(error)) from None


def _open_measurement(path: Path) -> Opened:
    with readable(path):
        content = json.loads(path.read_bytes())
    record = _record(path, content.pop(PROVENANCE, None))
    return Opened(path, record, content=content, stored_digest=digest_of(content))


class _Lazy(Mapping[str, np.ndarray | Rows]):
    """Arrays by name, all of which are read when the first is asked for."""

    def __init__(self, load: Callable[[], Arrays]) -> None:
        self._load = load

    @cached_property
    def _arrays(self) -> Arrays:
        return self._load()

    def __getitem__(self, name: str) -> np.ndarray | Rows:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)
