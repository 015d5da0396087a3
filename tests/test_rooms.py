"""The house: imports flow one way, rooms say what belongs in them, and nothing is too long."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

LIBRARY = ROOT / "src" / "sfumato"
FLOORS = [
    {"errors", "progress", "project", "version", "compute"},
    {"config"},
    {"diffusion"},
    {"samplers", "guidance"},
    {"networks"},
    {"records"},
    {"sampling", "editing"},
    {"data", "training", "evaluation"},
    {"figures"},
    {"gallery"},
    {"workflow"},
    {"drawing"},
    {"learning", "model_config"},
    {"model", "notebook", "__init__"},
]
"""From the ground up: a room imports from its own floor and those below it."""
FLOOR = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}
FILES = sorted(LIBRARY.rglob("*.py"))
ROOMS = sorted(path.parent.name for path in LIBRARY.glob("*/__init__.py"))


def room_of(module):
    """Return the room of a module, `samplers` of `sfumato.samplers.ddim`."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def imports(path):
    """Walk the modules of this package that a file imports, but for its annotations alone."""
    tree = ast.parse(path.read_text())
    annotations = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node not in annotations:
            for name in node.names:
                yield f"{node.module}", name.name
        elif isinstance(node, ast.Import) and node not in annotations:
            for name in node.names:
                yield name.name, ""


def own_room(path):
    place = path.relative_to(LIBRARY)
    return place.parts[0] if len(place.parts) > 1 else place.stem


def test_every_room_has_a_floor():
    assert {own_room(path) for path in FILES} == set(FLOOR)


@pytest.mark.parametrize("room", sorted(set(FLOOR) - {"config"}))
def test_no_import_goes_up(room):
    """The next floor up is no exception; config, which every room reads, has a test of its own."""
    upward = [
        (str(path.relative_to(LIBRARY)), module)
        for path in FILES
        if own_room(path) == room
        for module, _ in imports(path)
        if module.split(".")[0] == "sfumato" and FLOOR[room_of(module)] > FLOOR[room]
    ]
    assert upward == []


def test_the_config_reads_knobs_alone(tmp_path):
    """What it imports from rooms above it needs no jax, no flax and no matplotlib."""
    for name in ("jax", "flax", "orbax", "matplotlib", "optax"):
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit('{name} was imported')")
    code = "from sfumato.config.experiment import Experiment; import sfumato.config.resolve"
    every_choice = (
        "; from sfumato.figures import figure, names; [figure(name) for name in names()]"
        "; from sfumato.samplers import names, sampler_class; [*map(sampler_class, names())]"
        "; from sfumato.editing import names, edit_class; [*map(edit_class, names())]"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code + every_choice],
        env={"PYTHONPATH": f"{tmp_path}:{ROOT / 'src'}"},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_belongs_in_it(room):
    doc = ast.get_docstring(ast.parse((LIBRARY / room / "__init__.py").read_text()))
    assert doc and 20 < len(doc.split("\n\n")[0]) < 200


SOURCES = [*FILES, *sorted((ROOT / "scripts").glob("*.py"))]


def code_lines(function):
    """Count the lines of a function without its docstring."""
    doc = ast.get_docstring(function, clean=False)
    length = (function.end_lineno or 0) - function.lineno + 1
    return length - len(doc.splitlines()) if doc else length


def test_no_file_and_no_function_is_too_long():
    for path in SOURCES:
        text = path.read_text()
        assert len(text.splitlines()) <= 300, path.name
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                assert code_lines(node) <= 40, (path.name, node.name)


def test_private_names_stay_in_their_file():
    tests = sorted(Path(__file__).parent.rglob("*.py"))
    borrowed = [
        (path.name, name)
        for path in [*SOURCES, *tests]
        for module, name in imports(path)
        if module.startswith("sfumato") and name.startswith("_") and not name.startswith("__")
    ]
    assert borrowed == []
