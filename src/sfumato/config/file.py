"""A config file, and settings on the command line, read as YAML."""

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache, reduce
from pathlib import Path
from typing import Any

import yaml

from sfumato.config.experiment import Experiment
from sfumato.config.merge import merge
from sfumato.config.model import DEFAULT_ARCHITECTURE, merge_model
from sfumato.config.nested import leaves
from sfumato.config.validation import nearest
from sfumato.errors import InputError

_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What PyYAML raises for a date, a tag or a nesting that it cannot read."""


_OCTAL = re.compile(r"[-+]?0[0-7_]+")
_LAID = ("defaults", "experiments")
_LEVELS = ("targets", *_LAID)


class _StrictLoader(yaml.SafeLoader):
    """YAML in which a key appears once, and a number is what everybody takes it for.

    Attributes:
        notices: sentences on words that YAML reads as something else, and may be meant so.
    """

    def __init__(self, stream: str) -> None:
        """Take the text."""
        super().__init__(stream)
        self.notices: list[str] = []

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping; PyYAML itself lets the last of several equal keys win."""
        seen: dict[tuple[str, str], yaml.Node] = {}
        for key_node, _ in node.value:
            key = (key_node.tag, str(key_node.value))
            if (first := seen.setdefault(key, key_node)) is not key_node:
                raise InputError(
                    f"the key {key[1]!r} appears twice, the second time {_line(key_node)}; put "
                    f"what is below it under the first, {_line(first)}, or rename one"
                )
        return super().construct_mapping(node, deep)

    def _number(self, node: yaml.ScalarNode) -> int | float:
        """Read a number; YAML 1.1 counts in eights after a 0, and in sixties after a colon."""
        text = str(node.value)
        whole = node.tag.endswith("int")
        number = self.construct_yaml_int(node) if whole else self.construct_yaml_float(node)
        if ":" in text:
            raise InputError(
                f"YAML counts in sixties and reads {text} as {number}, {_line(node)}; write "
                f"{number}, or '{text}' in quotes"
            )
        if whole and _OCTAL.fullmatch(text) and number:
            plain = text.replace("_", "").lstrip("+-0")
            raise InputError(
                f"YAML counts in eights and reads {text} as {number}, {_line(node)}; write {plain} "
                f"or {number}, whichever is meant"
            )
        return number

    def _flag(self, node: yaml.ScalarNode) -> bool:
        """Read a flag, and note one that is spelled as a word."""
        flag, word = self.construct_yaml_bool(node), str(node.value)
        if word.lower() not in ("true", "false"):
            meant = str(flag).lower()
            self.notices.append(
                f"YAML reads {word} as {meant}, {_line(node)}; write {meant}, or '{word}' in quotes"
            )
        return flag


for _tag in ("int", "float"):
    _StrictLoader.add_constructor(f"tag:yaml.org,2002:{_tag}", _StrictLoader._number)
_StrictLoader.add_constructor("tag:yaml.org,2002:bool", _StrictLoader._flag)


def _line(node: yaml.Node) -> str:
    return f"in line {node.start_mark.line + 1}"


def check_file(path: str | Path) -> list[str]:
    """Check that a file is a YAML mapping in which no key appears twice.

    Returns:
        Sentences on words that YAML may read otherwise than they were meant.

    Raises:
        InputError: if it is not, or if a number in it is not what it looks like.
    """
    path = Path(path)
    content, notices = _read(path)
    if _is_circular(content):
        raise InputError(f"{path.name}: a mapping contains itself, through an alias (*)")
    if not isinstance(content, dict):
        kind = "empty" if content is None else f"a {type(content).__name__}"
        raise InputError(
            f"{path.name}: is {kind}; it must hold the keys targets, defaults and experiments"
            f"{', or {} where nothing is to be changed' if content is None else ''}"
        )
    return [f"{path.name}: {notice}" for notice in notices]


def own_targets(path: str | Path) -> dict[str, list[str]]:
    """Return `targets` of a config file that has experiments and names none: all of these."""
    return all_targets(_read(Path(path))[0])


def all_targets(content: object) -> dict[str, list[str]]:
    """Return `targets` of what a config file holds, if it has experiments and names no targets."""
    if not isinstance(content, dict) or "targets" in content:
        return {}
    experiments = content.get("experiments")
    named = isinstance(experiments, dict) and experiments
    return {"targets": list(named)} if named else {}


def laid(raw: Mapping[str, Any], files: Sequence[str]) -> dict[str, Any]:
    """Lay config files over each other where Snakemake, which knows no settings, does it otherwise.

    - An experiment without a value, `digits:`, changes nothing. Snakemake takes its null for the
      end of what the files before say of it.
    - Another architecture in `defaults` drops the knobs that the files before give the old one.

    Args:
        raw: what Snakemake made of all files, and of `--config`, which `with_typed_arguments` lays
            over what is returned.
        files: the files, each laid over those before.
    """
    contents = [content for file in files if isinstance(content := _read(Path(file))[0], dict)]
    found = reduce(_lay, contents, {})
    return {**raw, **{key: found[key] for key in _LAID if key in found and _is_mapping(raw, key)}}


def _lay(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one config over another."""
    if _is_mapping(above, "experiments"):
        named = above["experiments"].items()
        filled = {name: {} if value is None else value for name, value in named}
        above = {**above, "experiments": filled}
    merged = merge(below, above)
    defaults = [each["defaults"] for each in (below, above) if _is_mapping(each, "defaults")]
    models = [each["model"] for each in defaults if _is_mapping(each, "model")]
    if len(models) == 2:
        model = merge_model({"architecture": DEFAULT_ARCHITECTURE, **models[0]}, models[1])
        merged["defaults"] = {**merged["defaults"], "model": model}
    return merged


def _is_mapping(content: Mapping[str, Any], key: str) -> bool:
    return isinstance(content.get(key), Mapping)


def with_typed_arguments(
    raw: Mapping[str, Any], arguments: Sequence[str]
) -> tuple[dict[str, Any], list[str]]:
    """Override `raw` with the `key=value` of Snakemake's --config, read as YAML at every depth.

    Snakemake itself passes numbers below the first level on as text.

    Returns:
        The config, and sentences as `check_file` does.
    """
    merged, said = dict(raw), []
    for argument in arguments:
        key, _, text = argument.partition("=")
        if key not in _LEVELS:
            raise InputError(f"--config {argument}: {_right_spelling(raw, key, text)}")
        value, notices = _parsed(text, f"--config {argument}", "this is not YAML after the =")
        merged = _lay(merged, {key: value})
        said += [f"--config {argument}: {notice}" for notice in notices]
    return merged, said


def _right_spelling(raw: Mapping[str, Any], key: str, text: str) -> str:
    """Say how a setting is given on the command line, where only part of its path was."""
    dump = Experiment().model_dump()
    dump["samples"] = dump.pop("samples")  # last, so that it has what several sections have
    places = {path.rpartition(".")[2]: tuple(path.split(".")) for path in leaves(dump)}
    places |= {name: ("samples", name) for name in dump["samples"]}
    places |= {name: (name,) for name in dump}
    experiments = raw.get("experiments")
    if isinstance(experiments, Mapping) and key in experiments:
        level, place = "experiments", (key,)
    elif key in places:
        level, place = "defaults", places[key]
    else:
        return f"{key} is no setting{nearest(key, [*_LEVELS, *places])}"
    written = text
    for part in reversed(place):
        written = f"{{{part}: {written}}}"
    return f"{key} is not at the top level; write --config '{level}={written}'"


def _read(path: Path) -> tuple[Any, list[str]]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path.name}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path.name}: this is not a text file in UTF-8") from None
    if "\t" in text and _is_json(text):  # with tabs, which YAML does not take
        text = text.replace("\t", " ")
    return _parsed(text, path.name, "this is not YAML")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


# A file is read for its mistakes and again for its targets, and PyYAML takes its time.
@lru_cache(maxsize=8)
def _parsed(text: str, name: str, wrong: str) -> tuple[Any, list[str]]:
    """Return what a text holds, and what is to be said of it; `wrong` begins what is raised."""
    try:
        loader = _StrictLoader(text)
        return loader.get_single_data(), loader.notices
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "unreadable"
        raise InputError(f"{name}: {wrong}: {problem}{where}{_LOOK if mark else ''}") from None
    except _UNREADABLE as error:
        raise InputError(f"{name}: a value cannot be read: {str(error)[:80]}") from None


_LOOK = "; look there and one line above: indentation in spaces, a colon and a space after each key"
"""What most mistakes are, and where: the parser stumbles over some of them one line late."""


def _is_circular(content: object) -> bool:
    """Tell whether a value contains itself."""
    try:
        json.dumps(content, default=str, skipkeys=True)
    except (ValueError, RecursionError):
        return True
    return False
