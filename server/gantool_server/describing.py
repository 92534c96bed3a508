"""What the server says of itself: models and their options as JSON schema, and a page of all calls."""

import html
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from gantool.card import ModelCard
from gantool.tasks import TASKS
from gantool.tasks.task import Schema
from gantool_server import wishes

_TYPES = {int: "integer", float: "number", bool: "boolean"}


def verb(name: str) -> dict[str, Any]:
    """A verb, its options as JSON schema, and what is sent beside the picture."""
    defaults = {each.name: each.default for each in fields(TASKS[name].Options)}
    options = {option: _schema(schema, defaults.get(option)) for option, schema in wishes.options_of(name).items()}
    return {
        "name": name,
        "does": TASKS[name].does,
        "model": TASKS[name].model,
        "takes_picture": name != "generate",
        "files": {field: schema.help for field, schema in wishes.files_of(name).items()},
        "options": {"type": "object", "properties": options, "additionalProperties": False},
    }


def _schema(schema: Schema, default: Any) -> dict[str, Any]:
    bounds = {"minimum": schema.least, "maximum": schema.most, "default": default}
    kind = {"type": _TYPES[schema.rule.read]} if schema.rule.read in _TYPES else {}
    return kind | {"description": schema.help} | {key: value for key, value in bounds.items() if value is not None}


def model(card: ModelCard) -> dict[str, Any]:
    """What a card says to those who choose."""
    return {
        "name": card.name,
        "task": card.task,
        "description": card.description,
        "scale": card.scale,
        "licence": card.licence,
        "labels": {port.name: port.labels for port in card.taking("label")},
        "codes": [name for port in card.taking("code") for name in port.labels],
        "takes": sorted({port.kind for port in card.inputs}),
    }


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>gantool: calls</title><link rel="stylesheet" href="/page.css"></head>
<body class="docs"><main><h1>Calls</h1>
<p>The same as a schema for programs: <a href="/openapi.json">openapi.json</a> (OpenAPI {version}).
<a href="/">The page</a></p>
{calls}
<h2>Verbs</h2>
{verbs}
</main></body></html>"""


def page(schema: Mapping[str, Any]) -> str:
    """All calls of an OpenAPI schema and all verbs, as HTML."""
    calls = "\n".join(
        f"<h2><code>{method.upper()} {html.escape(path)}</code></h2><p>{html.escape(call.get('description', ''))}</p>"
        f"<ul>{''.join(_answer(status, said) for status, said in call['responses'].items())}</ul>"
        for path, methods in schema["paths"].items()
        for method, call in methods.items()
    )
    verbs = "\n".join(_verb(verb(name)) for name in TASKS)
    return _PAGE.format(version=html.escape(schema["openapi"]), calls=calls, verbs=verbs)


def _answer(status: str, said: Mapping[str, Any]) -> str:
    return f"<li><code>{status}</code> {html.escape(said.get('description', ''))}</li>"


def _verb(told: Mapping[str, Any]) -> str:
    said = {**told["files"], **{name: s["description"] for name, s in told["options"]["properties"].items()}}
    rows = "".join(f"<li><code>{html.escape(name)}</code> {html.escape(text)}</li>" for name, text in said.items())
    return f"<h3>{html.escape(told['name'])}</h3><p>{html.escape(told['does'])}</p><ul>{rows}</ul>"


def resource(name: str) -> Path:
    """A file of the page."""
    return Path(__file__).parent / "page" / name
