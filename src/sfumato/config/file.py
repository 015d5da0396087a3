"""A config file, and settings on the command line, read as YAML."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from sfumato.config.merge import merge
from sfumato.errors import InputError

_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What PyYAML raises for a date, a tag or a nesting that it cannot read."""


class _StrictLoader(yaml.SafeLoader):
    """YAML in which a key appears once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping; PyYAML itself lets the last of several equal keys win."""
        seen = set()
        for key_node, _ in node.value:
            key = (key_node.tag, str(key_node.value))
            if key in seen:
                line = key_node.start_mark.line + 1
                raise InputError(
                    f"the key {key[1]!r} appears twice, the second time in line {line}"
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def check_file(path: Path) -> None:
    """Raise an InputError unless `path` is a YAML mapping in which no key appears twice."""
    content = _read(path)
    if _is_circular(content):
        raise InputError(f"{path.name}: a mapping contains itself, through an alias (*)")
    if not isinstance(content, dict):
        kind = "empty" if content is None else f"a {type(content).__name__}"
        raise InputError(
            f"{path.name}: is {kind}; it must hold the keys targets, defaults and experiments"
        )


def with_typed_arguments(raw: Mapping[str, Any], arguments: Sequence[str]) -> dict[str, Any]:
    """Override `raw` with the `key=value` of Snakemake's --config, read as YAML at every depth.

    Snakemake itself passes numbers below the first level on as text.
    """
    merged = dict(raw)
    for argument in arguments:
        key, _, text = argument.partition("=")
        try:
            merged = merge(merged, {key: yaml.safe_load(text)})
        except (yaml.YAMLError, *_UNREADABLE):
            raise InputError(f"--config {argument}: this is not YAML after the =") from None
    return merged


def _read(path: Path) -> object:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_StrictLoader)
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from None
    except OSError as error:
        raise InputError(f"{path.name}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path.name}: this is not a text file in UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "unreadable"
        raise InputError(f"{path.name}: this is not YAML: {problem}{where}") from None
    except _UNREADABLE as error:
        raise InputError(f"{path.name}: a value cannot be read: {str(error)[:80]}") from None


def _is_circular(content: object) -> bool:
    """Tell whether a value contains itself."""
    try:
        json.dumps(content, default=str, skipkeys=True)
    except (ValueError, RecursionError):
        return True
    return False
