"""What texts of the package name is there: options, settings, commands, extras; every error says what to do."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

from command_line import named_options, named_settings, settings, verbs

PACKAGE = Path(__file__).parents[2] / "geoml_cli"
FILES = sorted(PACKAGE.rglob("*.py"))
ERRORS = ("GeomlError", "DataError", "SettingsError", "CheckFailedError")


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield a file's string literals but docstrings, values of f-strings as {}."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    seen = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            seen |= {id(part) for part in node.values}
            yield node.lineno, "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in seen:
            yield node.lineno, node.value


ALL = [(f"{path.relative_to(PACKAGE)}:{line}", text) for path in FILES for line, text in texts(path)]


def commands(text: str) -> list[list[str]]:
    """Return the words of each `geoml ...` in backticks; `{}` where a value stands."""
    return [found.split() for found in re.findall(r"`geoml ([^`{]*[^`]*)`", text)]


def test_options_that_texts_name_are_options():
    known = frozenset().union(*verbs().values())
    wrong = {place: found for place, text in ALL if (found := named_options(text) - known)}
    assert not wrong


def test_settings_that_texts_name_are_settings():
    wrong = {place: found for place, text in ALL if (found := named_settings(text) - settings() - {"data.options"})}
    assert not wrong


def test_options_that_texts_of_a_source_name_are_options_of_that_source():
    """Or of another verb than prepare, to which the same data may be given."""
    others = frozenset().union(*(flags for path, flags in verbs().items() if path[:1] != ("prepare",)))
    wrong = {}
    for place, text in ALL:
        if place.startswith("sources/"):
            source = place.split("/")[1].replace("_", "-")
            known = verbs().get(("prepare", source), frozenset()) | others
            wrong |= {place: found} if (found := named_options(text) - known) else {}
    assert not wrong


def test_commands_that_texts_name_are_commands():
    tried = 0
    for place, text in ALL:
        for words in commands(text):
            if words[0] == "{}":
                continue
            tried += 1
            flags = {word.partition("=")[0] for word in words if word.startswith("--")}
            known = [options for path, options in verbs().items() if path[:1] == (words[0],)]
            assert known, (place, words)
            assert flags <= frozenset().union(*known), (place, words)
    assert tried > 15


def test_extras_that_texts_name_are_extras():
    declared = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = {extra for _, text in ALL for group in re.findall(r"geoml\[([\w,]+)\]", text) for extra in group.split(",")}
    assert named and named <= set(declared)


def imported(tried: ast.Try) -> set[str]:
    """Return the packages outside of this one that a block imports."""
    found = set()
    for node in (part for statement in tried.body for part in ast.walk(statement)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            found |= {part.value.partition(".")[0] for part in node.args if isinstance(part, ast.Constant)}
    return found - {"geoml_cli"}


def test_the_extra_that_a_missing_package_is_told_of_installs_it():
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["project"]
    extras = {name: requirements(lines) for name, lines in project["optional-dependencies"].items()}
    always, distributions, tried = requirements(project["dependencies"]), packages_distributions(), 0
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            advice = "".join(map(ast.unparse, node.handlers)) if isinstance(node, ast.Try) else ""
            if not (named := re.search(r"geoml\[([\w,]+)\]", advice)) or not isinstance(node, ast.Try):
                continue
            installed = always.union(*(extras[extra] for extra in named[1].split(",")))
            needed = {canonical(distributions.get(name, [name])[0]) for name in imported(node)}
            assert needed <= installed, (path, named[0], needed - installed)
            tried += bool(needed - always)
    assert tried > 8


def requirements(lines: list[str]) -> set[str]:
    return {canonical(re.split(r"[\[><=!;~ ]", line)[0]) for line in lines}


def canonical(name: str) -> str:
    return name.lower().replace("_", "-")


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Yield where errors of this package are made, and the calls."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS:
            yield f"{path.relative_to(PACKAGE)}:{node.lineno}", node


def test_errors_say_what_to_do():
    """Settings are refused line by line, each with what may be given."""
    line_by_line = {"config/load.py", "cli/options_from.py"}
    without = [
        place
        for path in FILES
        for place, call in calls(path)
        if not {keyword.arg for keyword in call.keywords} & {"fix", None}
    ]
    assert {place.partition(":")[0] for place in without} == line_by_line and len(without) == 2


def test_words_of_libraries_are_not_passed_on():
    """An f-string of an error does not hold the error that was caught; `reason` says it in our words."""
    caught = {f"{path.relative_to(PACKAGE)}:{found}" for path in FILES for found in passed_on(path)}
    assert caught <= PLAIN, caught - PLAIN


PLAIN = {
    "config/overrides.py:TOMLDecodeError",  # names line and column, and what it expected there
    "cli/app.py:Exception",  # an error that nobody thought of, to be reported
}


def passed_on(path: Path) -> Iterator[str]:
    for handler in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(handler, ast.ExceptHandler) or not handler.name:
            continue
        kind = ast.unparse(handler.type).rpartition(".")[2] if handler.type else ""
        if kind in {*ERRORS, "GeomlError"}:
            continue  # these are our words
        for node in ast.walk(handler):
            if isinstance(node, ast.FormattedValue) and ast.unparse(node.value) in (
                handler.name,
                f"str({handler.name})",
            ):
                yield kind


def test_braces_are_not_shown():
    """A text with a name in braces is an f-string, or a template."""
    wrong = [
        (place, text)
        for path in FILES
        for place, call in calls(path)
        for node in ast.walk(call)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for text in [node.value]
        if re.search(r"\{[a-z_.]+(:\w+)?\}", text)
    ]
    assert not wrong
