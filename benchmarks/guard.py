"""Guard of a refactoring: a base commit and this checkout must make the same numbers from the same raw files.

`python -m benchmarks guard` checks the base out, gives it an environment of its own, writes synthetic raw files with
it, and runs prepare, train, evaluate and predict with both sides, side by side, one thread each. It compares prepared
variables, rows of splits, scalings and weights bit for bit, scores within 1e-9 and predictions within 1e-6. Nothing is
stored between runs: bits of floating-point numbers differ between processors.

Cases, command lines, renamed results and fixed faults are in `_guard_cases.py`. The exit code is 4 where something
differs that is not expected, else 0. `python -m benchmarks` without names leaves this module out: it measures nothing.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from benchmarks import _guard_compare as compared
from benchmarks import _table
from benchmarks._guard_cases import BASE_STEPS, CASES, NEW_SETTINGS, NEW_STEPS, Case, Side
from benchmarks._guard_compare import Comparison, Difference, Kind

BASE = "1d2fa9c"
"""The last commit before the refactoring."""
DIFFERS = 4
"""Exit code of a failed check, as everywhere in geoml."""
_ROOT = Path(__file__).parents[1]
_SHOWN = 20
"""Differences of a case and kind that are printed; all are in `differences.csv`."""

_SYNTHESISE = """
import json, sys
from pathlib import Path
from geoml_cli import registry

options = {}
for source in sys.argv[2:]:
    folder = Path(sys.argv[1]) / source
    folder.mkdir(parents=True)
    record = registry.source(source)
    write = getattr(record, "synthesise", None) or record.synthetic
    options[source] = write(folder, 3).model_dump(mode="json", exclude_defaults=True)
print(json.dumps(options))
"""
"""Run with the base only: writes raw files and prints what `prepare` needs to know of them."""

Arrays = Iterator[tuple[str, NDArray[Any]]]


def main(arguments: Sequence[str] = ()) -> int:
    """Run both sides, print every difference and a table; return 4 if one was not expected."""
    asked = _parsed(arguments)
    cases = [case for case in CASES if case.model in asked.models]
    began = time.monotonic()
    with _folder(asked.keep) as folder:
        sides = base_side(folder, asked.base, asked.base_python), new_side(folder)
        flags = write_synthetic(sides[0], folder / "raw", sorted({case.source for case in cases}))
        done = [comparison for case in cases for comparison in _compared(case, sides, flags[case.source])]
        found = [difference for comparison in done for difference in comparison.differences]
        write(folder / "differences.csv", found)
    show(done)
    print(f"\n{time.monotonic() - began:,.0f} s; base {asked.base}" + (f"; files in {folder}" if asked.keep else ""))
    return DIFFERS if any(comparison.unexpected for comparison in done) else 0


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    models = sorted({case.model for case in CASES})
    parser = argparse.ArgumentParser(prog="python -m benchmarks guard", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--base",
        default=BASE,
        metavar="COMMIT",
        help=f"what to compare with; one after the refactoring spells settings as this checkout [{BASE}]",
    )
    parser.add_argument("--base-python", type=Path, metavar="PATH", help="interpreter for it [a new environment]")
    parser.add_argument("--models", nargs="+", choices=models, default=models, help="models to run [all]")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="new folder for all files [a temporary one]")
    return parser.parse_args(arguments)


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="geoml-guard-") as name:
            yield Path(name)
        return
    keep.mkdir(parents=True)  # results of an earlier run would be compared in place of new ones
    yield keep.absolute()


def base_side(folder: Path, commit: str, python: Path | None) -> Side:
    """Check the base out, and make an environment for it unless an interpreter is given."""
    code = folder / "checkout"
    archive = folder / "checkout.tar"
    subprocess.run(["git", "archive", "--output", str(archive), commit], cwd=_ROOT, check=True)
    with tarfile.open(archive) as file:
        file.extractall(code, filter="data")
    # Not resolved: an environment's interpreter is a link, and knows its packages by the link's place.
    chosen = python.absolute() if python else _environment(folder / "environment", code)
    settings = {} if commit == BASE else NEW_SETTINGS
    return _checked(Side("base", chosen, code, folder / "base", BASE_STEPS, settings))


def new_side(folder: Path) -> Side:
    """Return the side of this checkout, run by this interpreter."""
    return _checked(Side("new", Path(sys.executable), _ROOT, folder / "new", NEW_STEPS, NEW_SETTINGS))


def _environment(folder: Path, code: Path) -> Path:
    """Install the base with the versions that it was tested with; return its interpreter."""
    print("making an environment for the base", flush=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = folder / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    wanted = ["--constraint", str(code / "constraints.txt"), "--editable", f"{code}[raster,onnx]"]
    subprocess.run([*install, *wanted], check=True)
    return python


def _checked(side: Side) -> Side:
    """Make sure that the side's own code is imported: code compared with itself never differs."""
    side.folder.mkdir()
    where = _run(side, "imports", ["-c", "import geoml_cli; print(geoml_cli.__file__)"])
    assert Path(where.strip()).is_relative_to(side.code), f"side {side.name} imports {where.strip()}"
    return side


def write_synthetic(base: Side, raw: Path, sources: Sequence[str]) -> dict[str, list[str]]:
    """Write raw files with the base, once for both sides; return the options to prepare each source with."""
    options = json.loads(_run(base, "synthesise", ["-c", _SYNTHESISE, str(raw), *sources]))
    return {source: _flags(given) for source, given in options.items()}


def _flags(options: Mapping[str, object]) -> list[str]:
    """Write options as a user would type them; a switch that is on has no value."""
    flags = []
    for name, value in options.items():
        for one in value if isinstance(value, list) else [value]:
            flags += [f"--{name.replace('_', '-')}", *([] if one is True else [str(one)])]
    return flags


def _compared(case: Case, sides: tuple[Side, Side], flags: Sequence[str]) -> list[Comparison]:
    began = time.monotonic()
    with ThreadPoolExecutor(len(sides)) as pool:
        list(pool.map(partial(run_case, case=case, flags=flags), sides))
    folders = sides[0].folder, sides[1].folder
    done = [compared.compare(kind, case, folders, after=bool(sides[0].settings)) for kind in KINDS]
    print(f"{case.name}: {time.monotonic() - began:,.0f} s", flush=True)
    return done


def run_case(side: Side, case: Case, flags: Sequence[str]) -> None:
    """Prepare, train, evaluate and predict with one side."""
    run, predictions = _run_folder(side.folder, case), _predictions(side.folder, case)
    raw = side.folder.parent / "raw" / case.source
    places = {"model": case.model, "preset": case.preset, "source": case.source, "raw": raw, "run": run}
    geoml = ["-m", "geoml_cli"]
    prepare = [*side.command("prepare", places, {}), *side.options(flags)]
    _run(side, f"{case.name} prepare", [*geoml, *prepare])
    _run(side, f"{case.name} train", [*geoml, *side.command("train", places, case.train)])
    _run(side, f"{case.name} evaluate", [*geoml, *side.command("evaluate", places, case.evaluate)])
    predictions.mkdir(parents=True)
    for name, step in case.predictions.items():
        words = side.command(step, {**places, "table": case.table, "out": predictions / name}, {})
        _run(side, f"{case.name} {name}", [*geoml, *words])


def _run(side: Side, title: str, words: Sequence[str]) -> str:
    """Run Python with a side's code on one thread; return what it prints, and log what it says."""
    log = side.folder / "logs" / f"{title.replace('/', '-').replace(' ', '-')}.txt"
    log.parent.mkdir(exist_ok=True)
    own = {name: value for name, value in os.environ.items() if not name.startswith("GEOML_")}
    own |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    own |= {"PYTHONPATH": str(side.code), "GEOML_DATA": str(side.folder / "data"), "CUDA_VISIBLE_DEVICES": ""}
    command = [str(side.python), *words]
    done = subprocess.run(command, env=own, cwd=side.folder, capture_output=True, text=True, check=False)
    log.write_text(f"{command}\n{done.stdout}{done.stderr}", encoding="utf-8")
    if done.returncode:
        raise SystemExit(f"{side.name}, {title} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def _run_folder(side: Path, case: Case) -> Path:
    return side / "runs" / case.model / case.preset / "guarded"


def _predictions(side: Path, case: Case) -> Path:
    return side / "predictions" / case.model / case.preset


def _data(side: Path, case: Case) -> Arrays:
    yield from compared.read_variables(side / "data" / case.source / "dataset.nc")


def _weights(side: Path, case: Case) -> Arrays:
    yield from compared.read_weights(_run_folder(side, case))


def _splits(side: Path, case: Case) -> Arrays:
    yield from compared.read_numbers(_run_folder(side, case), "members/*/split.json")
    yield from compared.read_numbers(_run_folder(side, case), "members/*/scaling.json")


def _scores(side: Path, case: Case) -> Arrays:
    yield from compared.read_numbers(_run_folder(side, case) / "evaluation" / "test", "**/metrics.json")


def _score_tables(side: Path, case: Case) -> Arrays:
    folder = _run_folder(side, case) / "evaluation" / "test"
    for path in sorted(folder.rglob("*.csv")):
        if path.name != "predictions.csv":
            for name, value in compared.read_scores(path):
                yield f"{path.parent.relative_to(folder) / name}", value


def _predicted(side: Path, case: Case) -> Arrays:
    run = _run_folder(side, case)
    readers = {".csv": compared.read_columns, ".nc": compared.read_variables, ".tif": compared.read_bands}
    for path in sorted([*run.glob("evaluation/test/**/predictions.csv"), *_predictions(side, case).glob("*.*")]):
        shown = path.relative_to(run if path.is_relative_to(run) else _predictions(side, case))
        if path.suffix in readers:  # figures of maps are left out
            for name, value in readers[path.suffix](path):
                yield f"{shown}: {name}", value


KINDS = (
    Kind("prepared data", _data, 0),
    Kind("split and scaling", _splits, 0),
    Kind("weights", _weights, 0),
    Kind("scores", _scores, 1e-9),
    Kind("score tables", _score_tables, 1.01e-8),  # nine digits: rounding may turn 1.00000000 into 1.00000001
    Kind("predictions", _predicted, 1e-6),  # of float32 and, in predictions.csv, seven digits
)


def write(path: Path, differences: Sequence[Difference]) -> None:
    """Write all differences as a table."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream)
        table.writerow([field.name for field in dataclasses.fields(Difference)])
        table.writerows(dataclasses.astuple(difference) for difference in differences)


def show(comparisons: Sequence[Comparison]) -> None:
    """Print differences, and a table of what was compared."""
    for comparison in comparisons:
        for found in comparison.differences[:_SHOWN]:
            start = f"expected ({found.reason})" if found.reason else "DIFFERS"
            print(f"{start}: {found.case}, seed {found.seed}, {found.kind}, {found.name}: {found.old} -> {found.new}")
        if (more := len(comparison.differences) - _SHOWN) > 0:
            print(f"... and {more:,} more of {comparison.case}, {comparison.kind}; --keep has them in differences.csv")
    rows = [(c.case, c.kind, c.values, len(c.differences) - c.unexpected, c.unexpected) for c in comparisons]
    _table.show("Base and this checkout", ("preset", "kind", "values", "expected", "differ"), rows)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
