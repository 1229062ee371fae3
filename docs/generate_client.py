"""The typed Python client, written from the table of the management API's routes: ``make docs`` runs it.

Every schema becomes a ``TypedDict``, every route that speaks JSON a method of ``Operations``. What speaks
otherwise (the feed, downloads) is in ``rosterd/client`` by hand. ``tests/house`` holds the files equal.
"""

import keyword
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from rosterd.http.api.openapi import SCHEMAS, operation_id
from rosterd.http.api.route import JSON, ApiRoute
from rosterd.http.api.routes import ROUTES

ROOT: Final = Path(__file__).parents[1]
CLIENT: Final = ROOT / "src" / "rosterd" / "client"
HEAD: Final = "# Written by docs/generate_client.py; change the routes, then run `make docs`.\n"
_SIMPLE: Final = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}

Schema = Mapping[str, Any]


class Models:
    """The types met so far, in the order in which they can be defined."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def type_of(self, schema: Schema, name: str) -> str:
        """The annotation of a schema; ``name`` is what an object of its own is called."""
        if "$ref" in schema:
            found = str(schema["$ref"]).rsplit("/", 1)[-1]
            self.define(found, SCHEMAS[found])
            return found
        for union in ("oneOf", "anyOf"):
            if union in schema:
                parts = [self.type_of(one, f"{name}{n}") for n, one in enumerate(schema[union], 1)]
                return " | ".join(dict.fromkeys(parts))
        if "enum" in schema:
            values = [v for v in schema["enum"] if v is not None]
            literal = f"Literal[{', '.join(map(repr, values))}]"
            return f"{literal} | None" if len(values) < len(schema["enum"]) else literal
        kind = schema.get("type", "object" if "properties" in schema else "any")
        if isinstance(kind, list):
            parts = [self.type_of({**schema, "type": one}, name) for one in kind if one != "null"]
            return " | ".join([*dict.fromkeys(parts), *(["None"] if "null" in kind else [])])
        kind = str(kind)
        if kind == "array":
            return f"list[{self.type_of(schema.get('items', {}), _singular(name))}]"
        if kind == "object" and "properties" in schema:
            self.define(name, schema)
            return name
        if kind == "object":
            return "dict[str, Any]"
        return _SIMPLE.get(kind, "Any")

    def define(self, name: str, schema: Schema) -> None:
        """A TypedDict of the schema's properties."""
        if name in self.texts:
            return
        self.texts[name] = ""  # a circle would end here
        required = schema.get("required", ())
        fields = []
        for key, inner in schema["properties"].items():
            kind = self.type_of(inner, name + _camel(key))
            fields.append((key, kind if key in required else f"NotRequired[{kind}]", _sentence(inner)))
        text = schema.get("description", "What it takes.")
        if all(key.isidentifier() and not keyword.iskeyword(key) for key, _, _ in fields):
            lines = [f'class {name}(TypedDict):\n    """{text}"""\n']
            for key, kind, meaning in fields:
                lines.append(f"    {key}: {kind}")
                if meaning:
                    lines.append("\n    ".join(textwrap.wrap(f'    """{meaning}"""', 104)))
            self.texts.pop(name)
            self.texts[name] = "\n".join(lines)
        else:
            pairs = ", ".join(f'"{key}": {kind}' for key, kind, _ in fields)
            self.texts.pop(name)
            self.texts[name] = f'{name} = TypedDict("{name}", {{{pairs}}})\n"""{text}"""'


def _sentence(schema: Schema) -> str:
    return str(schema.get("description", "")).replace("\\", "\\\\")


def _camel(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]", name))


def _singular(name: str) -> str:
    return name[:-1] if name.endswith("s") else f"{name}Item"


def _described(route: ApiRoute) -> str:
    scope = f"\n\n        Needs the scope ``{route.scope}``." if route.scope else ""
    text = route.summary if route.summary.endswith((".", "?")) else f"{route.summary}."
    return f'"""{text}{scope}"""' if not scope else f'"""{text}{scope}\n        """'


def _is_page(reply: Schema) -> bool:
    return set(reply.get("properties", ())) == {"items", "nextCursor"}


def methods(models: Models) -> Iterator[str]:
    """The text of every method."""
    for route in ROUTES:
        if route.media != (JSON,) or route.scope is None or operation_id(route) == "events":
            continue
        yield _method(route, models)


def _method(route: ApiRoute, models: Models) -> str:
    name = operation_id(route)
    segments = [part for part in route.template.split("/") if part]
    arguments = [f"{part[1:-1]}: str" for part in segments if part.startswith("{")]
    address = ", ".join(part[1:-1] if part.startswith("{") else repr(part) for part in segments)
    given: list[str] = []
    signature = ["self", *arguments, "/"] if arguments else ["self"]
    if route.query:
        required = [key for key, schema in route.query.items() if schema.get("required")]
        query = {"properties": route.query, "required": required}
        models.define(f"{_camel(name)}Query", {"description": f"Query parameters of ``{name}``.", **query})
        signature.append(f"**query: Unpack[models.{_camel(name)}Query]")
        given.append("query=query")
    if route.body is not None:
        if "properties" in route.body:
            models.define(f"{_camel(name)}Body", route.body)
            kind = f"models.{_camel(name)}Body"
            if route.query:  # there is one ** only
                signature.insert(signature.index("/"), f"body: {kind}")
            else:
                signature.append(f"**body: Unpack[{kind}]")
        else:
            signature.append("body: dict[str, Any]")
        given.append("body=body")
    heading = f"({', '.join(signature)})"
    reply = route.reply
    if reply is not None and _is_page(reply):
        item = models.type_of(reply["properties"]["items"], _camel(name))
        item = _qualified(item.removeprefix("list[").removesuffix("]"))
        options = "query" if route.query else "{}"
        return (
            f"    def {name}{heading} -> Pages[{item}]:\n        {_described(route)}\n"
            f"        return Pages(self, path({address}), {options})\n"
        )
    kind = _qualified(models.type_of(reply, f"{_camel(name)}Reply")) if reply is not None else "None"
    call = f"await self.ask({', '.join([repr(route.method), f'path({address})', *given])})"
    last = call if kind == "None" else f"reply: {kind} = {call}\n        return reply"
    return f"    async def {name}{heading} -> {kind}:\n        {_described(route)}\n        {last}\n"


def _qualified(kind: str) -> str:
    return re.sub(r"\b(?!Any\b|None\b|Literal\b)([A-Z]\w+)\b(?![\"'])", r"models.\1", kind)


def written() -> Mapping[Path, str]:
    """The files and their texts, formatted."""
    models = Models()
    feed = next(route for route in ROUTES if operation_id(route) == "events")
    assert feed.reply is not None  # noqa: S101 - the feed replies
    models.type_of(feed.reply["properties"]["events"]["items"], "Event")
    operations = "\n".join(methods(models))
    model_text = (
        HEAD + '"""The JSON of the management API, as types."""\n\n'
        "from typing import Any, Literal, NotRequired, TypedDict\n\n\n" + "\n\n\n".join(models.texts.values())
    )
    operation_text = (
        HEAD + '"""The operations of the management API, each a method."""\n\n'
        "from typing import Any, Unpack\n\n"
        "from rosterd.client import models\n"
        "from rosterd.client.session import Pages, Session, path\n\n\n"
        "class Operations(Session):\n"
        '    """Every operation that speaks JSON; a list is an ``async for``."""\n\n' + operations
    )
    texts = {CLIENT / "models.py": model_text, CLIENT / "operations.py": operation_text}
    return {file: _formatted(text) for file, text in texts.items()}


def _formatted(text: str) -> str:
    ruff = Path(sys.executable).with_name("ruff")
    settings = ["--config", str(ROOT / "pyproject.toml"), "--stdin-filename", "generated.py"]
    for command in (["check", "--fix-only", "--quiet", "--select", "F401,I"], ["format", "--quiet"]):
        done = subprocess.run(  # noqa: S603 - the formatter of this environment
            [str(ruff), *command, *settings, "-"], input=text, capture_output=True, text=True, check=False
        )
        if done.stderr:
            raise ValueError(done.stderr)
        text = done.stdout
    return text


def stale() -> list[str]:
    """The files that are not what this would write."""
    return [file.name for file, text in written().items() if not file.exists() or file.read_text() != text]


def main() -> None:
    """Write both files."""
    for file, text in written().items():
        file.write_text(text)


if __name__ == "__main__":
    main()
