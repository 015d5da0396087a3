"""Which files a script's result depends on: the script, and the modules it imports.

Read from the source text, without importing anything, so that the workflow can list them as
inputs of a rule and the script can put their digest into its result.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = "sfumato"
ROOT = Path(__file__).resolve().parent.parent
COSMETIC = ("training/progress.py",)  # what shows how a job goes on, and cannot change its result


def source_files(script: Path, *modules: str) -> list[Path]:
    """Return `script`, and each file of this package that it or `modules` import, sorted.

    Imports inside functions count; those under `if TYPE_CHECKING` do not. `modules` names what a
    script imports by a name that it is given: a sampler.
    """
    found: set[Path] = set()
    waiting = [*_imports(script), *(path for module in modules for path in _files(module))]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting.extend(_imports(path))
    return [script, *sorted(found)]


def code_digest(script: Path, *modules: str) -> str:
    """Return the sha256 of `source_files`, of their names and contents but not of their place."""
    digest = hashlib.sha256()
    for path in source_files(script, *modules):
        content = path.read_bytes()
        digest.update(f"{_name(path)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def meaning_digest(script: Path, *modules: str) -> str:
    """Return the sha256 of what `source_files` mean: of their syntax trees.

    Comments, docstrings and layout do not count, nor do the COSMETIC modules: a rule that takes
    hours depends on this in place of the files, and an edit of a comment does not run it again.
    """
    digest = hashlib.sha256()
    for path in source_files(script, *modules):
        if path not in [ROOT / name for name in COSMETIC]:
            digest.update(f"{_name(path)}\0{_meaning(path)}\0".encode())
    return digest.hexdigest()


def _name(path: Path) -> str:
    """Return the place of a file in this package, or the name of a script."""
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name


class _WithoutText(ast.NodeTransformer):
    """Drops statements that are a mere text: docstrings, of attributes too."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:  # noqa: N802 (ast's name)
        return None if isinstance(node.value, ast.Constant) else node


# Files do not change while a process lives.
@cache
def _tree(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def _meaning(path: Path) -> str:
    """Write the syntax tree of a file, without texts."""
    return ast.dump(_WithoutText().visit(_tree(path)))


@cache
def _imports(path: Path) -> tuple[Path, ...]:
    """Return the files of this package that the file at `path` imports."""
    return tuple(file for module in _imported_names(_tree(path)) for file in _files(module))


def _imported_names(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.expr():  # holds no statement
            return
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            for child in node.orelse:
                yield from _imported_names(child)
        case ast.Import():
            yield from (alias.name for alias in node.names)
        case ast.ImportFrom(module=str(module)):
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _imported_names(child)


@cache
def _files(module: str) -> list[Path]:
    """Find the file of a module of this package, and those of the packages around it."""
    parts = module.split(".")
    if parts[0] != PACKAGE:
        return []
    places = [ROOT.joinpath(*parts[1:end]) for end in range(1, len(parts) + 1)]
    files = [file for place in places for file in (place / "__init__.py", place.with_suffix(".py"))]
    return [file for file in files if file.is_file()]
