"""The commands as a user types them: results on stdout, messages on stderr, exit codes."""
# ruff: noqa: E501  a row of a table of mistakes is one line

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
import xarray
from quick import QUICK

from geoml_cli.dataset.store import Dataset
from geoml_cli.runs.run import Run


@pytest.fixture
def place(tmp_path, monkeypatch, data_root, trained):
    """A folder to work in, where ./data and ./runs stand."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GEOML_DATA", str(data_root))
    shutil.copytree(trained.parents[2], tmp_path / "runs")
    return tmp_path


def test_the_whole_way_in_an_empty_folder(geoml, tmp_path, monkeypatch, raw_soc):
    monkeypatch.chdir(tmp_path)
    done = geoml("prepare", "soc", raw_soc, "--points", "points.csv", "--json", "--quiet")
    assert done.code == 0, done.err
    funnel = json.loads(done.out)["funnel"]
    assert funnel["read"] == funnel["kept"] + sum(funnel["dropped"].values())
    again = geoml("prepare", "soc", raw_soc, "--points", "points.csv", "--json")
    assert json.loads(again.out)["fresh"] is False and "is up to date" in again.err
    assert geoml("train", "soc", "--preset", "map", *QUICK, "--quiet").code == 0
    done = geoml("evaluate", "soc", "--preset", "map", "--json", "--quiet", "--set", "evaluate.importance_repeats=0")
    assert done.code == 0, done.err
    scores = json.loads(done.out)["network"]["scores"]
    assert set(scores) == {"RMSE", "MAE", "R2", "bias", "CCC", "RPIQ"} and all(
        line.startswith("Warning: ") for line in done.err.splitlines()
    )
    assert geoml("predict", "soc", "--preset", "map", "--index", "60", "--json").code == 0
    done = geoml("export", "soc", "--preset", "map", "--format", "pt2", "--quiet", "--json")
    assert done.code == 0 and json.loads(done.out)[0]["difference"] <= json.loads(done.out)[0]["allowed"]


@pytest.mark.parametrize("words", ["predict soc --preset map --index 3", "predict soc --preset map --index 3 --json"])
def test_single_samples_need_torch_and_nothing_beside_it(place, words):
    heavy = "{'pandas', 'xarray', 'sklearn', 'scipy', 'matplotlib', 'rasterio', 'accelerate', 'netCDF4', 'numba'}"
    script = (
        f"import sys, atexit; heavy = {heavy}\n"
        "atexit.register(lambda: print('HEAVY', sorted(heavy & set(sys.modules)), file=sys.stderr))\n"
        "from geoml_cli.cli.app import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", script, *words.split()], capture_output=True, text=True, cwd=place)
    assert done.returncode == 0 and "HEAVY []" in done.stderr, done.stderr


def test_single_samples_are_those_of_the_file(geoml, place):
    one = json.loads(geoml("predict", "soc", "--preset", "map", "--index", "3", "--index", "0", "--json").out)
    done = geoml("predict", "soc", "--preset", "map", "--out", "all.csv", "--json", "--quiet")
    table = pd.read_csv("all.csv")
    assert [row["index"] for row in one] == [3, 0]
    for row in one:
        assert table["soc"][row["index"]] == pytest.approx(row["soc"], rel=1e-5)
        assert table["id"][row["index"]] == row["id"]
    said = json.loads(done.out)
    assert said["samples"] == len(table) and said["mean"] == pytest.approx(table["soc"].mean(), rel=1e-5)
    assert said["deviation"] == pytest.approx(table["soc"].std(ddof=0), rel=1e-5)


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".nc"])
def test_tables_carry_the_same_numbers(geoml, place, suffix):
    out = f"samples é{suffix}"
    assert geoml("predict", "soc", "--preset", "map", "--out", out, "--set", "predict.rows=100").code == 0
    assert geoml("predict", "soc", "--preset", "map", "--out", "one.csv").code == 0
    expected = pd.read_csv("one.csv", dtype={"id": str})
    if suffix == ".nc":
        with xarray.open_dataset(out) as opened:
            table = opened.to_dataframe()
            assert opened["soc"].attrs["units"] and opened.attrs["run_id"].startswith("soc/map/")
    else:
        table = pd.read_csv(out) if suffix == ".csv" else pd.read_parquet(out)
    for name in ("soc", "soc_ensemble_std", "lon", "soc_observed"):
        np.testing.assert_allclose(table[name], expected[name], rtol=1e-5, atol=1e-5)


def test_maps_in_every_format_agree(geoml, place):
    outs = ["map.tif", "map.nc", "map.zarr"]
    for out in outs:
        set_ = ("--set", "predict.block=48", "--set", "predict.page=false")
        done = geoml("predict", "soc", "--preset", "map", "--map", "--out", out, *set_, "--json")
        assert done.code == 0, done.err
    with rasterio.open("map.tif") as file:
        mean, spread, lower, upper, dissimilarity, applicable = file.read()
        assert set(file.dtypes) == {"float32"} and np.isnan(file.nodata)
        assert file.descriptions[2] == "soc lower 90 % [g kg-1]" and file.descriptions[5] == "area of applicability"
        assert file.tags(3)["long_name"].startswith("lower bound of the 90 % prediction interval of soc, split conform")
        assert "valid for a new" in file.tags()["intervals_soc"]
        assert file.profile["tiled"] and file.profile["compress"] == "deflate"
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert file.descriptions[0] == "soc [g kg-1]" and file.units[0] == "g kg-1"
        assert file.tags(1)["long_name"].startswith("soc, mean of 2 members")
        assert file.tags()["run_id"].startswith("soc/map/")
        transform, crs = file.transform, file.crs
        longitude, latitude = file.xy(10, 20)
    assert crs.to_epsg() == 4326 and transform.a > 0
    for out in outs[1:]:
        opened = xarray.open_zarr(out) if out.endswith("zarr") else xarray.open_dataset(out)
        with opened:
            np.testing.assert_array_equal(opened["soc"].values, mean)
            np.testing.assert_array_equal(opened["soc_ensemble_std"].values, spread)
            assert float(opened["lon"][20]) == pytest.approx(longitude) and float(opened["lat"][10]) == pytest.approx(
                latitude
            )
            assert opened["crs"].attrs["grid_mapping_name"] == "latitude_longitude"
            assert opened["soc"].attrs["units"] == "g kg-1"
    known = ~np.isnan(mean)
    assert (lower[known] < upper[known]).all() and np.isnan(lower[~known]).all() and np.isnan(applicable[~known]).all()
    assert set(np.unique(applicable[known])) <= {0, 1} and (dissimilarity[known] >= 0).all()
    said = json.loads(done.out)
    assert said["pixels"] == mean.size and said["missing"] == int(np.isnan(mean).sum()) > 0


def test_a_map_is_the_same_in_blocks_of_any_size_and_at_the_samples(geoml, place, data_root):
    for block in (16, 64):
        args = ("--map", "--out", f"{block}.tif", "--set", f"predict.block={block}", "--set", "predict.page=false")
        assert geoml("predict", "soc", "--preset", "map", *args).code == 0
    geoml("predict", "soc", "--preset", "map", "--out", "samples.csv")
    table = pd.read_csv("samples.csv")
    with rasterio.open("16.tif") as one, rasterio.open("64.tif") as other:
        np.testing.assert_allclose(one.read(), other.read(), rtol=1e-5, atol=1e-5)
        at = np.array(list(other.sample(zip(table["lon"], table["lat"], strict=True))))
    np.testing.assert_allclose(at[:, 0], table["soc"], rtol=1e-5)


def test_points_of_a_table_get_the_map_s_values_and_missing_ones_are_kept(geoml, place):
    geoml("predict", "soc", "--preset", "map", "--out", "samples.csv")
    table = pd.read_csv("samples.csv")
    points = pd.DataFrame(
        {
            "name": ["a", "b", "sea", "lost"],
            "lat": [*table["lat"][:2], 0.0, -9999.0],
            "long": [*table["lon"][:2], 0.0, table["lon"][0]],
        }
    )
    points.to_csv("points.csv", index=False, sep=";")
    done = geoml(
        "predict",
        "soc",
        "--preset",
        "map",
        "--table",
        "points.csv",
        "--out",
        "at.csv",
        "--json",
        "--set",
        "predict.rows=2",
    )
    assert done.code == 0, done.err
    found = pd.read_csv("at.csv")
    np.testing.assert_allclose(found["soc"][:2], table["soc"][:2], rtol=1e-5)
    assert found["soc"][2:].isna().all() and json.loads(done.out)["missing"] == 2
    assert found["reason"].fillna("").tolist() == ["", "", "outside the rasters", "no coordinates"]
    assert json.loads(done.out)["missing_by_reason"] == {"no coordinates": 1, "outside the rasters": 1}
    assert "Rows without a prediction: no coordinates: 1, outside the rasters: 1." in done.err


def test_values_that_cannot_be_are_told(geoml, place, monkeypatch):
    from geoml_cli.inference import engine

    geoml("predict", "soc", "--preset", "map", "--out", "samples.csv")
    values = pd.read_csv("samples.csv")["soc"]
    limit = float(values.sort_values().iloc[-3]) * (1 - 1e-6)
    monkeypatch.setattr(engine, "_limits", lambda trained, job: (None, limit))
    done = geoml("predict", "soc", "--preset", "map", "--out", "samples.csv")
    assert f"3 of {len(values)} samples are above" in done.err and "which what is predicted cannot be" in done.err
    assert pd.read_csv("samples.csv")["soc"].equals(values), "written as the network gives them"


def test_new_samples_are_predicted_where_their_data_set_is_named(geoml, place, tmp_path, data_root):
    """A network trained on one data set is there to predict others; scores of others would not be its test."""
    from geoml_cli.sources.soc.source import SOURCE

    (tmp_path / "new").mkdir()
    options = SOURCE.synthetic(tmp_path / "new", 9)
    classes = [part for name in options.classes for part in ("--classes", name)]
    assert geoml("prepare", "soc", "new", "--points", "points.csv", *classes, "--data", "other", "--quiet").code == 0
    done = geoml("predict", "soc", "--preset", "map", "--data", "other", "--out", "new.csv", "--json")
    assert done.code == 0, done.err
    observed = pd.read_csv("new.csv")["soc_observed"].to_numpy()
    np.testing.assert_array_equal(observed.astype(np.float32), Dataset(tmp_path / "other" / "soc").array("soc"))
    for verb in ("evaluate", "export"):
        refused = geoml(verb, "soc", "--preset", "map", "--data", "other")
        assert refused.code == 3 and "holds other data" in refused.err


def test_a_run_is_named_by_its_folder_or_is_the_newest_finished(geoml, place):
    folder = next((place / "runs/soc/map").iterdir())
    by_folder = geoml("predict", folder, "--index", "1", "--json").out
    assert by_folder == geoml("predict", "soc", "--preset", "map", "--index", "1", "--json").out
    newer = shutil.copytree(folder, folder.with_name("20990101-000000"))
    record = json.loads((newer / "run.json").read_text())
    record |= {"id": "soc/map/20990101-000000", "created": "2099-01-01T00:00:00+00:00"}
    (newer / "run.json").write_text(json.dumps(record))
    assert "20990101" in geoml("export", "soc", "--preset", "map", "--dry-run").out
    Run(newer).mark("fold-1", "interrupted")
    assert "20990101" not in geoml("export", "soc", "--preset", "map", "--dry-run").out


def test_a_member_that_is_not_trained_is_refused(geoml, place):
    folder = next((place / "runs/soc/map").iterdir())
    Run(folder).mark("fold-1", "interrupted")
    done = geoml("predict", folder, "--index", "1")
    assert done.code == 3 and f"not trained to the end: fold-1. Resume with `geoml train {folder}`" in done.err
    accepted = ("--set", "predict.out_of_range=1")  # the sample may be a test row beyond the member's training rows
    assert geoml("predict", folder, "--index", "1", "--member", "fold-2", *accepted).code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["evaluate", "soc", "--preset", "paper"], 3, "there is no finished run of soc with preset paper. Make one with `geoml train soc --preset paper`"),
        (["evaluate", "sco"], 2, "'sco' is neither a model nor a run's folder. Did you mean soc?"),
        (["predict", "."], 3, ".: is not a run (it has no run.json)"),
        (["predict", "soc", "--preset", "map", "--index", "100000"], 3, "there is no sample 100000, the data set holds"),
        (["predict", "soc", "--preset", "map", "--index", "1", "--map"], 2, "choose one of --index and --map"),
        (["predict", "soc", "--preset", "map", "--out", "x.xlsx"], 2, "x.xlsx: .xlsx is not a table format. Use .csv, .nc, .parquet"),
        (["predict", "soc", "--preset", "map", "--map", "--out", "x.csv"], 2, ".csv is not a map format. Use .nc, .tif, .tiff, .zarr"),
        (["predict", "soc", "--preset", "map", "--map", "--rasters", "nowhere"], 3, "nowhere"),
        (["predict", "soc", "--preset", "map", "--table", "nowhere.csv"], 3, "nowhere.csv"),
        (["predict", "soc", "--preset", "map", "--set", "train.lr=1"], 2, "Here only [predict] and [data] can be set"),
        (["export", "soc", "--preset", "map", "--format", "onx"], 2, "'onx' is not a format. Did you mean onnx?"),
        (["export", "soc", "--preset", "map", "--member", "fold-7"], 2, "'fold-7' is not a member of run"),
        (["train", "soc", "--data", "nowhere"], 3, "nowhere/soc: no prepared data set here. Make it with `geoml prepare soc RAW --data nowhere`"),
        (["train", "soc", "--resume"], 3, "there is no unfinished run of soc with preset paper"),
        (["train", "soc", "--resume", "--set", "train.lr=1"], 3, "there is no unfinished run of soc with preset paper"),
        (["train", "soc", "--preset", "paper"], 3, "brings no splits of its own. Name a column of folds with split.fold_column, or use --set split.kind=random"),
        (["train", "soc", "--preset", "map", "--gpus", "64"], 2, "64 GPUs are asked for, "),
        (["train", "soc", "--preset", "map", "--gpus", "2", "--cpu"], 2, "--gpus goes with neither --processes nor --cpu"),
        (["train", "soc", "--preset", "map", "--member", "fold-1-sed-1"], 2, "'fold-1-sed-1' is not a member. Did you mean fold-1-seed-1?"),
        (["train", "soc", "--preset", "map", "--set", "network.series=evi", "--set", "network.variant=lsmt"], 2, "variant = 'lsmt'"),
        (["prepare", "sok", "."], 2, "'sok' is not a source. Did you mean soc?"),
        (["prepare", "soc", "nowhere"], 3, "nowhere: there is no such file or folder"),
        (["prepare", "soc", "."], 3, "."),
        (["prepare", "soc", ".", "--window", "4"], 2, "--window 4: must be odd"),
        (["import", "soc", "nowhere.pth"], 3, "nowhere.pth: there is no such file"),
        (["preset", "show", "soc", "papr"], 2, "'papr' is not a preset of soc. Did you mean paper?"),
        (["--nonsense"], 2, "No such option"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_a_mistake_is_said_with_its_exit_code(geoml, place, arguments, code, message):
    before = sorted(place.rglob("*"))
    done = geoml(*arguments)
    assert done.code == code, done.err
    assert message in done.err and "Traceback" not in done.err and not done.out
    assert sorted(place.rglob("*")) == before, "a mistake leaves nothing behind"


DRY = [
    ["prepare", "soc", "RAW", "--points", "points.csv"],
    ["train", "soc", "--preset", "map"],
    ["evaluate", "soc", "--preset", "map"],
    ["predict", "soc", "--preset", "map", "--map"],
    ["export", "soc", "--preset", "map"],
    ["demo"],
]


@pytest.mark.parametrize("arguments", DRY, ids=" ".join)
def test_a_dry_run_says_what_it_would_do_and_does_nothing(geoml, place, raw_soc, arguments):
    before = {path: path.stat().st_mtime_ns for path in place.rglob("*")}
    done = geoml(*[raw_soc if part == "RAW" else part for part in arguments], "--dry-run")
    assert done.code == 0 and "would write  " in done.out
    assert not [line for line in done.err.splitlines() if not line.startswith("Run: ")]
    assert {path: path.stat().st_mtime_ns for path in place.rglob("*")} == before


def test_a_dry_run_of_training_names_the_members_for_a_batch_array(geoml, place):
    lines = geoml("train", "soc", "--preset", "map", "--set", "split.seeds=[1]", "--dry-run").out.splitlines()
    assert [line.split()[-1] for line in lines if "--member" in line] == [f"fold-{k}" for k in range(1, 6)]


def test_lists(geoml, place):
    loaded = json.loads(geoml("list", "--json").out)
    assert {"models", "presets", "sources", "runs"} == set(loaded)
    assert "soc" in [row["model"] for row in loaded["models"]]
    assert {"map", "paper"} <= {row["preset"] for row in loaded["presets"] if row["model"] == "soc"}
    assert loaded["runs"][0]["status"] == "finished" and loaded["runs"][0]["members"] == "2/2"
    assert next(row for row in loaded["sources"] if row["source"] == "soc")["prepared in"]
    assert json.loads(geoml("list", "presets", "--json").out) == loaded["presets"]
    assert "20260101-000000" in geoml("list", "runs").out


def test_presets_are_shown_with_origins_and_differences(geoml):
    loaded = json.loads(geoml("preset", "show", "soc", "map", "--set", "train.lr=0.5", "--json").out)
    assert loaded["train.lr"] == {"value": 0.5, "from": "--set train.lr"}
    assert loaded["split.folds"]["from"].startswith("presets/soc/map.toml:")
    assert loaded["train.clip_norm"] == {"value": None, "from": "default"}
    differ = json.loads(geoml("preset", "diff", "soc", "paper", "map", "--json").out)
    assert differ["split.kind"] == ["given", "blocks"] and "train.betas" not in differ
    shown = geoml("preset", "show", "soc", "map").out
    assert "[split]" in shown and 'variant = "cnn"' in shown


def test_what_is_shown_can_be_trained_again(geoml, place):
    folder = next((place / "runs/soc/map").iterdir())
    for arguments in (["--preset", folder / "config.toml"], ["--preset", "map", "--config", folder / "config.toml"]):
        done = geoml("train", "soc", *arguments, "--dry-run")
        assert done.code == 0 and "--member fold-2" in done.out, done.err


def test_doctor_knows_every_extra_and_its_packages(geoml):
    """As the project's requirements have them, but for tests and docs."""
    import tomli
    from packaging.requirements import Requirement

    from geoml_cli.cli.doctor import EXTRAS

    given = tomli.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    expected = {
        extra: {Requirement(text).name.replace("-", "_") for text in texts}
        for extra, texts in given.items()
        if extra not in {"all", "docs", "test"}
    }
    assert {extra: set(packages) for extra, packages in EXTRAS.items()} == {
        **expected,
        "dask": {*expected["dask"], "distributed"},
    }
    assert {row["item"] for row in json.loads(geoml("doctor", "--json").out)} >= {f"extra {extra}" for extra in EXTRAS}


def test_doctor_names_what_is_missing_and_the_line_that_mends_it(geoml):
    rows = {row["item"]: row for row in json.loads(geoml("doctor", "--json").out)}
    assert rows["torch"]["state"] and rows["extra raster"]["state"].startswith("rasterio")
    assert rows["geomamba fused"]["state"] == rows["geomamba torch"]["state"] == "works"
    for row in rows.values():
        if "missing:" in row["fix"]:
            assert "pip install 'geoml[" in row["fix"]


@pytest.mark.parametrize("failing", [(), ("LSTM",)])
def test_doctor_says_which_layers_run_in_which_precision(geoml, monkeypatch, failing):
    from geoml_cli.training import precision

    def reasons(device, name):
        kinds = ("Linear", "Conv1d", "Conv2d", "LSTM")
        return {kind: "no kernel" if kind in failing and name != "fp32" else "" for kind in kinds}

    monkeypatch.setattr(precision, "layer_reasons", reasons)
    rows = {row["item"]: row for row in json.loads(geoml("doctor", "--json").out)}
    assert rows["precision fp32, cpu"] == {
        "item": "precision fp32, cpu",
        "state": "works (Linear, Conv1d, Conv2d, LSTM)",
        "fix": "",
    }
    assert rows["precision fp16, cpu"]["state"] == "fp16 needs a GPU." and rows["precision fp16, cpu"]["fix"]
    bf16 = rows["precision bf16, cpu"]
    if failing:
        assert bf16["state"] == "works (Linear, Conv1d, Conv2d); in float32: LSTM (no kernel)"
        assert "LSTM layers run in float32 in a bf16 run" in bf16["fix"] and "train.precision=fp32" in bf16["fix"]
    else:
        assert bf16["state"] == "works (Linear, Conv1d, Conv2d, LSTM)" and not bf16["fix"]


def test_the_version_is_printed(geoml):
    from geoml_cli.version import __version__

    assert geoml("--version").out.strip() == __version__


def test_an_export_that_differs_ends_with_4_and_keeps_nothing(geoml, place, monkeypatch):
    from dataclasses import replace

    from geoml_cli.exporters import safetensors

    spoilt = replace(
        safetensors.EXPORTER,
        open=lambda path, network: (
            lambda inputs: [part + 1 for part in safetensors.open_weights(path, network)(inputs)]
        ),
    )
    monkeypatch.setattr(safetensors, "EXPORTER", spoilt)
    done = geoml("export", "soc", "--preset", "map", "--format", "safetensors")
    assert done.code == 4 and "safetensors: differs from the network by 1" in done.err
    assert not list((next((place / "runs/soc/map").iterdir()) / "export").iterdir())


@pytest.mark.slow
def test_onnx_runs_elsewhere_on_physical_values(geoml, place, data_root):
    import onnxruntime

    from geoml_cli.dataset.store import Dataset

    assert geoml("export", "soc", "--preset", "map", "--format", "onnx", "--quiet").code == 0
    folder = next((place / "runs/soc/map").iterdir())
    session = onnxruntime.InferenceSession(str(folder / "export/soc.onnx"))
    assert [item.name for item in session.get_inputs()] == ["static"]
    assert [item.name for item in session.get_outputs()] == ["soc", "soc_ensemble_std"]
    static = np.array(Dataset(data_root / "soc").array("static")[:7])
    found = session.run(None, {"static": static})
    geoml("predict", "soc", "--preset", "map", "--out", "samples.csv")
    table = pd.read_csv("samples.csv")
    np.testing.assert_allclose(found[0], table["soc"][:7], rtol=1e-4)
    np.testing.assert_allclose(found[1], table["soc_ensemble_std"][:7], rtol=1e-3, atol=1e-5)
    card = (folder / "export/soc.md").read_text()
    assert "`static` float32 [sample, " in card and "soc.onnx" in card and "Not evaluated yet" in card


FULL = """
import resource, sys
sys.dont_write_bytecode = True  # it would be cut short for those who come after
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))  # no file may grow larger
sys.argv = ["geoml", *sys.argv[2:]]
from geoml_cli.cli.app import main
main()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("room", "arguments", "left"),
    [
        (100_000, ["prepare", "soc", "RAW", "--points", "points.csv"], "other/soc/*"),
        (10_000, ["predict", "soc", "--preset", "map", "--map", "--out", "x.tif"], "x.tif"),
        (100_000, ["predict", "soc", "--preset", "map", "--map", "--out", "x.tif"], "x.tif"),
        (4_000, ["predict", "soc", "--preset", "map", "--out", "x.csv"], "x.csv"),
        (9_000, ["predict", "soc", "--preset", "map", "--out", "x.nc"], "x.nc"),
        (4_000, ["export", "soc", "--preset", "map", "--format", "safetensors"], "runs/soc/map/*/export/*"),
        (9_000, ["train", "soc", "--preset", "map", *QUICK, "--run", "fresh"], "fresh/members/*/checkpoints/*"),
    ],
)
def test_a_full_disk_is_said_and_leaves_nothing_half_written(place, raw_soc, data_root, room, arguments, left):
    own = {**os.environ, "GEOML_DATA": str(place / "other" if arguments[0] == "prepare" else data_root)}
    own.pop("GEOML_DEBUG")  # the message is the last line without it
    given = [str(raw_soc) if part == "RAW" else part for part in arguments]
    done = subprocess.run([sys.executable, "-c", FULL, str(room), *given], env=own, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    last = done.stderr.splitlines()[-1]
    assert "could not be written (" in last and "Free some space or choose another place" in last, done.stderr
    assert not list(place.glob(left))
    assert not list(place.rglob("*.tmp*"))


def test_a_run_folder_in_place_of_a_model_is_resumed(geoml, data_root, tmp_path):
    run, given = tmp_path / "run", ("--data", data_root, "--quiet")
    assert geoml("train", "soc", "--preset", "map", *QUICK, "--run", run, "--member", "fold-1", *given).code == 0
    assert json.loads((run / "run.json").read_text())["status"] == "interrupted"
    done = geoml("train", run, *given, "--json")
    assert done.code == 0 and json.loads(done.out)["status"] == "finished"
    assert geoml("train", run, "--set", "train.lr=1", *given).code == 2
    told = geoml("train", run, "--run", tmp_path / "other", *given)
    assert told.code == 2 and "--run goes with a model, not with a run's folder. Leave it out." in told.err
    told = geoml("train", tmp_path, *given)
    assert told.code == 3 and "is not a run (it has no run.json)" in told.err
    (tmp_path / "begun").mkdir()  # as a full disk leaves it
    told = geoml("train", "soc", "--run", tmp_path / "begun", "--resume", *given)
    assert told.code == 3 and "holds no run to resume (it has no run.json). To begin one there, leave out" in told.err
    assert geoml("train", "soc", "--preset", "map", *QUICK, "--run", tmp_path / "begun", "--dry-run", *given).code == 0


@pytest.mark.parametrize("out", ["covs/height.tif", "covs/new.tif", "places.csv"])
def test_a_prediction_is_not_written_over_or_among_its_inputs(out, trained, data_root, raw_soc, geoml, tmp_path):
    covs = shutil.copytree(raw_soc / "covs", tmp_path / "covs")
    shutil.copy(raw_soc / "points.csv", tmp_path / "places.csv")
    before = {path: path.read_bytes() for path in (*covs.iterdir(), tmp_path / "places.csv")}
    given = ("--map", "--rasters", covs) if out.startswith("covs") else ("--table", tmp_path / "places.csv")
    for more in ((), ("--dry-run",)):
        refused = geoml("predict", trained, "--data", data_root, *given, "--out", tmp_path / out, *more)
        assert refused.code == 2 and "over or among what is read" in refused.err
    assert {path: path.read_bytes() for path in (*covs.iterdir(), tmp_path / "places.csv")} == before


def test_training_names_what_has_no_effect(geoml, place):
    told = geoml("train", "soc", "--preset", "map", "--set", "split.test=0.3", "--dry-run")
    assert told.code == 0 and "[split] test = 0.3 has no effect: folds = 5 test every row in turn." in " ".join(
        told.err.split()
    )


def test_a_path_above_a_table_is_one_word(geoml, raw_soc, tmp_path):
    folder = tmp_path / ("a-long-name-of-a-folder-" * 4)
    done = geoml("prepare", "soc", raw_soc, "--points", "points.csv", "--data", folder)
    assert done.code == 0 and f"soc in {folder / 'soc'}\n" in done.out, done.out


def test_what_a_preparation_has_said_is_no_note_again(geoml, raw_soc, tmp_path):
    """Of a data set that stands there, all notes are said."""
    for again in (False, True):
        told = geoml("prepare", "soc", raw_soc, "--data", tmp_path, "--classes", "land_cover").err
        unit = [line for line in told.splitlines() if "the unit of soc is taken as g kg-1" in line]
        assert len(unit) == 1 and unit[0].startswith("Note: ") == again, told


def test_a_refused_evaluation_leaves_the_last_one(trained, data_root, geoml, tmp_path):
    """What is handed on is found by metrics.json: without it `bundle` says that there is no evaluation."""
    run = shutil.copytree(trained, tmp_path / "run")
    given = ("evaluate", run, "--data", data_root, "--set", "evaluate.importance_repeats=0", "--set")
    assert geoml(*given, "evaluate.baselines=[]").code == 0
    before = (run / "evaluation/test/metrics.json").read_bytes()
    for refused in ('evaluate.baselines=["nope"]', 'evaluate.runs=["other"]'):
        assert geoml(*given, refused).code == 2
        assert (run / "evaluation/test/metrics.json").read_bytes() == before
