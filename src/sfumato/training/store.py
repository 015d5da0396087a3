"""A training run's state, saved on disk, so that a killed run resumes where it was.

folder/
    identity.json   what the run is: settings, inputs, code, versions, device
    steps/          the last two states, by orbax's CheckpointManager

A folder of another run is emptied: no run resumes from what it would not have made itself. A
damaged state is skipped, and the one before it is used.
"""

import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any, Self

import jax
import orbax.checkpoint as ocp
from filelock import FileLock, Timeout

from sfumato.errors import InputError
from sfumato.records.arrays import digest, write_whole
from sfumato.training.state import TrainingState

IDENTITY, STEPS = "identity.json", "steps"
SECONDS_BETWEEN = 15.0
SHARE_OF_TIME = 0.05  # that saving states may take
_OPTIONS = ocp.CheckpointManagerOptions(
    max_to_keep=2,
    cleanup_tmp_directories=True,
    enable_async_checkpointing=False,  # the loop gives the state's memory away
)


class DiskStore:
    """Keeps the state of the run `identity` in a folder; a `loop.Store`."""

    def __init__(self, folder: Path, identity: Mapping[str, Any]) -> None:
        """Open the folder; empty it if another run left it.

        Raises:
            InputError: if a process that is alive keeps its state there: one that outlived its
                killed workflow, for instance.
        """
        self.folder = folder.resolve()
        self._lock = _lock(self.folder)
        text = json.dumps(identity, sort_keys=True)
        if _read(self.folder / IDENTITY) != text:
            shutil.rmtree(self.folder, ignore_errors=True)
            write_whole(self.folder / IDENTITY, lambda path: path.write_text(text))
        self._steps = ocp.CheckpointManager(self.folder / STEPS, options=_OPTIONS)
        self._kept_at, self._seconds = monotonic(), 0.0

    def restore(self, like: TrainingState) -> TrainingState | None:
        """Return the last state that is whole; None if there is none."""
        for step in sorted(self._steps.all_steps(), reverse=True):
            state = self._read_state(step, like)
            if state is not None:
                return state
            self._steps.delete(step)
        return None

    def keep(self, state: TrainingState) -> None:
        """Keep the state, unless the last one is younger than SECONDS_BETWEEN.

        A state that takes long to write is written less often: keeping takes SHARE_OF_TIME at most.
        """
        clock = monotonic()
        if clock - self._kept_at < max(SECONDS_BETWEEN, self._seconds / SHARE_OF_TIME):
            return
        about = {"digest": _digest(state)}
        kept = ocp.args.Composite(
            state=ocp.args.StandardSave(_plain(state)), about=ocp.args.JsonSave(about)
        )
        self._steps.save(int(state.step), args=kept, force=True)
        self._kept_at = monotonic()
        self._seconds = self._kept_at - clock

    def remove(self) -> None:
        """Delete the folder: the run is done."""
        shutil.rmtree(self.folder)
        Path(self._lock.lock_file).unlink(missing_ok=True)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Release the folder to other processes."""
        self._steps.close()
        self._lock.release()

    def _read_state(self, step: int, like: TrainingState) -> TrainingState | None:
        target = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=leaf.sharding),
            _plain(like),
        )
        wanted = ocp.args.Composite(
            state=ocp.args.StandardRestore(target), about=ocp.args.JsonRestore()
        )
        with suppress(Exception):  # orbax and tensorstore raise a dozen kinds for damaged files
            found = self._steps.restore(step, args=wanted)
            state = jax.tree.unflatten(jax.tree.structure(like), jax.tree.leaves(found["state"]))
            if _digest(state) == found["about"]["digest"]:
                return state
        return None


def _lock(folder: Path) -> FileLock:
    """Take the lock beside a folder, which the kernel drops when this process ends in any way.

    On a file system without locks nothing is taken: a lock that outlived its process would be
    worse than none.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_name(f".{folder.name}.lock"), timeout=0, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout:
        raise InputError(
            f"{folder}: another process is training here; wait until it has ended, or end it, and "
            "run the same command again"
        ) from None
    except OSError:
        pass
    return lock


def identity(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a run is, from its provenance: what decides the weights that it ends with."""
    return {
        **{key: record[key] for key in ("settings", "code", "versions", "device")},
        "inputs": {name: origin["digest"] for name, origin in record["inputs"].items()},
        "devices": jax.local_device_count(),  # that share a batch, and so round its mean
    }


def _plain(state: TrainingState) -> dict[str, jax.Array]:
    """Lay the state out flat, by place, in an order that sorting keeps."""
    return {f"{i:05}": leaf for i, leaf in enumerate(jax.tree.leaves(state))}


def _digest(state: TrainingState) -> str:
    return digest(jax.device_get(_plain(state)))


def _read(path: Path) -> str | None:
    with suppress(OSError, UnicodeDecodeError):
        return path.read_text(encoding="utf-8")
    return None
