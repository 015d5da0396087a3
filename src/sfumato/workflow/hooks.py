"""Calls before and after methods of Snakemake's workflow, for which it has no handlers.

Nor has it any for a module: it calls the handlers of the main Snakefile alone.

With a new version of Snakemake, whose minor one is pinned for this, look at what has no documented
counterpart: the methods hooked to here and in `markers` and `report`, `_IOFile`, `expand_input` and
`persistence` in `standing`, and `dag_settings` in `forcing` and `workflow/rules/common.smk`.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

Act = Callable[..., object]
"""Called with the arguments of the method."""


def before(workflow: Any, method: str, act: Act) -> None:  # noqa: ANN401
    """Call `act` before each later call of a method, and before what was hooked to it earlier."""
    _hook(workflow, method, first=act)


def after(workflow: Any, method: str, act: Act) -> None:  # noqa: ANN401
    """Call `act` after each later call of a method, unless the method raises."""
    _hook(workflow, method, last=act)


def at_the_end(workflow: Any, method: str, act: Act) -> None:  # noqa: ANN401
    """Call `act` after each later call of a method, also if the method raises."""
    _hook(workflow, method, always=act)


def _nothing(*_: Any, **__: Any) -> None:  # noqa: ANN401
    pass


def _hook(
    workflow: Any,  # noqa: ANN401
    method: str,
    *,
    first: Act = _nothing,
    last: Act = _nothing,
    always: Act = _nothing,
) -> None:
    original = getattr(workflow, method)

    @wraps(original)
    def called(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        first(*arguments, **named)
        try:
            done = original(*arguments, **named)
        finally:
            always(*arguments, **named)
        last(*arguments, **named)
        return done

    setattr(workflow, method, called)
