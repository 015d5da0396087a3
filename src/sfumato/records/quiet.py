"""Quiet for what is said in a sentence: a failed write of orbax takes pages, from its threads.

They go on for a while after the call that failed, and so does the quiet.
"""

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_CLOSED = "Event loop is closed"
"""What tensorstore's threads raise where the write that they belong to has failed before."""
_DRIVER = "OCDBT"
"""The format of tensorstore, which each of its errors names."""
_NOT_BEGUN = r"coroutine 'async_serialize\S*' was never awaited"
"""What Python says of the writes that orbax has not begun by then."""


@contextmanager
def quiet_orbax() -> Iterator[None]:
    """Let a write that fails raise its error, and print nothing of those that follow from it."""
    logger, hook = logging.getLogger("absl"), sys.unraisablehook
    level = logger.level

    def say(raised: Any) -> None:  # noqa: ANN401
        if str(raised.exc_value) != _CLOSED:
            hook(raised)

    logger.setLevel(logging.CRITICAL + 1)
    sys.unraisablehook = say
    try:
        yield
        sys.unraisablehook = hook
    except Exception:
        logging.getLogger("asyncio").addFilter(_is_of_others)
        warnings.filterwarnings("ignore", _NOT_BEGUN, RuntimeWarning)
        raise
    finally:
        logger.setLevel(level)


def _is_of_others(record: logging.LogRecord) -> bool:
    return _DRIVER not in record.getMessage()
