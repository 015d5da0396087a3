"""What a syntax tree means, as one text, without the words in it that only people read.

What cannot change a result is left out:

- comments, layout, and strings that stand alone: docstrings, of attributes too;
- what an exception is told: the arguments of `raise`, of a call of `...Error` or `Conflict`
  wherever it is made, and the text of `assert`; that there is one, and of which kind, counts;
- what a log is told: the arguments of `logging`, `logger` and `log` methods, of `print` with a
  `file`, and the text of `warnings.warn`; so such an argument must do nothing;
- what stands under `if TYPE_CHECKING`.

One pass over the tree: a dry-run reads a hundred files.
"""

import ast
from collections.abc import Iterator

_LOGS = {"logging", "logger", "log", "_logger", "_log", "LOG", "_LOG"}
_LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}


def meaning_of(tree: ast.AST) -> str:
    """Write what a tree means: equal texts for trees that differ in words alone."""
    words: list[str] = []
    _write(tree, words)
    return " ".join(words)


def is_type_checking(node: ast.If) -> bool:
    """Say whether a statement is `if TYPE_CHECKING`, whose body is never run."""
    return _named(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def _write(node: ast.AST, out: list[str]) -> None:
    """Append what a node means: its kind, then each field that says something, then an end."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if isinstance(node, ast.If) and is_type_checking(node):
        for child in node.orelse:
            _write(child, out)
        return
    out.append(type(node).__name__)
    for name, value in _telling_fields(node):
        if isinstance(value, list):
            out.append(f"{name}[")
            for each in value:
                _write(each, out) if isinstance(each, ast.AST) else out.append(repr(each))
            out.append("]")
        elif isinstance(value, ast.AST):
            out.append(name)
            _write(value, out)
        elif value is not None:
            out.append(f"{name}={value!r}")
    out.append(")")


def _telling_fields(node: ast.AST) -> Iterator[tuple[str, object]]:
    """Yield the fields of a node, but for those that hold words."""
    words: tuple[str, ...] = ()
    match node:
        case ast.Call() if _is_told(node):
            words = ("args", "keywords")
        case ast.Call() if _named(node.func) == "warnings.warn":
            yield "args", node.args[1:]
            words = ("args",)
        case ast.Raise(exc=ast.Call(func=kind)):
            yield "exc", kind
            words = ("exc",)
        case ast.Assert():
            words = ("msg",)
    for name in node._fields:
        if name not in words:
            yield name, getattr(node, name, None)


def _is_told(call: ast.Call) -> bool:
    """Say whether the arguments of a call are words, for a log or of an exception."""
    name = _named(call.func)
    owner, _, method = name.rpartition(".")
    if method.endswith("Error") or method == "Conflict":
        return True
    if name == "print":
        return any(keyword.arg == "file" for keyword in call.keywords)
    return method in _LEVELS and (owner in _LOGS or owner.endswith("getLogger"))


def _named(node: ast.expr) -> str:
    """Write `a.b.c`, calls on the way left out, as text; nothing for other expressions."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=name):
            return f"{_named(value)}.{name}"
        case ast.Call(func=function):
            return _named(function)
    return ""
