"""Tables of the documentation that are made from the code: keys, fields of formats."""

from __future__ import annotations

import inspect
import json
import re
import textwrap
from pathlib import Path
from typing import Any

import msgspec

from slowfast_live import paths
from slowfast_live.inference import spec

DOCS = paths.ROOT / "docs"
BUNDLED_MODEL = "slowfast_demo-int8"
_MARK = re.compile(
    r"(<!-- ((?:keys|fields|actions|accuracy)[^>]*?) -->\n).*?(<!-- /(?:keys|fields|actions|accuracy) -->)", re.DOTALL
)
_SCHEMA = paths.ROOT / "slowfast_live" / "export" / "schema" / "findings-2.json"


def written() -> dict[Path, str]:
    """Return each document that holds tables, with its tables made anew."""
    kinds = (spec.ModelSpec, spec.Clip, spec.Decision, spec.Accuracy)
    fields = {f"fields: {kind.__name__}": _fields(kind) for kind in kinds}
    bundled = spec.load(paths.bundled("models") / BUNDLED_MODEL)
    tables = {
        "keys": _keys(),
        "fields: schema": _schema(),
        "actions": _actions(bundled),
        "accuracy": _accuracy(bundled),
        **fields,
    }
    documents = {}
    for path in (paths.ROOT / "README.md", *sorted(DOCS.glob("*.md"))):
        text = path.read_text(encoding="utf-8")
        made = _MARK.sub(lambda match: f"{match[1]}{tables[match[2]]}{match[3]}", text)
        if _MARK.search(text):
            documents[path] = made
    return documents


def _keys() -> str:
    from slowfast_live.ui.commands.commands import COMMANDS

    lines = []
    group = ""
    for command in COMMANDS:
        if not command.keys:
            continue
        if command.group != group:
            group = command.group
            lines += [f"\n**{group}**\n", "| key | |", "|-|-|"]
        keys = " or ".join(f"`{key}`" for key in command.keys)
        lines.append(f"| {keys} | {command.tip} |")
    return "\n".join(lines).lstrip() + "\n"


def _actions(model: spec.ModelSpec) -> str:
    """Return the actions that a model knows, as a sentence's end."""
    known = [label for label in model.labels if label not in model.decision.background_labels]
    return _wrapped(f"{', '.join(known[:-1])} and {known[-1]}.")


def _accuracy(model: spec.ModelSpec) -> str:
    """Return how often a model is right on real people."""
    real = [one for one in model.accuracy if one.metric == "top-1" and "rendered" not in one.dataset]
    figures = "; ".join(f"{one.dataset}: {one.value:.1f} %" for one in real)
    return _wrapped(
        f"How often the bundled model's first answer is right on real people, never trained on: {figures}.", 2
    )


def _wrapped(text: str, indent: int = 0) -> str:
    return textwrap.fill(text, 118, initial_indent=" " * indent, subsequent_indent=" " * indent) + "\n" + " " * indent


def _fields(kind: type[msgspec.Struct]) -> str:
    """Return the fields of a format, as its docstring describes them."""
    described = dict(re.findall(r"^    (\w+): (.*(?:\n        .*)*)", _attributes(kind), re.MULTILINE))
    lines = ["| field | type | meaning |", "|-|-|-|"]
    for field in msgspec.structs.fields(kind):
        kind_name = _type_name(field.type)
        meaning = " ".join(described.get(field.name, "").split())
        default = "" if field.required else " (optional)"
        lines.append(f"| `{field.encode_name}` | {kind_name}{default} | {meaning} |")
    return "\n".join(lines) + "\n"


def _attributes(kind: type) -> str:
    return (inspect.getdoc(kind) or "").partition("Attributes:\n")[2]


def _type_name(kind: Any) -> str:
    """Return a type in JSON's words."""
    found = msgspec.json.schema(kind)
    if "anyOf" in found:
        return " or ".join(sorted({_named(one) for one in found["anyOf"]}))
    return _named(found)


def _named(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " or ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    if "$ref" in schema or schema.get("type") == "object":
        return "object"
    return str(schema.get("type", "any"))


def _schema() -> str:
    """Return the objects of the JSON results with their fields, from the schema."""
    definitions = json.loads(_SCHEMA.read_text(encoding="utf-8"))["$defs"]
    parts = []
    for name, body in definitions.items():
        parts += [
            f"\n### {name}\n",
            str(body.get("description", "")).splitlines()[0],
            "",
            "| field | meaning |",
            "|-|-|",
        ]
        parts += [f"| `{field}` | {schema.get('description', '')} |" for field, schema in body["properties"].items()]
    return "\n".join(parts).lstrip() + "\n"
