"""Where results go: refused before the work begins if they cannot, and never seen half-written."""

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import permutations
from pathlib import Path
from threading import RLock

from sfumato.config.paths import shown
from sfumato.errors import InputError
from sfumato.records.owner import check_owner, own

_TRIES = 100
_ONE_THREAD = RLock()
"""What is written aside has the number of the process in its name, which its threads share."""
_LONGEST = 200  # bytes; file systems allow 255, and what is written aside has a longer name


def check_outputs(files: Mapping[str, Path], folders: Mapping[str, Path] | None = None) -> None:
    """Raise an InputError if a result cannot be written, or would be lost in another.

    Else the results are this run's: an earlier one that is still at work replaces none of them.

    Args:
        files: those that are written, by the name of the option.
        folders: the same of folders.
    """
    folders = folders or {}
    places = {option: real(path) for option, path in {**files, **folders}.items()}
    for option, place in places.items():
        with suppress(FileNotFoundError, NotADirectoryError):
            os.lstat(place)  # which says whether it can be a name at all
        if os.path.lexists(place) and not (
            place.is_dir() if option in folders else place.is_file()
        ):
            kind = "folder" if option in folders else "file"
            raise InputError(f"--{option}: {shown(place)}: no {kind} can be here; name another")
        _check_parent(option, place)
        if checkpoint := checkpoint_around(place):
            raise InputError(
                f"--{option}: {shown(place)} lies in the checkpoint {shown(checkpoint)}; name "
                "another place"
            )
    for (inner, place), (outer, whole) in permutations(places.items(), 2):
        if place == whole or whole in place.parents:
            raise InputError(
                f"--{inner}: {shown(place)} is --{outer}, or lies in it; name another place"
            )
    for place in places.values():
        own(place)


def check_suffix(path: Path, file: str) -> None:
    """Raise an InputError unless a path ends as the file does that the workflow would write."""
    suffix = Path(file).suffix
    if path.suffix != suffix:
        raise InputError(f"--output: {shown(path)} must end in {suffix}, as {file} does")


def check_room(folder: Path, ours: re.Pattern[str], whole: str) -> None:
    """Raise an InputError if a folder that will be replaced holds anything but `ours`.

    Also if it is the working directory, or one above it.

    Args:
        folder: there may be none yet.
        ours: matches all names that may be in it.
        whole: what they are part of, `a checkpoint`.
    """
    for path in folder.iterdir() if folder.is_dir() else ():
        if not ours.fullmatch(path.name):
            raise InputError(
                f"{shown(folder)}: this folder holds {shown(path.name)}, which is not part of "
                f"{whole}; nothing was deleted: name another folder"
            )
    if folder in (here := Path.cwd(), *here.parents):
        raise InputError(
            f"{shown(folder)}: {whole} would take the place of the working directory; name a "
            "folder in it"
        )


def check_removable(folder: Path, whole: str) -> None:
    """Raise an InputError if a folder that will be replaced, or one in it, is read-only.

    Args:
        folder: there may be none yet.
        whole: what takes its place, `a checkpoint`.
    """
    for place, _, _ in os.walk(folder):
        if not os.access(place, os.W_OK | os.X_OK):
            raise InputError(
                f"{shown(place)}: this folder is read-only, and {whole} would take its place; name "
                "another, or change its permissions"
            )


def real(path: Path) -> Path:
    """Return the absolute path, links followed: what a link names is written, not the link."""
    return Path(os.path.realpath(path))


@contextmanager
def file_aside(path: Path) -> Iterator[Path]:
    """Yield the name of a file beside `path`, which then takes its place: nobody sees half of it.

    It is this process's own: a job that outlived its killed workflow may be at work on the same
    output. Such files that a kill left behind are removed.
    """
    path = real(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if os.path.lexists(path) and not path.is_file():
        raise InputError(f"{shown(path)}: no file can be here; name another")
    with _ONE_THREAD:
        part = _beside(path, "part", path.suffix)
        try:
            yield part
            with part.open("rb") as file:
                os.fsync(file.fileno())  # else a power failure could leave an empty file here
            check_owner(path)
            os.replace(part, path)
        except OSError as error:
            if error.errno and error.filename in (None, str(part)):
                error.filename = str(path)
            raise
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def folder_aside(folder: Path) -> Iterator[Path]:
    """Yield an empty folder beside `folder`, which takes its place at the end.

    Whatever fails, and at whatever moment, the earlier folder is there or comes back.
    """
    if os.path.lexists(folder) and not folder.is_dir():
        raise InputError(f"{shown(folder)}: no folder can be here; name another")
    with _ONE_THREAD:
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            old, part = _beside(folder, "old"), _beside(folder, "part")
            part.mkdir()
        except OSError as error:
            reason = "this is a file, and should be a folder"
            reason = reason if isinstance(error, FileExistsError) else error.strerror
            raise InputError(f"{shown(folder)}: cannot be written: {reason}") from None
        try:
            yield part
            check_owner(real(folder))
            if not any(_swapped(folder, part, old) for _ in range(_TRIES)):
                raise InputError(f"{shown(folder)}: other processes write here all the time")
            shutil.rmtree(old, ignore_errors=True)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def _swapped(folder: Path, part: Path, old: Path) -> bool:
    """Put `part` in the place of `folder`, which becomes `old`; False if another came between."""
    shutil.rmtree(old, ignore_errors=True)
    with suppress(FileNotFoundError):
        move_folder(folder, old)
    try:
        os.rename(part, folder)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        with suppress(FileNotFoundError):
            os.rename(old, folder)
        raise
    return True


def move_folder(folder: Path, place: Path) -> None:
    """Rename a folder, to where nothing is.

    It is copied, and then deleted, where it cannot be renamed: overlayfs, the file system of a
    container, says of every folder of its image that it is on another device.
    """
    try:
        os.rename(folder, place)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        shutil.copytree(folder, place, symlinks=True)
        shutil.rmtree(folder)


def _beside(path: Path, kind: str, suffix: str = "") -> Path:
    """Return a name beside a path that is this process's own, and take away what kills left there.

    A job that outlived its killed workflow, or another process, may be at work on the same output.
    """
    stem = path.name.removesuffix(suffix)
    if len(os.fsencode(path.name)) > _LONGEST:
        stem = hashlib.sha256(os.fsencode(path.name)).hexdigest()
        suffix = suffix if len(suffix) < len(stem) else ""
    left_behind = re.compile(rf"\.{re.escape(stem)}\.(\d+)\.{kind}{re.escape(suffix)}")
    for left in path.parent.iterdir():
        found = left_behind.fullmatch(left.name)
        if found and not _is_another_at_work(int(found[1])):
            with suppress(OSError):  # of another user
                _take_away(left, path, kind)
    return path.with_name(f".{stem}.{os.getpid()}.{kind}{suffix}")


def _is_another_at_work(pid: int) -> bool:
    """Tell whether another Python process of this number runs, on this machine."""
    if pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        pass  # it runs, and is another user's
    except (OSError, OverflowError):
        return False
    with suppress(OSError):  # where there is no /proc
        return b"python" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return True


def _take_away(left: Path, path: Path, kind: str) -> None:
    """Remove what a kill left behind; bring back a folder that was about to be replaced."""
    if kind == "old" and not os.path.lexists(path):
        move_folder(left, path)
    elif left.is_dir():
        shutil.rmtree(left, ignore_errors=True)
    else:
        left.unlink(missing_ok=True)


def checkpoint_around(place: Path) -> Path | None:
    """Return the checkpoint in which a place lies, if it lies in one."""
    return next(filter(_is_whole_checkpoint, place.parents), None)


def _is_whole_checkpoint(folder: Path) -> bool:
    """Tell whether a folder holds a checkpoint; of other programs' folders some have such names."""
    state = folder / "state"
    # of os.path, since pathlib raises an error where a folder may not be entered
    if not (os.path.isfile(folder / "manifest.json") and os.path.isdir(state)):
        return False
    return any(state.glob("_*METADATA")) or not any(state.iterdir())


def _check_parent(option: str, place: Path) -> None:
    """Raise an InputError if nothing can be made in the nearest folder that there is."""
    parent = next((each for each in place.parents if os.path.lexists(each)), place)
    if not parent.is_dir():
        reason = "this is a file, and should be a folder"
    elif not os.access(parent, os.W_OK | os.X_OK):
        reason = "this folder cannot be written to"
    else:
        return
    raise InputError(f"--{option}: {shown(parent)}: {reason}; name another place")
