"""What sentences name is there: commands, options, scripts, settings. And paths may be text."""

import ast
import re

import pytest
from conftest import ROOT
from snakemake.cli import get_argument_parser

from sfumato.config.experiment import Experiment
from sfumato.config.fields import Section
from sfumato.config.resolve import resolve
from sfumato.data.folders import load_folder, picture_files
from sfumato.data.idx import load_idx, missing, read_idx
from sfumato.errors import InputError
from sfumato.records.arrays import save_arrays
from sfumato.records.checkpoint import load_weights
from sfumato.records.golden import load_golden
from sfumato.records.history import read_history
from sfumato.records.manifest import read_manifest
from sfumato.records.opening import open_record
from sfumato.records.verify import artifacts_in
from sfumato.workflow.plan import Plan

SOURCES = [*(ROOT / "src" / "sfumato").rglob("*.py"), *(ROOT / "scripts").glob("*.py")]
PLACE = "..."
"""Stands for what a sentence is filled in with."""


def sentences(path):
    """Walk the text of a file that a user may see, PLACE where something is filled in."""
    tree = ast.parse(path.read_text())
    silent = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            silent.add(node.value)  # a docstring
        elif isinstance(node, ast.JoinedStr):
            silent |= set(node.values)
            parts = (
                part.value if isinstance(part, ast.Constant) else PLACE for part in node.values
            )
            yield "".join(map(str, parts))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in silent:
            yield node.value


SAID = {text for path in SOURCES for text in sentences(path) if " " in text.strip()}


def named(pattern):
    """Return all that the sentences name in some way, and where."""
    return {(found, text) for text in SAID for found in re.findall(pattern, text)}


def options():
    """Return every option of Snakemake and of our scripts."""
    theirs = {name for action in get_argument_parser()._actions for name in action.option_strings}
    ours = set()
    for path in SOURCES:
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and ast.unparse(call.func).endswith(
                ("add_argument", "add_paths")
            ):
                words = [each.value for each in call.args if isinstance(each, ast.Constant)]
                ours |= {f"--{str(word).lstrip('-')}" for word in words}
    return theirs | ours | {"--output"}


def test_options_are_there():
    known = options()
    assert [
        (option, text) for option, text in named(r"--[a-z][a-z-]+") if option not in known
    ] == []


def test_scripts_are_there():
    files = {path.name for path in SOURCES}
    missing = [each for each in named(r"\b(\w+\.py)\b") if each[0] not in files]
    assert missing == []


def test_commands_are_there():
    """Each has a form that Snakemake takes, and its targets are rules or files, filled in."""
    plan = Plan(*resolve({"targets": ["a"], "experiments": {"a": {}}}))
    rules = {"all", "verify", "forward", "trajectory", "speed", "quality", "convergence"}
    rules |= {*plan.entries()}
    commands = [command for command, _ in named(r"\bsnakemake ([^`;\n]+)")]
    assert commands
    for command in commands:
        words = [word.strip("`") for word in command.partition(" lists")[0].split()]
        parsed = get_argument_parser().parse_args(words)
        assert [t for t in parsed.targets if PLACE not in t and t not in rules] == [], command
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)
    assert [m for m, _ in named(r"`make ([a-z-]+)") if m not in targets] == []


FILE = re.compile(r"png|gif|npz|md|csv|json|py|rst|smk|yaml")


def test_settings_are_there():
    """`section.key` is a key of the section; what a file is called is none."""
    fields = Experiment.model_fields
    sections = {
        name: type(field.default)
        for name, field in fields.items()
        if isinstance(field.default, Section)
    }
    found = named(rf"(?<![\w./])({'|'.join(sections)})\.([a-z_]+)\b(?!\()")
    assert len(found) > 20  # the pattern finds what it should
    wrong = [
        (f"{section}.{key}", text)
        for (section, key), text in found
        if key not in sections[section].model_fields and not FILE.fullmatch(key)
    ]
    assert wrong == []


TEXT = {
    "open_record": lambda text: open_record(text),
    "load_weights": lambda text: load_weights(text),
    "read_manifest": lambda text: read_manifest(text),
    "read_history": lambda text: read_history(text),
    "load_golden": lambda text: load_golden(text),
    "load_folder": lambda text: load_folder(text, (8, 8, 1), "crop"),
    "picture_files": lambda text: picture_files(text),
    "load_idx": lambda text: load_idx(text, "mnist"),
    "read_idx": lambda text: read_idx(text),
}


@pytest.mark.parametrize("call", TEXT)
def test_a_path_may_be_text(call, tmp_path):
    """A file that is not there is said to be missing, however its path is given."""
    said = []
    for path in (tmp_path / "nothing", str(tmp_path / "nothing")):
        with pytest.raises((InputError, OSError)) as caught:
            TEXT[call](path)
        said.append(str(caught.value))
    assert said[0] == said[1] and "nothing" in said[0]


def test_a_path_may_be_text_where_something_is_there(tmp_path):
    import numpy as np

    save_arrays(str(tmp_path / "a.npz"), {"x": np.zeros(3)}, {})
    assert (tmp_path / "a.npz").is_file()
    assert missing(str(tmp_path), "mnist") == missing(tmp_path, "mnist")
    (tmp_path / "a.npz").unlink()
    assert artifacts_in(str(tmp_path)) == artifacts_in(tmp_path)
