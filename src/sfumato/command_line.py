"""What all scripts share: how they read their arguments, and how they fail."""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import wraps

from sfumato.errors import InputError


def parse(doc: str | None, argv: Sequence[str] | None, *options: str) -> argparse.Namespace:
    """Read `--option VALUE` for each of `options`, all required; `doc` is the help text."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    for option in options:
        parser.add_argument(f"--{option}", required=True, metavar=option.upper())
    return parser.parse_args(argv)


def command(main: Callable[..., None]) -> Callable[..., None]:
    """Make a script's `main` end with one sentence, not a traceback, on what a user can mend."""

    @wraps(main)
    def wrapped(argv: Sequence[str] | None = None) -> None:
        try:
            main(argv)
        except InputError as error:
            sys.exit(f"error: {error}")
        except OSError as error:
            sys.exit(f"error: {error.filename}: {error.strerror}")

    return wrapped
