"""Pages that are made from the code: commands, settings, presets, models, sources, and the tree of files.

Every function returns the text of one page or fragment. `write` puts them into `docs/reference/`, which is not kept in
git. Names with a leading underscore are fragments that other pages include.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import annotated_types
import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typer.core import TyperGroup as Group

from geoml_cli import registry
from geoml_cli.baselines.tabular import BASELINES
from geoml_cli.cli.app import app
from geoml_cli.config.settings import SharedTables
from geoml_cli.exporters.exporter import exporter, formats

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "geoml_cli"
_GENERATED = "% Made by docs/generate.py; changes here are lost.\n\n"


def write(folder: Path) -> None:
    """Write every page, and remove pages that are made no longer; unchanged files keep their time."""
    folder.mkdir(exist_ok=True)
    made = {f"{name}.md": _GENERATED + page().rstrip() + "\n" for name, page in PAGES.items()}
    for stale in folder.glob("*.md"):
        if stale.name not in made:
            stale.unlink()
    for name, text in made.items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def commands() -> str:
    """Document every command from Typer."""
    lines = ["# Commands", "", "Made from the code. `geoml COMMAND --help` says the same in the terminal.", ""]
    lines += ["| command | what it does |", "|---|---|"]
    found = list(walk())
    lines += [f"| [`{name}`](#{_anchor(name)}) | {_cell(_help(command))} |" for name, command, _ in found]
    for name, command, context in found:
        lines += ["", f"({_anchor(name)})=", f"## {name}", "", _help(command), ""]
        lines += ["```text", _usage(command, context), "```", ""]
        lines += _parameters(command, context)
    return "\n".join(lines)


def walk() -> Iterator[tuple[str, Any, Any]]:
    """Yield (full name, command, context) of all commands that do something, groups opened."""
    root = typer.main.get_command(app)
    yield from _walk("geoml", root, None)


def _walk(name: str, command: Any, above: Any) -> Iterator[tuple[str, Any, Any]]:  # noqa: ANN401  typer's own
    context = command.make_context(name.split()[-1], [], parent=above, resilient_parsing=True)
    if not isinstance(command, Group):
        yield name, command, context
        return
    for part in sorted(command.list_commands(context)):
        yield from _walk(f"{name} {part}", command.get_command(context, part), context)


def _help(command: Any) -> str:  # noqa: ANN401
    return " ".join((command.help or "").split())


def _usage(command: Any, context: Any) -> str:  # noqa: ANN401
    """Return the usage line, with arguments named as in the manual: MODEL, [MODEL]."""
    line = " ".join(command.get_usage(context).removeprefix("Usage: ").split())
    return line.replace("[[", "[").replace("]]", "]").replace("{", "").replace("}", "")


def _parameters(command: Any, context: Any) -> list[str]:  # noqa: ANN401
    records = [record for p in command.params if (record := p.get_help_record(context))]
    if not records:
        return []
    rows = [f"| `{_cell(_tidied(name))}` | {_cell(text)} |" for name, text in records]
    return ["| argument or option | meaning |", "|---|---|", *rows]


def _tidied(name: str) -> str:
    """Name the kind of value as in the manual: `--member TEXT`, not `--member <list[str]>`."""
    kinds = {"str": "TEXT", "path": "PATH", "int": "N", "int range": "N", "float": "X"}

    def kind(match: re.Match[str]) -> str:
        inner = match[1].removeprefix("list[").removesuffix("]")
        return kinds.get(inner, inner)

    shown = re.sub(r"<(.+?)>$", kind, name)
    return re.sub(r"^([A-Z|\[\]]+) (TEXT|PATH|N)$", r"\1", shown)


def settings() -> str:
    """Document every table of settings from its class: the shared ones, and each model's own."""
    lines = ["# Settings", "", "Made from the code. A preset sets these in TOML; `--set table.key=value` changes one."]
    lines += ["`geoml preset show MODEL PRESET --origin` prints all values and where each comes from.", ""]
    lines += ["## At the top of a preset", "", *_fields(SharedTables, "", nested=False)]
    for name, table in _tables(SharedTables):
        lines += ["", *_table(name, table, "")]
    for model in registry.models():
        for name, table in _tables(registry.tables(model)):
            lines += ["", *_table(name, table, f" ({model})")]
    return "\n".join(lines)


def _tables(holder: type[BaseModel]) -> list[tuple[str, type[BaseModel]]]:
    return [(n, f.annotation) for n, f in holder.model_fields.items() if _is_table(f) and f.annotation is not None]


def _is_table(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)


def _table(name: str, table: type[BaseModel], of: str) -> list[str]:
    said = " ".join((table.__doc__ or "").split())
    said = said.removeprefix(f"`[{name}]`:").strip()
    return [f"## [{name}]{of}", "", said[:1].upper() + said[1:], "", *_fields(table, name, nested=True)]


def _fields(table: type[BaseModel], name: str, *, nested: bool) -> list[str]:
    rows = ["| setting | value | default | meaning |", "|---|---|---|---|"]
    for key, field in table.model_fields.items():
        if not nested and _is_table(field):
            continue
        full = f"{name}.{key}" if name else key
        default = "*needed*" if field.is_required() else f"`{_plain(field.get_default(call_default_factory=True))}`"
        meaning = _cell(" ".join((field.description or "").split()))
        rows.append(f"| `{full}` | {_cell(_kind(field))} | {default} | {meaning} |")
    return rows


def _kind(field: FieldInfo) -> str:
    return ", ".join((_type(field.annotation), *(text for rule in field.metadata for text in _rules(rule))))


def _type(kind: Any) -> str:  # noqa: ANN401  any annotation
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Literal:
        return " or ".join(f"`{_plain(part)}`" for part in parts)
    if origin in (Union, UnionType):
        return " or ".join("none" if part is NoneType else _type(part) for part in parts)
    if origin is tuple:
        if parts[-1] is Ellipsis:
            return f"list of {_type(parts[0])}"
        return "[" + ", ".join(_type(part) for part in parts) + "]"
    named = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    return named.get(kind, str(kind))


def _rules(rule: object) -> Iterable[str]:
    signs = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    for kind, sign in signs.items():
        if (limit := getattr(rule, kind, None)) is not None:
            yield f"{sign} {limit:g}"
    if isinstance(rule, annotated_types.MultipleOf):
        yield f"a multiple of {rule.multiple_of}"
    if isinstance(rule, annotated_types.MinLen):
        yield f"at least {rule.min_length} of them"


def _plain(value: object) -> str:
    """Write a value as TOML does."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(_plain(part) for part in value) + "]"
    return f'"{value}"' if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)


def presets() -> str:
    """List every preset with its own TOML text."""
    lines = ["# Presets", "", "A preset is a TOML file in `presets/MODEL/`. What it leaves out keeps its default.", ""]
    for model in registry.models():
        for name in registry.presets(model):
            mark = " (default)" if name == registry.card(model).default_preset else ""
            path = registry.preset_file(model, name)
            lines += [f"## {model} {name}{mark}", "", "```toml", path.read_text(encoding="utf-8").rstrip(), "```", ""]
    return "\n".join(lines)


def models() -> str:
    """Tabulate the models' cards."""
    rows = ["| model | what it is | paper | default preset | licence |", "|---|---|---|---|---|"]
    for name in registry.models():
        card = registry.card(name)
        paper = f"{card.paper}, [doi:{card.doi}](https://doi.org/{card.doi})" if card.doi else card.paper
        rows.append(f"| `{name}` | {card.title} | {paper} | `{card.default_preset}` | {card.licence} |")
    return "\n".join(rows)


def sources() -> str:
    """Tabulate the sources."""
    rows = ["| source | what it reads |", "|---|---|"]
    return "\n".join(
        rows + [f"| `{name}` | {_cell(registry.source_card(name).summary)} |" for name in registry.sources()]
    )


def rivals() -> str:
    """Tabulate the baselines."""
    rows = ["| baseline | what it is |", "|---|---|"]
    return "\n".join(rows + [f"| `{name}` | {_cell(BASELINES[name].summary)} |" for name in BASELINES])


def export_formats() -> str:
    """Tabulate the formats of `geoml export`."""
    rows = ["| format | file | what it is |", "|---|---|---|"]
    held = [(name, exporter(name)) for name in formats()]
    return "\n".join(rows + [f"| `{name}` | `{form.suffix}` | {_cell(form.summary)} |" for name, form in held])


def tree() -> str:
    """Draw the package with the first sentence of each module's docstring."""
    rows = [("geoml_cli/", _said(PACKAGE / "__init__.py")), *_branch(PACKAGE, "  ")]
    width = max(len(path) for path, _ in rows)
    return "\n".join(["```text", *(f"{path.ljust(width)}  {text}".rstrip() for path, text in rows), "```"])


def _branch(folder: Path, indent: str) -> Iterator[tuple[str, str]]:
    files = sorted(path for path in folder.glob("*.py") if path.name != "__init__.py")
    for path in files:
        yield f"{indent}{path.name}", _said(path)
    for below in sorted(path for path in folder.iterdir() if (path / "__init__.py").is_file()):
        yield f"{indent}{below.name}/", _said(below / "__init__.py")
        yield from _branch(below, indent + "  ")


def _said(path: Path) -> str:
    """Return the first line of a module's docstring, without importing it."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0].rstrip(".")


def _anchor(command: str) -> str:
    return "command-" + command.replace(" ", "-")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


PAGES: dict[str, Callable[[], str]] = {
    "commands": commands,
    "settings": settings,
    "presets": presets,
    "_models": models,
    "_sources": sources,
    "_baselines": rivals,
    "_formats": export_formats,
    "_tree": tree,
}


def main(arguments: Sequence[str]) -> None:
    """Write the pages into a folder, for a look without Sphinx."""
    write(Path(arguments[0]) if arguments else Path(__file__).parent / "reference")


if __name__ == "__main__":
    main(sys.argv[1:])
