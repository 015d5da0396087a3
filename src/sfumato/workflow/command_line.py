"""What all scripts share: how they read their arguments, and how they fail."""

import argparse
import gc
import sys
from collections.abc import Callable, Sequence
from functools import wraps

from sfumato.errors import InputError


def new_parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser of arguments that has none yet; `doc` is the help text."""
    return argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )


def parse(
    doc: str | None, argv: Sequence[str] | None, *options: str, **optional: str
) -> argparse.Namespace:
    """Read `--option VALUE` for each option; `doc` is the help text.

    Args:
        doc: the help text.
        argv: the arguments, or None for those of the process.
        options: names of options that must be given; `name+` takes one value or more.
        optional: further options, with the values they have when they are left out.
    """
    parser = new_parser(doc)
    for option in options:
        name = option.removesuffix("+")
        several = "+" if option.endswith("+") else None
        parser.add_argument(f"--{name}", required=True, metavar=name.upper(), nargs=several)
    for option, default in optional.items():
        parser.add_argument(f"--{option}", default=default, metavar=option.upper())
    return parser.parse_args(argv)


def command(main: Callable[..., None]) -> Callable[..., None]:
    """Make a script's `main` end with one sentence, not a traceback, on what a user can mend.

    In a process of its own, what it has imported stays until the end: the garbage collector need
    not walk that, neither on its rounds nor at the exit.
    """

    @wraps(main)
    def wrapped(argv: Sequence[str] | None = None) -> None:
        if argv is None:
            gc.freeze()
        try:
            main(argv)
        except InputError as error:
            sys.exit(f"error: {error}")
        except OSError as error:
            sys.exit(f"error: {error.filename}: {error.strerror}")
        except KeyboardInterrupt:
            sys.exit("error: interrupted; run the same command again")

    return wrapped
