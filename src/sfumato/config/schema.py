"""The JSON Schema of a config, for editors and for the Snakemake workflow catalog.

    python -m sfumato.config.schema > workflow/schemas/config.schema.json

It says what may be written: an experiment overrides any part of the defaults, so nothing has to be
there; what conflicts across settings is found by `resolve` alone. Descriptions are the docstrings
under the fields.
"""

import ast
import inspect
import json
import sys
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, TypeAdapter

from sfumato.config.experiment import Experiment
from sfumato.config.methods import Choice
from sfumato.config.model import ARCHITECTURE
from sfumato.config.samples import EDIT, GUIDANCE, SAMPLER, SampleConfig
from sfumato.config.sweep import SweepConfig

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NULL = {"type": "null"}


def config_schema() -> dict[str, Any]:
    """Return the schema of a whole config file."""
    experiment = _section(Experiment)
    settings = experiment["properties"]
    entry = _section(SampleConfig)
    entry["properties"] |= {
        **_choice(SAMPLER),
        "guidance": _or_null(_method(GUIDANCE), entry["properties"]["guidance"]),
        "edit": _or_null(_method(EDIT), entry["properties"]["edit"]),
    }
    entry["properties"]["labels"]["anyOf"].append({"type": "integer"})  # one for all
    sweep = _section(SweepConfig)
    for section, named in (("samples", entry), ("sweeps", sweep)):
        patterns = settings[section]["patternProperties"]
        patterns |= dict.fromkeys(patterns, {"anyOf": [named, _NULL]})
    settings["model"] = _method(ARCHITECTURE) | _about(settings["model"])
    return {
        "$schema": DIALECT,
        "title": "sfumato",
        "description": "Experiments with diffusion models, and which of them a bare call builds.",
        "type": "object",
        "additionalProperties": False,
        "$defs": {"experiment": experiment},
        "properties": {
            "targets": {
                "description": "The experiments that a bare call builds.",
                "type": "array",
                "items": {"type": "string"},
            },
            "defaults": {
                "description": "The settings that every experiment starts from.",
                "$ref": "#/$defs/experiment",
            },
            "experiments": {
                "description": "Each overrides any part of the defaults; its name is a target.",
                "type": "object",
                "additionalProperties": {"anyOf": [{"$ref": "#/$defs/experiment"}, _NULL]},
            },
        },
    }


def _section(kind: type) -> dict[str, Any]:
    """Return the schema of a section, or of a method's knobs, the sections in it written out."""
    schema = TypeAdapter(kind).json_schema()
    definitions = schema.pop("$defs", {})
    written = _written_out(schema, definitions)
    for owner, part in ((kind, written), *_inner(kind, written)):
        texts = _docstrings(owner)
        for name, each in part["properties"].items():
            each |= {"description": texts[name]} if name in texts else {}
    return written


def _inner(kind: type, schema: Mapping[str, Any]) -> Iterator[tuple[type, dict[str, Any]]]:
    """Yield the sections that a section is made of, each with its schema."""
    for name, field in getattr(kind, "model_fields", {}).items():
        annotation = field.annotation
        if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
            part = schema["properties"][name]
            yield annotation, part
            yield from _inner(annotation, part)


def _written_out(schema: Any, definitions: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Put what is defined elsewhere where it is used; nothing is required, and titles go."""
    if isinstance(schema, list):
        return [_written_out(each, definitions) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        found = definitions[schema["$ref"].rpartition("/")[2]]
        schema = {**found, **{key: each for key, each in schema.items() if key != "$ref"}}
    left = {key: each for key, each in schema.items() if key != "required"}
    if isinstance(left.get("title"), str):
        left.pop("title")
    names = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
    return {
        names.get(key, key): each
        if key in ("default", "enum", "const")
        else _written_out(each, definitions)
        for key, each in left.items()
    }


def _method(choice: Choice) -> dict[str, Any]:
    """Return the schema of `{key: NAME, KNOB: VALUE, ...}`."""
    return {"type": "object", "additionalProperties": False, "properties": _choice(choice)}


def _choice(choice: Choice) -> dict[str, Any]:
    """Return the key that names a method, and the knobs of all of them."""
    found: dict[str, Any] = {
        choice.key: {
            "description": f"One of the files in sfumato/{choice.room}/; its knobs are below.",
            "enum": list(choice.known),
        }
    }
    knobs: dict[str, dict[str, dict[str, Any]]] = {}
    for name in choice.known:
        for knob, schema in _section(choice.knobs_of(name))["properties"].items():
            if knob != choice.key:
                knobs.setdefault(knob, {})[name] = schema
    return found | {knob: _any_of(of) for knob, of in knobs.items()}


def _any_of(schemas: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the schema of a knob that several methods have, maybe each another one."""
    first, *others = schemas.values()
    if all(other == first for other in others):
        return first
    said = (f"Of {name}: {each.get('description', '')}" for name, each in schemas.items())
    return {
        "description": " ".join(said),
        "anyOf": [
            {k: v for k, v in each.items() if k != "description"} for each in schemas.values()
        ],
    }


def _or_null(schema: Mapping[str, Any], like: Mapping[str, Any]) -> dict[str, Any]:
    return {**_about(like), "anyOf": [dict(schema), _NULL]}


def _about(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {key: schema[key] for key in ("description", "default") if key in schema}


def _docstrings(kind: type) -> dict[str, str]:
    """Return the docstring under each field of a class, and of the classes that it derives from."""
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        if each.__module__.startswith("sfumato."):
            (tree,) = ast.parse(textwrap.dedent(inspect.getsource(each))).body
            body = tree.body if isinstance(tree, ast.ClassDef) else []
            for field, text in zip(body, body[1:], strict=False):
                if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                    if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
                        found[field.target.id] = " ".join(str(text.value.value).split())
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(config_schema(), indent=2) + "\n")
