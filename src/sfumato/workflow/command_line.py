"""What all scripts share: how they read their arguments, and how they fail."""

import argparse
import gc
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import wraps
from itertools import pairwise
from pathlib import Path
from typing import Any

from sfumato.config.fields import NAME
from sfumato.config.paths import shown
from sfumato.errors import InputError
from sfumato.progress import announce
from sfumato.records.owner import let_go
from sfumato.records.stage import Stage
from sfumato.workflow.cut_programs import cut_programs_removed
from sfumato.workflow.environment import decide, start_again_if_needed
from sfumato.workflow.gpus import take_gpus

_WRITTEN = ("output", "timing", "history", "table")


class _Parser(argparse.ArgumentParser):
    """Refuses a file that would be written in the place of one that is read."""

    def parse_args(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        args: Any = None,  # noqa: ANN401
        namespace: Any = None,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        """See argparse."""
        found = super().parse_args(args, namespace)
        read = {
            os.path.realpath(path): name
            for name, value in vars(found).items()
            if name not in _WRITTEN
            for path in (value if isinstance(value, list) else [value])
            if isinstance(path, Path) and path.is_file()
        }
        for name in _WRITTEN:
            path = getattr(found, name, None)
            if isinstance(path, Path) and (other := read.get(os.path.realpath(path))):
                sys.exit(f"error: --{name}: {shown(path)} is --{other}, which is read")
        return found


def new_parser(doc: str | None, stage: Stage | None = None) -> argparse.ArgumentParser:
    """Return a parser; `doc` is the help text.

    Args:
        doc: the help text.
        stage: whose settings `--config` takes, as JSON text, or `-` to read them from stdin: Linux
            starts no program with an argument of more than 128 KiB.
    """
    parser = _Parser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    if stage and stage.settings:
        words = "the stage's settings; - reads them from stdin"
        parser.add_argument("--config", required=True, type=_text, metavar="JSON", help=words)
    return parser


def add_paths(parser: argparse.ArgumentParser, *names: str, **options: object) -> None:
    """Add `--name PATH` for each name; all must be given, unless `options` say otherwise."""
    for name in names:
        parser.add_argument(f"--{name}", **{"type": _path, "required": True, **options})  # type: ignore[arg-type]


def add_experiments(parser: argparse.ArgumentParser) -> None:
    """Add `--experiments NAME ...`, names of folders in `results`."""
    parser.add_argument("--experiments", required=True, nargs="+", type=_name, metavar="NAME")


def _name(text: str) -> str:
    """Read the name of an experiment: no path, which could lead out of `results`."""
    if not NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} must be the name of an experiment")
    return text


def add_files(parser: argparse.ArgumentParser) -> None:
    """Add `--read NAME=PATH`, for each file that a method reads."""
    parser.add_argument("--read", action="append", default=[], type=_file, metavar="NAME=PATH")


def _text(text: str) -> str:
    """Read a text, or stdin in place of `-`."""
    if text != "-":
        return text
    if not sys.stdin:
        raise argparse.ArgumentTypeError("- reads stdin, which is closed")
    return sys.stdin.read()


def _file(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise argparse.ArgumentTypeError(f"{text!r} must be NAME=PATH")
    return name, _path(path)


def _path(text: str) -> Path:
    """Read a path; `~` is the home folder also where the shell left it, as after `--output=`."""
    return Path(os.path.expanduser(text))


def command(main: Callable[..., None]) -> Callable[..., None]:
    """Make a script's `main` end with a sentence, not a traceback, for a user's mistakes.

    In a process of its own, it runs in a clean environment, and what it has imported stays until
    the end: the garbage collector need not walk that, neither on its rounds nor at exit.
    """

    @wraps(main)
    def wrapped(argv: Sequence[str] | None = None) -> None:
        if argv is None and main.__module__ == "__main__":
            start_again_if_needed()
            decide()
        if argv is None:
            gc.freeze()
            announce(_output(sys.argv))
            if "jax" in getattr(main.__globals__.get("STAGE"), "packages", ()):
                take_gpus()
        try:
            _run_and_flush(main, argv)
        except InputError as error:
            sys.exit(f"error: {error}")
        except BrokenPipeError:  # `| head`, which has read enough
            _write_no_more()
            sys.exit(128 + 13)  # as of a process that SIGPIPE ends
        except OSError as error:
            if error.filename:
                sys.exit(f"error: {shown(error.filename)}: {error.strerror}")
            _write_no_more()
            sys.exit(f"error: the output cannot be written: {error.strerror or error}")
        except KeyboardInterrupt:
            sys.exit("error: interrupted; run the same command again")
        except Exception:
            if missing := _missing_device():
                sys.exit(f"error: {missing}")
            raise
        finally:
            let_go()

    return wrapped


def _output(argv: Sequence[str]) -> str:
    """Return the path that follows `--output`, or else the name of the script."""
    words = dict(pairwise(argv))
    return words.get("--output", Path(argv[0]).stem)


def _run_and_flush(main: Callable[..., None], argv: Sequence[str] | None) -> None:
    """Run `main`, and write all that it printed, so that a failure is known here."""
    try:
        with cut_programs_removed():
            main(argv)
    finally:
        if sys.stdout:
            sys.stdout.flush()


def _write_no_more() -> None:
    """Let Python drop what it still holds for an output that cannot be written."""
    with suppress(OSError, AttributeError):  # a test's stdout is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _missing_device() -> str:
    """Return a sentence if jax, where it is in use, cannot compute on what it was told to."""
    if "jax" not in sys.modules:
        return ""
    from sfumato.compute.backend import missing_device

    return missing_device()
