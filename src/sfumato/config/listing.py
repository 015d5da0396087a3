"""Files are listed, not registered: a folder's files are the methods that there are."""

from functools import cache
from importlib import import_module
from inspect import isabstract
from pathlib import Path
from typing import TypeVar

from sfumato.errors import InputError

ROOT = Path(__file__).resolve().parent.parent
Base = TypeVar("Base")


@cache
def names(room: str, *others: str) -> tuple[str, ...]:
    """Return the names of the methods in a room, sorted: its files, but for `base` and `others`.

    A file whose name begins with `_` is no method: what several methods share.

    Args:
        room: a folder of this package, `samplers`.
        others: files of the room that hold no method.
    """
    left_out = {"base", *others}
    files = {path.stem for path in (ROOT / room).glob("[!_]*.py")}
    return tuple(sorted(files - left_out))


@cache
def find(room: str, name: str, base: type[Base]) -> type[Base]:
    """Return the one class derived from `base` that the file `name` of a room defines.

    Raises:
        InputError: if the file defines none, or several, or one that is not whole.
    """
    module = import_module(f"sfumato.{room}.{name}")
    derived = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, base)
        and value.__module__ == module.__name__
    ]
    place = f"sfumato/{room}/{name}.py"
    found = [each for each in derived if not isabstract(each)]
    if derived and not found:
        lacking = ", ".join(sorted(vars(derived[-1])["__abstractmethods__"]))
        raise InputError(f"{place}: {derived[-1].__name__} must define {lacking}")
    if len(found) != 1:
        raise InputError(
            f"{place}: must define one class derived from {base.__name__}, not {len(found)}"
        )
    if "__dataclass_fields__" in vars(base).keys() - vars(found[0]).keys():
        raise InputError(f"{place}: {found[0].__name__} must have @dataclass(frozen=True) above it")
    return found[0]


def find_class(room: str, name: str, base: type[Base], methods: tuple[str, ...]) -> type[Base]:
    """Return the method of a room whose class is called `name`: what its `__getattr__` finds.

    Raises:
        AttributeError: if there is none.
    """
    if not name.startswith("_"):
        for method in (find(room, each, base) for each in methods):
            if method.__name__ == name:
                return method
    raise AttributeError(f"module 'sfumato.{room}' has no attribute {name!r}")
