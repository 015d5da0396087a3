"""Mistakes of the user, as Snakemake reports them: in a sentence, without a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial, wraps
from logging import LogRecord
from typing import Any, NoReturn

from snakemake import exceptions
from snakemake.logging import DefaultFilter, logger
from snakemake_interface_logger_plugins.common import LogEvent

from sfumato.errors import InputError
from sfumato.workflow.interruption import was_interrupted


class WorkflowError(exceptions.WorkflowError):
    """Snakemake's own, which it prints without the lines of code that found the mistake."""

    # None: what is to be changed is in the config, not in a line of code.
    __traceback__ = property(lambda self: None, lambda self, value: None)  # pyright: ignore


def let_errors_through() -> None:
    """Let Snakemake say what is wrong though it is quiet about all, `make figures` for instance.

    Errors of jobs apart, which `session.explain_failure` tells.
    """
    for handler in logger.handlers:
        for quiet in [each for each in handler.filters if isinstance(each, DefaultFilter)]:
            handler.removeFilter(quiet)
            handler.addFilter(partial(_is_said, quiet))


def _is_said(quiet: DefaultFilter, record: LogRecord) -> bool:
    is_an_error = getattr(record, "event", None) == LogEvent.ERROR and not was_interrupted()
    return is_an_error or quiet.filter(record)


def in_a_sentence(call: Callable[..., Any], place: str = "") -> Callable[..., Any]:
    """Let a function that reads what the user wrote end the parsing with a sentence.

    Args:
        call: the function.
        place: begins each line of it.
    """

    @wraps(call)
    def wrapped(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        try:
            return call(*arguments, **named)
        except InputError as error:
            lines = str(error).split("\n")
            raise WorkflowError("\n".join(place + line for line in lines)) from None

    return wrapped


def exit_with(sentence: object) -> NoReturn:
    """End Snakemake from a function of a job's wildcards.

    Whatever else such a function raises, Snakemake prints as a traceback of the rule.
    """
    sys.exit(str(sentence))
