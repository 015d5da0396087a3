"""Which code counts for a result, and one digest of what it means, whatever its words say.

A script and all that it imports, found in the syntax trees without importing anything, see
`records/reading_code.py`. What a tree means is in `records/meaning.py`; the COSMETIC modules are
left out.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from sfumato.project import PROJECT
from sfumato.records.reading_code import facts_of, keep_facts

if TYPE_CHECKING:
    from sfumato.records.stage import Stage

PACKAGE = "sfumato"
ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = PROJECT / "scripts"
COSMETIC = (
    *("config/elsewhere.py", "config/mistakes.py", "config/peers.py", "config/validation.py"),
    "training/progress.py",
    *("workflow/command_line.py", "workflow/cut_programs.py", "workflow/environment.py"),
    *("workflow/gpus.py", "workflow/places.py", "records/owner.py", "records/quiet.py"),
    *("progress.py", "project.py"),
)
"""What shows progress, says what is wrong, or finds files or devices, and changes no result.

What decides a result in the environment is a part of each job's text, see `workflow/reruns.py`.
"""
METHODS = ("samplers", "guidance", "networks", "editing")
"""The rooms whose files are chosen by name."""
_KNOBS = "_config"  # ends the name of the file beside a method's own that holds its knobs


def code_of(stage: "Stage", settings: BaseModel | None = None) -> str:
    """Return what the code of a stage means, with the methods that its settings choose."""
    return meaning_digest(SCRIPTS / stage.script, *stage.modules, *modules_of(settings))


def modules_of(settings: object) -> tuple[str, ...]:
    """Return the modules of the methods that settings choose: of samplers, networks and others."""
    return tuple(sorted(set(_methods_in(settings))))


@cache
def meaning_digest(script: Path, *modules: str) -> str:
    """Return the sha256 of what a script and `source_files` mean, wherever they lie."""
    digest = hashlib.sha256()
    for path in [script, *source_files(script, *modules)]:
        digest.update(f"{_name(path)}\0{facts_of(path).meaning}\0".encode())
    keep_facts()
    return digest.hexdigest()


def source_files(script: Path, *modules: str) -> list[Path]:
    """Return each file of this package that a script or `modules` import, sorted.

    Imports inside functions count; those under `if TYPE_CHECKING` do not. `modules` names what a
    script imports by a name that it is given: a sampler. COSMETIC modules are left out.
    """
    found: set[Path] = set()
    cosmetic = {ROOT / name for name in COSMETIC}
    waiting = [*_imports(script), *(path for module in modules for path in _files(module))]
    while waiting:
        path = waiting.pop()
        if path not in found | cosmetic:
            found.add(path)
            waiting.extend(_imports(path))
    return sorted(found)


def _methods_in(value: object) -> Iterator[str]:
    """Walk the values inside settings, and yield the modules of METHODS that define them."""
    if isinstance(value, Mapping):
        values = value.values()
    elif isinstance(value, list | tuple):
        values = value
    elif isinstance(value, BaseModel) or is_dataclass(value):
        values = vars(value).values()
        yield from _modules_around(type(value).__module__)
    else:
        return
    for each in values:
        yield from _methods_in(each)


def _modules_around(module: str) -> Iterator[str]:
    """Yield a method's module, and before it, for `unet_config`, that of the method itself."""
    if module.startswith(tuple(f"{PACKAGE}.{room}." for room in METHODS)):
        if module.endswith(_KNOBS) and not module.endswith(f".base{_KNOBS}"):
            yield module.removesuffix(_KNOBS)
        yield module


def _name(path: Path) -> str:
    """Return the place of a file in this package, or the name of a script.

    Scripts lie beside the package, or, where it was installed, in a folder of it.
    """
    inside = path.is_relative_to(ROOT) and not path.is_relative_to(SCRIPTS)
    return path.relative_to(ROOT).as_posix() if inside else path.name


# Files do not change while a process lives.
@cache
def _imports(path: Path) -> tuple[Path, ...]:
    """Return the files of this package that the file at `path` imports."""
    return tuple(file for module in facts_of(path).names for file in _files(module))


@cache
def _files(module: str) -> tuple[Path, ...]:
    """Find the file of a module of this package, and those of the packages around it."""
    parts = module.split(".")
    if parts[0] != PACKAGE:
        return ()
    places = [ROOT.joinpath(*parts[1:end]) for end in range(1, len(parts) + 1)]
    files = [file for place in places for file in (place / "__init__.py", place.with_suffix(".py"))]
    return tuple(file for file in files if file.is_file())
