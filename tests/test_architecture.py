"""Decisions that a reader relies on: layers, sizes, and what starting the command may import."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from geoml_cli.dataset.variables import STRUCTURAL

PACKAGE = Path(__file__).parents[1] / "geoml_cli"
ROOT = PACKAGE.parent
TOP_LEVEL = {"geoml_cli", "presets", "tests", "docs", "benchmarks", "pyproject.toml", "constraints.txt", "Makefile",
             "README.md", "CHANGELOG.md", "LICENSE"}  # fmt: skip
FILES = sorted(PACKAGE.rglob("*.py"))

LAYERS = (
    ("cli",),
    ("stages",),
    ("evaluation",),
    ("inference", "training"),
    ("config",),
    ("registry",),
    ("models",),
    ("tasks", "layers"),
    ("baselines", "figures", "writers", "exporters", "runs"),
    ("splits", "metrics"),
    ("source",),
    ("samples",),
    ("dataset",),
    ("work",),
    ("errors",),
)
"""A room imports rooms of lower layers only: none above it, none beside it."""
EVERYWHERE = {"version"}
SOURCES_MAY_USE = {"readers", "source", "samples", "dataset", "work", "errors", "version"}
"""What a source may import beside itself; of `samples` only what SAMPLES_FOR_SOURCES names."""
READERS_MAY_USE = SOURCES_MAY_USE - {"readers"}
SAMPLES_FOR_SOURCES = {"coordinates", "input", "patches"}

LONGEST_BODY, LONG_BODY, MEDIAN_BODY, LONGEST_FILE = 50, 30, 10, 300
MOST_PARAMETERS, DEEPEST = 5, 3

Function = ast.FunctionDef | ast.AsyncFunctionDef


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def layer(name: str) -> int | None:
    return next((place for place, names in enumerate(LAYERS) if name in names), None)


def imported_rooms(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            parts = name.split(".")
            if parts[0] == "geoml_cli" and len(parts) > 1:
                yield node.lineno, parts[1]


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def body_length(node: Function) -> int:
    first = 1 if ast.get_docstring(node) else 0
    if len(node.body) <= first:
        return 0
    assert node.end_lineno is not None
    return node.end_lineno - node.body[first].lineno + 1


def depth(node: ast.AST, level: int = 0) -> int:
    deeper = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.AsyncFor, ast.AsyncWith, ast.Match)
    found = level
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            continue
        # An elif is not deeper than its if.
        chained = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        found = max(found, depth(child, level + (isinstance(child, deeper) and not chained)))
    return found


def test_every_room_has_a_layer():
    known = {name for names in LAYERS for name in names} | {"sources", "readers", "__init__", "__main__", "presets"}
    assert {room(path) for path in FILES} <= known | EVERYWHERE


def allowed(name: str) -> set[str]:
    """Return the rooms that a room may import."""
    if name == "sources":
        return SOURCES_MAY_USE | {"sources"}
    if name == "readers":
        return READERS_MAY_USE | {"readers"}
    own = layer(name)
    assert own is not None, name
    return {lower for names in LAYERS[own + 1 :] for lower in names} | EVERYWHERE | {name}


def test_imports_point_downward():
    wrong = []
    for path in FILES:
        if room(path) in {"__init__", "__main__", *EVERYWHERE}:
            continue
        for line, name in imported_rooms(path):
            if name not in allowed(room(path)):
                wrong.append(f"{path.relative_to(PACKAGE)}:{line} imports {name}")
    assert not wrong, "\n".join(wrong)


def modules_imported(path: Path) -> set[tuple[str, ...]]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {tuple(f"{node.module}.{alias.name}".split(".")) for alias in node.names}
    return found


def test_sources_and_readers_use_no_more_of_samples_than_they_must():
    wrong = [
        f"{path.relative_to(PACKAGE)} imports samples.{names[2]}"
        for path in FILES
        if room(path) in {"sources", "readers"}
        for names in modules_imported(path)
        if names[:2] == ("geoml_cli", "samples") and names[2] not in SAMPLES_FOR_SOURCES
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("kind", ["models", "sources"])
def test_no_model_imports_a_model_and_no_source_a_source(kind):
    names = {path.name for path in (PACKAGE / kind).iterdir() if (path / "__init__.py").is_file()}
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {imported[2]}"
        for path in FILES
        if room(path) == kind and len(path.relative_to(PACKAGE).parts) > 2
        for imported in modules_imported(path)
        if imported[:2] == ("geoml_cli", kind) and imported[2] in names - {path.relative_to(PACKAGE).parts[1]}
    ]
    assert not wrong, "\n".join(wrong)


def test_no_stage_imports_a_stage():
    wrong = [
        f"{path.name} imports {names[2]}"
        for path in FILES
        if room(path) == "stages"
        for names in modules_imported(path)
        if names[:2] == ("geoml_cli", "stages")
    ]
    assert not wrong, "\n".join(wrong)


def test_only_the_commands_print_or_exit():
    wrong = []
    for path in FILES:
        if room(path) in {"cli", "__main__"}:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if name in {"print", "sys.exit", "exit", "os._exit", "typer.echo"} or (
                isinstance(node, ast.Name) and node.id == "SystemExit"
            ):
                wrong.append(f"{path.relative_to(PACKAGE)}:{node.lineno} {name or 'SystemExit'}")
    assert not wrong, "\n".join(wrong)


def test_package_files_hold_a_docstring_and_no_code():
    """A model's and a source's hold their card as well; nothing is exported again."""
    for path in FILES:
        if path.name == "__init__.py":
            body = ast.parse(path.read_text(encoding="utf-8")).body
            assert isinstance(body[0], ast.Expr), f"{path} has no docstring"
            is_card = path.parent.parent in (PACKAGE / "models", PACKAGE / "sources")
            assert is_card or len(body) == 1, f"{path} holds code"


def test_files_are_short():
    long = {str(p.relative_to(PACKAGE)): n for p in FILES if (n := len(p.read_text().splitlines())) > LONGEST_FILE}
    assert not long


def test_functions_are_short():
    lengths = {f"{p.relative_to(PACKAGE)}:{f.lineno} {f.name}": body_length(f) for p in FILES for f in functions(p)}
    assert not {name: length for name, length in lengths.items() if length > LONGEST_BODY}
    assert statistics.median(lengths.values()) <= MEDIAN_BODY
    assert sum(length <= LONG_BODY for length in lengths.values()) >= 0.9 * len(lengths)


def test_functions_take_few_parameters_and_nest_little():
    wrong = []
    for path in FILES:
        for node in functions(path):
            if depth(node) > DEEPEST:
                wrong.append(f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name}: depth {depth(node)}")
            count = len([a for a in (*node.args.args, *node.args.kwonlyargs) if a.arg not in {"self", "cls"}])
            if count > MOST_PARAMETERS and room(path) != "cli":  # a command's parameters are its options
                wrong.append(f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name}: {count} parameters")
    assert not wrong, "\n".join(wrong)


def test_no_pickle_is_written_and_none_is_read_but_by_the_reader_that_admits_arrays_only():
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert "torch.save(" not in text and "pickle.dump" not in text and "joblib.dump" not in text, path
        assert "pickle.load(" not in text and "weights_only=False" not in text, path


HEAVY = {"torch", "pandas", "xarray", "sklearn", "scipy", "matplotlib", "rasterio", "accelerate", "netCDF4"}
"""What a command that answers at once never imports."""
LIGHT = {
    "--help": HEAVY | {"numpy", "pydantic", "rich"},
    "train --help": HEAVY | {"numpy", "rich"},
    "evaluate --help": HEAVY | {"numpy", "rich"},
    "export --help": HEAVY | {"numpy", "rich"},
    "predict --help": HEAVY | {"numpy", "rich"},
    "predict geomamba --help": HEAVY | {"numpy", "rich"},
    "import soc --help": HEAVY | {"numpy", "rich"},
    "prepare --help": HEAVY | {"numpy", "rich"},
    "prepare soc --help": HEAVY | {"numpy", "rich"},
    "list": HEAVY,
    "list models": HEAVY | {"numpy"},
    "list presets": HEAVY | {"numpy"},
    "list sources": HEAVY | {"numpy"},
    "preset show soc": HEAVY | {"numpy"},
    "preset diff soc paper map": HEAVY | {"numpy"},
    "train soc --set train.batch_sze=3": HEAVY | {"numpy"},
    "train sco": HEAVY | {"numpy"},
    "doctor": HEAVY - {"torch", "scipy"},
}
"""What each imports nothing of; `doctor` says what torch can do, and numba, which imports scipy."""


@pytest.mark.parametrize("command", LIGHT)
def test_answers_at_once_import_nothing_heavy(command, tmp_path):
    """Guarded by what is imported, not by a clock."""
    script = (
        "import sys, atexit; sys.argv = ['geoml', *sys.argv[2:]]; names = set(sys.orig_argv[3].split())\n"
        "atexit.register(lambda: print('HEAVY', sorted(names & set(sys.modules)), file=sys.stderr))\n"
        "from geoml_cli.cli.app import main\n"
        "main()\n"
    )
    call = [sys.executable, "-c", script, " ".join(LIGHT[command]), *command.split()]
    done = subprocess.run(call, capture_output=True, text=True, cwd=tmp_path)
    assert "HEAVY []" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


def test_the_top_level_holds_what_it_is_meant_to():
    if not (ROOT / ".git").exists():
        pytest.skip("no checkout")
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = {name.partition("/")[0] for name in tracked.split("\0") if name}
    assert {name for name in names if not name.startswith(".")} == TOP_LEVEL


_LOOKED_UP = re.compile(r"\.(?:has|array|labels)\(\"(\w+)\"\)")
_OF_ONE_MODEL = {"soc", "amplitude", "presence", "l", "mlt", "mlat", "VV", "VH"}
"""Quantities that one model takes from data sets of one source, where no user names a variable."""


def test_names_that_are_looked_up_are_no_users():
    """A covariate called `index` would be taken for the places of windows."""
    rooms = [path for path in FILES if room(path) not in ("sources", "readers")]
    found = {name for path in rooms for name in _LOOKED_UP.findall(path.read_text(encoding="utf-8"))}
    assert "station_index" in found
    assert found <= STRUCTURAL | _OF_ONE_MODEL, found - STRUCTURAL - _OF_ONE_MODEL
