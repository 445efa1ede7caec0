"""What messages of train, evaluate, predict and export advise helps: read from the message, given, and it goes on."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import rasterio
from quick import QUICK


class Case(NamedTuple):
    """How a command is called, and where its message names what to give.

    Attributes:
        command: Words; `{run}`, `{data}` and `{tmp}` are places.
        remedy: Regular expression; its groups are the words to add.
        instead: Words of the second call in place of the first's.
        prepare: Changes the places first.
        by_hand: What the message says that the user does before the second call.
    """

    command: str
    remedy: str
    instead: str | None = None
    prepare: Callable[[Path], None] = lambda tmp: None
    by_hand: Callable[[Path], None] = lambda tmp: None


DRY = "--dry-run --data {data}"
TRAIN = f"train soc --preset map {DRY}"
PREDICT = "predict {run} --data {data} -q"
EVALUATE = "evaluate {run} --data {data} -q --set evaluate.importance_repeats=0 --set evaluate.n_bootstrap=100"


def warmer(tmp: Path) -> None:
    with rasterio.open(tmp / "covs/temperature.tif", "r+") as file:
        file.write((file.read(1) + 273.15).astype(file.dtypes[0]), 1)


def damaged(tmp: Path) -> None:
    (tmp / "run/calibration.json").write_text("{")


def deleted(tmp: Path) -> None:
    (tmp / "run/calibration.json").unlink(missing_ok=True)


CASES = {
    "calibration": Case(f"{PREDICT} --index 0", r"Delete it, and run `geoml (train) (\S+)`", "--data {data}", damaged,
                        deleted),
    "set": Case(f"{TRAIN} --set train.lr", r"e\.g\. (--set) (train\.lr=1e-3)", TRAIN),
    "a run's folder": Case("train {run} --preset map", r"Leave it out", "train {run} --dry-run --data {data}"),
    "gpus and cpu": Case(f"{TRAIN} --gpus 1 --cpu", r"Choose one", f"{TRAIN} --cpu"),
    "years": Case(f"train soc {DRY} --set split.kind=years", r"(--set) (split\.kind=random)",
                  f"train soc {DRY}"),
    "chronological": Case(f"train soc {DRY} --set split.kind=chronological", r"(--set) (split\.kind=random)",
                          f"train soc {DRY}"),
    "index": Case(f"{PREDICT} --index 99999", r"Use 0 to (\d+)", f"{PREDICT} --index"),
    "suffix": Case(f"{PREDICT} --out {{tmp}}/x.xls", r"Use (\.csv)", f"{PREDICT} --out {{tmp}}/x"),
    "out is a folder": Case(f"{PREDICT} --out {{tmp}}/x.csv", r"Name a file with (--out)", PREDICT,
                            lambda tmp: (tmp / "x.csv").mkdir()),
    "nodata": Case(f"{PREDICT} --nodata height=-1 --out {{tmp}}/m.csv", r"Add (--map)",
                   f"{PREDICT} --nodata height=-1 --out {{tmp}}/m.tif --set predict.block=64"),
    "several inputs": Case(f"{PREDICT} --map --index 0", r"A \.tif, \.tiff or \.zarr file is a map",
                           f"{PREDICT} --index 0"),
    "out of range": Case(f"{PREDICT} --map --rasters {{tmp}}/covs --out {{tmp}}/m.tif",
                         r"(--set) (predict\.out_of_range=1)", None, warmer),
    "no column": Case(f"{PREDICT} --table {{tmp}}/wo.csv --out {{tmp}}/o.csv", r"Call one column (x), and no other so",
                      f"{PREDICT} --table {{tmp}}/lon.csv --out {{tmp}}/o.csv"),
    "two longitudes": Case(f"{PREDICT} --table {{tmp}}/two.csv --out {{tmp}}/o.csv",
                           r"could be x: lon, longitude. Keep one of lon, longitude, and take the others out",
                           f"{PREDICT} --table {{tmp}}/lon.csv --out {{tmp}}/o.csv"),
    "setting of another verb": Case(f"{PREDICT} --index 0 --set train.lr=1", r"Here only \[predict\] and \[data\]",
                                    f"{PREDICT} --index 0 --set predict.rows=5"),
    "baseline": Case(f"{EVALUATE} --set evaluate.baselines=['nix']", r"mean",
                     f"{EVALUATE} --set evaluate.baselines=[]"),
    "member": Case(f"{PREDICT} --index 0 --member fold-9", r"(fold-1)", f"{PREDICT} --index 0 --member"),
    "no run": Case("train soc --preset map --resume --data {data}", r"`geoml (train) (soc) (--preset) (\w+)`",
                   f"{DRY}"),
    "no data": Case("train soc --data {tmp}/none", r"`geoml prepare (soc) RAW (--data) (\S+)`",
                    "prepare {tmp} --points points.csv --covariates covs --classes land_cover"),
    "model": Case(f"train socc {DRY}", r"Did you mean (soc)\?", f"{DRY} --preset map"),
    "preset": Case(f"train soc {DRY} --preset mapp", r"Did you mean (map)\?", f"train soc {DRY} --preset"),
    "setting": Case(f"{TRAIN} --set train.epoch=1", r"Did you mean (epochs)\?", TRAIN),
}  # fmt: skip


@pytest.fixture
def places(trained, data_root, raw_soc, tmp_path):
    for name in ("covs", "points.csv"):
        copy = shutil.copytree if (raw_soc / name).is_dir() else shutil.copy
        copy(raw_soc / name, tmp_path / name)
    points = (tmp_path / "points.csv").read_text()
    (tmp_path / "wo.csv").write_text(points.replace("id,lon,lat", "id,wo,lat"))
    (tmp_path / "lon.csv").write_text(points)
    (tmp_path / "two.csv").write_text(points.replace("id,lon,lat,soc", "id,lon,lat,longitude"))
    run = shutil.copytree(trained, tmp_path / "run")
    return {"run": str(run), "data": str(data_root), "tmp": str(tmp_path)}


@pytest.mark.parametrize("name", CASES)
def test_what_a_message_advises_helps(name, places, geoml, tmp_path, monkeypatch):
    case = CASES[name]
    monkeypatch.setenv("GEOML_RUNS", str(tmp_path / "runs"))
    case.prepare(tmp_path)
    told = geoml(*(word.format(**places) for word in case.command.split()))
    assert told.code in (2, 3), (told.code, told.err)
    found = re.search(case.remedy, told.err)
    assert found, told.err
    case.by_hand(tmp_path)
    words = [word.format(**places) for word in (case.instead or case.command).split()]
    done = geoml(*_together(name, words, list(found.groups())))
    assert done.code == 0, (words, done.err)


def _together(name: str, words: list[str], read: list[str]) -> list[str]:
    """Put what was read where it belongs: mostly at the end."""
    if name in ("no run", "calibration"):
        return [*read, *words]
    if name == "no data":
        return ["prepare", read[0], *words[1:], *read[1:]]
    if name == "model":
        return ["train", *read, *words]
    if name == "suffix":
        return [*words[:-1], words[-1] + read[0]]
    if name == "setting":
        return [*words, "--set", f"train.{read[0]}=1"]
    if name in ("nodata", "no column", "out is a folder"):
        return [*words, *(["--out", f"{words[1]}/../o.csv"] if name == "out is a folder" else read[:0])]
    return [*words, *read]


def test_the_command_that_resumes_a_run_finishes_it(places, geoml, tmp_path):
    """Of predict and export: each names the command, with the run's folder in it."""
    run, data = tmp_path / "part", places["data"]
    started = geoml("train", "soc", "--preset", "map", "--run", run, "--data", data, "--member", "fold-1", "-q", *QUICK)
    assert started.code == 0, started.err
    out = ("--out", tmp_path / "o.csv")
    commands = {
        "predict": ("predict", run, "--data", data, "--member", "fold-2", "--index", "0", *out),
        "export": ("export", run, "--data", data, "--member", "fold-2"),
    }
    named = set()
    for verb, words in commands.items():
        told = geoml(*words)
        assert told.code in (2, 3), (verb, told.code, told.err)
        found = re.search(r"`geoml (train \S+(?: --member \S+)?)`", told.err)
        assert found, told.err
        named.add(found[1])
    for command in sorted(named):
        assert geoml(*command.split(), "--data", data, "-q").code == 0, command
    for words in commands.values():
        done = geoml(*words)
        assert done.code == 0, done.err
