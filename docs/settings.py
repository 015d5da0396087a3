"""Write the page of all settings from the schema: python docs/settings.py SCHEMA > PAGE."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HEAD = """# Settings

Every setting of an experiment: its default, what is allowed, what it is. `NAME` stands for a name
of your own. Knobs are of the sampler, guidance, edit or network that the section names. The page is
made from `workflow/schemas/config.schema.json`; [config.yaml](../../config.yaml) has the same with
more words.
"""
TABLE = "| setting | default | allowed | what it is |\n|---|---|---|---|"
SIGNS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}


def settings(path: str, schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Walk the settings below a path, those of a mapping after the mapping."""
    for part in (schema, *schema.get("anyOf", [])):
        for name, each in part.get("properties", {}).items():
            yield f"{path}.{name}", each
            yield from settings(f"{path}.{name}", each)
        for each in part.get("patternProperties", {}).values():
            yield from settings(f"{path}.NAME", each)


def allowed(schema: dict[str, Any]) -> str:
    """Say which values a setting may have."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(filter(None, map(allowed, schema["anyOf"]))))
    if values := schema.get("enum", [schema["const"]] if "const" in schema else []):
        return ", ".join(f"`{value}`" for value in values)
    kind = schema.get("type", "")
    if kind == "array":
        return f"list of {allowed(schema.get('items', {}))}".removesuffix(" of ")
    bounds = [f"{sign} {schema[name]}" for name, sign in SIGNS.items() if name in schema]
    return " ".join([kind, ", ".join(bounds)]).strip() if kind != "object" else "a mapping"


def default(schema: dict[str, Any]) -> str:
    """Return the default of a setting, unless it is a whole section."""
    value = schema.get("default", {})
    return "" if isinstance(value, dict) else f"`{json.dumps(value)}`"


def main(schema: Path) -> None:
    """Write the page to stdout."""
    print(HEAD)
    for name, section in json.loads(schema.read_text())["$defs"]["experiment"][
        "properties"
    ].items():
        inner = list(settings(name, section))
        print(f"## {name}\n\n{section.get('description', '')}\n\n{TABLE}")
        for path, each in inner or [(name, section)]:
            about = each.get("description", "").replace("|", "\\|")
            print(f"| `{path}` | {default(each)} | {allowed(each)} | {about} |")
        print()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
