"""Errors of commands as scripts read them: exit codes, one JSON document, which run was meant."""

from __future__ import annotations

import errno
import importlib
import json
import os
import py_compile
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from geoml_cli.cli import app


@pytest.mark.parametrize(
    ("arguments", "code", "what"),
    [
        (("evaluate", "--json"), 2, "Missing argument"),
        (("train", "soc", "--nope", "--json"), 2, "No such option: --nope"),
        (("train", "sok", "--json"), 2, "'sok' is neither a model nor a run's folder."),
        (("train", "soc", "--data", "nothing", "--json"), 3, "no prepared data set here"),
        (("train", "soc", "--run", "", "--json"), 2, "an empty text stands where a value is meant"),
        (("evaluate", " ", "--json"), 2, "an empty text"),
        (("train", "soc", "--preset=", "--json"), 2, "an empty text"),
    ],
)
def test_an_error_is_one_json_document(geoml, monkeypatch, tmp_path, arguments, code, what):
    monkeypatch.chdir(tmp_path)
    done = geoml(*arguments)
    error = json.loads(done.out)["error"]
    assert done.code == error["exit"] == code and what in error["what"]
    assert set(error) == {"what", "where", "fix", "exit"} and error["fix"]
    assert what in done.err


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no file that is always full")
@pytest.mark.parametrize(("arguments", "code"), [(("list", "presets", "--json"), 1), (("list", "--nope", "--json"), 2)])
def test_a_full_stdout_is_told_in_a_line(arguments, code):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "geoml_cli", *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == code and "Traceback" not in done.stderr
    assert ("No space left" in done.stderr) == (code == 1)


def test_what_may_not_be_read_ends_with_3(geoml, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.json").write_text("{}")
    (folder / "run.json").chmod(0)
    assert geoml("evaluate", folder).code == 3


def test_a_folder_that_may_not_be_written_to_is_named_where_its_file_is_not_there(tmp_path):
    error = app._system(PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "new" / "run")))
    assert error.fix == f"Change the permissions of {tmp_path}, or choose another place."
    assert app._system(PermissionError(errno.EACCES, "Permission denied", str(tmp_path))).fix.startswith("Change its")


def test_a_dry_run_without_the_gpus_says_so(geoml, data_root, monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    done = geoml("train", "soc", "--data", data_root / "soc", "--dry-run", "--gpus", "4")
    assert done.code == 2 and "GPU" in done.err


def test_a_model_means_its_newest_run_of_any_preset(geoml, trained, data_root, tmp_path, monkeypatch):
    from geoml_cli.runs.run import Run

    root = tmp_path / "runs"
    shutil.copytree(trained, root / "soc" / "map" / "20260101-000000")
    newer = shutil.copytree(trained, root / "soc" / "mine" / "20250101-000000")
    with Run(newer).changing() as record:
        record.created, record.preset = "2026-01-01T00:00:00+00:00", "mine"
    with Run(root / "soc" / "map" / "20260101-000000").changing() as record:
        record.created = "2026-01-01T05:00:00+09:00"  # four hours earlier
    monkeypatch.setenv("GEOML_RUNS", str(root))
    done = geoml("predict", "soc", "--data", data_root / "soc", "--index", "0", "--json")
    assert done.code == 0 and json.loads(done.out)[0]["run"] == str(newer)
    assert done.err.splitlines()[0] == f"Run: {newer} (preset mine)"
    monkeypatch.setenv("GEOML_RUNS", str(tmp_path))
    none = geoml("predict", "soc", "--data", data_root / "soc", "--index", "0")
    assert none.code == 3 and "there is no finished run of soc." in none.err
    assert "Make one with `geoml train soc`." in none.err


def test_a_run_given_with_its_model_is_told_to_stand_alone(geoml, trained, tmp_path):
    for verb, model in (("evaluate", "soc"), ("predict", "soc"), ("export", "soc")):
        refused = geoml(verb, model, trained)
        assert refused.code == 2
        assert f"A run's folder stands for its model too: geoml {verb} {trained}." in " ".join(refused.err.split())
    assert "too" not in geoml("evaluate", "soc", tmp_path).err


def test_a_table_is_described_beside_it(geoml, trained, data_root, tmp_path):
    out = tmp_path / "x.csv"
    assert geoml("predict", trained, "--data", data_root / "soc", "--out", out).code == 0
    about = json.loads((tmp_path / "x.csv-metadata.json").read_text(encoding="utf-8"))
    header = out.read_text(encoding="utf-8").splitlines()[0].split(",")
    assert [column["name"] for column in about["tableSchema"]["columns"]] == header
    assert {"name": "soc", "unit": "g kg-1"}.items() <= about["tableSchema"]["columns"][header.index("soc")].items()
    assert about["url"] == "x.csv" and about["run_id"].endswith(trained.name)


@pytest.mark.parametrize(
    ("free", "code", "what"), [(0, 1, "No space left on device."), (1 << 30, 3, "Permission denied.")]
)
def test_a_file_that_a_full_disk_has_no_room_to_create_is_no_matter_of_permissions(
    monkeypatch, tmp_path, capsys, free, code, what
):
    """HDF5 says so of either."""

    def fail(*words, **options):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(tmp_path / "new" / "dataset.nc"))

    monkeypatch.setattr(app, "app", fail)
    monkeypatch.setattr(sys, "argv", ["geoml", "list"])
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=free))
    with pytest.raises(SystemExit) as ended:
        app.main()
    told = capsys.readouterr().err
    assert ended.value.code == code and f"{tmp_path / 'new' / 'dataset.nc'}: {what}" in told
    assert ("Free some space" in told) == (code == 1)


def test_a_file_that_may_not_be_read_is_no_matter_of_a_full_disk(monkeypatch, tmp_path, capsys):
    (tmp_path / "table.csv").write_text("x")

    def fail(*words, **options):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(tmp_path / "table.csv"))

    monkeypatch.setattr(app, "app", fail)
    monkeypatch.setattr(sys, "argv", ["geoml", "list"])
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=0))
    with pytest.raises(SystemExit) as ended:
        app.main()
    assert ended.value.code == 3 and "Change its permissions" in capsys.readouterr().err


def test_an_unexpected_error_is_shown_in_a_line(monkeypatch, capsys):
    """PyTorch's exporter gives a page, with paths of the machine."""
    monkeypatch.delenv("GEOML_DEBUG")

    def fail(*words, **options):
        raise RuntimeError("what it was\n" + "\n".join(f"  File {number}" for number in range(500)))

    monkeypatch.setattr(app, "app", fail)
    monkeypatch.setattr(sys, "argv", ["geoml", "list"])
    with pytest.raises(SystemExit) as ended:
        app.main()
    told = capsys.readouterr().err
    assert ended.value.code == 1 and told.startswith("geoml: unexpected RuntimeError: what it was File 0 File 1")
    assert " .... This is a bug in geoml. Set GEOML_DEBUG=1 to see where" in told and len(told) < 500


def test_a_compiled_file_that_a_full_disk_cut_short_is_named_and_may_be_removed(tmp_path, monkeypatch, capsys):
    """Python writes one the first time that a module is used, and does not look whether all of it was written."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("GEOML_DEBUG")
    (tmp_path / "cut_short.py").write_text("VALUES = [1, 2, 3]\n")
    compiled = Path(py_compile.compile(str(tmp_path / "cut_short.py"), doraise=True))
    compiled.write_bytes(compiled.read_bytes()[:60])

    def import_it(*words, **options):
        try:
            return importlib.import_module("cut_short")
        except EOFError as error:
            raise RuntimeError from error  # as typer does, without words

    monkeypatch.setattr(app, "app", import_it)
    monkeypatch.setattr(sys, "argv", ["geoml", "list"])
    with pytest.raises(SystemExit) as ended:
        app.main()
    assert ended.value.code == 1
    assert f"geoml: {compiled}: a file that Python compiled ends too early" in capsys.readouterr().err
    compiled.unlink()
    assert import_it().VALUES == [1, 2, 3]
