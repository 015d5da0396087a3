"""A training run's state, saved on disk, so that a killed run resumes where it was.

folder/
    identity.json   what the run is: settings, inputs, code, versions, device
    steps/          the last two states, by orbax's CheckpointManager
    damaged-STEP-N/ a state that could not be read

`claim.py` says which run goes on from which state. A damaged state is put away, and the one before
it is used.
"""

import logging
import os
import re
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from time import monotonic
from typing import Any, Self

import jax
import orbax.checkpoint as ocp
from filelock import FileLock, Timeout

from sfumato.config.paths import shown
from sfumato.errors import InputError
from sfumato.records.alias import plain
from sfumato.records.arrays import digest
from sfumato.records.damage import first_line, unreadable
from sfumato.records.outputs import check_removable, check_room, move_folder, real
from sfumato.records.quiet import quiet_orbax
from sfumato.training.claim import IDENTITY, OURS, STEPS, claim, free, names_in, remove
from sfumato.training.state import TrainingState

SECONDS_BETWEEN = 15.0
SHARE_OF_TIME = 0.05  # that saving states may take
_OPTIONS = ocp.CheckpointManagerOptions(
    max_to_keep=2,
    enable_async_checkpointing=False,  # the loop gives the state's memory away
)
_LOG = logging.getLogger("sfumato")
_UNFINISHED = re.compile(r"\d+\.orbax-checkpoint-tmp.*")


class DiskStore:
    """Keeps the state of the run `identity` in a folder; a `loop.Store`.

    Attributes:
        folder: where.
        resumed: how the run goes on from the state of another, as the user wished; else empty.
    """

    def __init__(self, folder: str | Path, identity: Mapping[str, Any]) -> None:
        """Open the folder; set aside what another run left there.

        Raises:
            InputError: if a process that is alive keeps its state there: one that outlived its
                killed workflow, for instance; or if the folder holds anything but states.
        """
        folder = Path(folder)
        self.folder = real(folder)
        check_work_room(self.folder)
        self._lock = _lock(self.folder)
        self.resumed = claim(self.folder, identity)
        self._alias = ExitStack()
        steps = self._alias.enter_context(plain(self.folder)) / STEPS
        _remove_unfinished(steps)
        self._steps = ocp.CheckpointManager(steps, options=_OPTIONS)
        self._kept_at, self._seconds = monotonic(), 0.0

    def restore(self, like: TrainingState) -> TrainingState | None:
        """Return the last state that is whole; None if there is none.

        Raises:
            InputError: if a state may be whole, and cannot be read.
        """
        for step in sorted(self._steps.all_steps(), reverse=True):
            try:
                return self._read_state(step, like)
            except Exception as error:  # of a dozen kinds, from orbax and tensorstore
                _check_readable(self.folder / STEPS / str(step))
                self._put_away(step, first_line(error))
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
        try:
            with quiet_orbax():
                self._steps.save(int(state.step), args=kept, force=True)
        except Exception as error:  # of a dozen kinds, from orbax and tensorstore
            raise InputError(
                f"{shown(self.folder)}: the state of training cannot be written: "
                f"{first_line(error)}; then the same command goes on from the state before"
            ) from None
        self._kept_at = monotonic()
        self._seconds = self._kept_at - clock

    def remove(self) -> None:
        """Delete the states: the run is done."""
        remove(self.folder)
        Path(self._lock.lock_file).unlink(missing_ok=True)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Release the folder to other processes."""
        self._steps.close()
        self._alias.close()
        self._lock.release()

    def _read_state(self, step: int, like: TrainingState) -> TrainingState:
        target = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=leaf.sharding),
            _plain(like),
        )
        wanted = ocp.args.Composite(
            state=ocp.args.StandardRestore(target), about=ocp.args.JsonRestore()
        )
        found = self._steps.restore(step, args=wanted)
        state = jax.tree.unflatten(jax.tree.structure(like), jax.tree.leaves(found["state"]))
        if _digest(state) != found["about"]["digest"]:
            raise ValueError("it is not what was written")
        return state

    def _put_away(self, step: int, reason: str) -> None:
        """Move a damaged state out of the way, and say what is used in its place."""
        place = free(self.folder / f"damaged-{step}")
        move_folder(self.folder / STEPS / str(step), place)
        self._steps.reload()
        left = self._steps.latest_step()
        _LOG.warning(
            "%s: the state of step %d cannot be read: %s. It is kept as %s until training is done; "
            "training goes on from step %d",
            *(shown(self.folder), step, reason, place.name, left or 0),
        )


def check_work_room(folder: Path) -> None:
    """Raise an InputError if a folder holds anything but the states of a training run."""
    folder = real(folder)
    check_room(folder, OURS, "a training run's state")
    check_removable(folder, "a training run's state")
    states = folder / STEPS
    if os.path.lexists(states) and not states.is_dir():
        raise InputError(f"{shown(states)}: this is no folder, and one is needed; move it away")
    for name in () if (folder / IDENTITY).exists() else names_in(states):
        if not _UNFINISHED.fullmatch(name) and not any((states / name).glob("_*METADATA")):
            raise InputError(
                f"{shown(folder)}: this folder holds {STEPS}/{shown(name)}, which is not part of a "
                "training run's state; nothing was deleted: name another folder"
            )


def _check_readable(folder: Path) -> None:
    """Raise an InputError if a file in a folder cannot be read, whatever is in it."""
    try:
        for place, _, names in os.walk(folder, onerror=_again):
            for name in names:
                Path(place, name).read_bytes()
    except OSError as error:
        path = Path(error.filename or folder)
        raise unreadable(path, error.strerror or str(error)) from None


def _again(error: OSError) -> None:
    raise error


def _remove_unfinished(steps: Path) -> None:
    """Delete what a kill left half-written, at once: orbax would in a thread that nobody awaits."""
    for name in names_in(steps):
        if _UNFINISHED.fullmatch(name):
            shutil.rmtree(steps / name, ignore_errors=True)


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
