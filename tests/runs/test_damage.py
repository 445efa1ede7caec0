"""Files of a run that were damaged or lost: refused, with the file's name, never passed over."""

import errno
import json
import os
import shutil
from dataclasses import replace

import pytest
import torch

from geoml_cli.errors import DataError
from geoml_cli.inference.load import open_trained
from geoml_cli.runs import checkpoint
from geoml_cli.runs.run import Run


@pytest.fixture
def run(trained, tmp_path):
    """Give a copy of a trained run."""
    return Run(shutil.copytree(trained, tmp_path / "run"))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"source": "so'])
def test_damaged_records_are_named(run, content):
    [member, *_] = run.members()
    for path, read in (
        (run.folder / "data.json", run.data),
        (run.member(member).scaling, lambda: run.scaling(member)),
    ):
        path.write_text(content)
        with pytest.raises(DataError, match=r"missing or damaged") as caught:
            read()
        assert caught.value.where == str(path)


def test_a_data_record_that_says_something_else_is_damaged_and_a_data_set_may_move(run):
    path = run.folder / "data.json"
    written = json.loads(path.read_text())
    path.write_text(json.dumps(written | {"folder": "elsewhere"}))
    assert run.data().folder == "elsewhere"
    path.write_text(json.dumps(written | {"units": {"depth": "furlong"}}))
    with pytest.raises(DataError, match=r"is damaged \(its checksum differs\)") as caught:
        run.data()
    assert caught.value.where == str(path)
    record = json.loads((run.folder / "run.json").read_text())
    del record["data"]  # a run of an earlier version
    (run.folder / "run.json").write_text(json.dumps(record))
    assert run.data().units == {"depth": "furlong"}


def test_a_checkpoint_without_its_record_is_damaged_not_absent(run):
    [member, *_] = run.members()
    files = run.member(member).checkpoint("last")
    assert checkpoint.recover(files)
    files.meta.unlink()
    assert checkpoint.recover(files)
    with pytest.raises(DataError, match="cannot be read"):
        checkpoint.read(files)


def test_a_checkpoint_that_may_not_be_read_is_not_damaged(run, monkeypatch):
    [member, *_] = run.members()
    files = run.member(member).checkpoint("best")

    def refuse(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(checkpoint, "sha256", refuse)  # root may read everything
    with pytest.raises(DataError, match="may not be read: permission denied") as caught:
        checkpoint.read(files)
    assert caught.value.where == str(files.weights)
    assert caught.value.fix == "Its owner lets others read the run with `chmod -R go+rX RUN`."


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_its_remedy_works(run):
    [member, *_] = run.members()
    files = run.member(member).checkpoint("best")
    files.weights.chmod(0)
    with pytest.raises(DataError, match="may not be read: permission denied"):
        checkpoint.read(files)
    files.weights.chmod(0o644)
    assert checkpoint.read(files).weights


def test_a_member_named_twice_is_one(run):
    [member, *_] = run.members()
    assert open_trained(run, [member, member]).members == (member,)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00}", b'{"x": 1}\n', b"[1]}\n"])
def test_a_damaged_history_is_named_and_may_be_deleted(run, content):
    [member, *_] = run.members()
    path = run.member(member).history
    path.write_bytes(content)
    with pytest.raises(DataError, match="is damaged") as caught:
        run.history(member)
    assert caught.value.where == str(path)
    path.unlink()
    assert run.history(member) == []


@pytest.mark.parametrize("rows", ["[-1]", "[[1]]", '"a"', "null"])
def test_a_damaged_split_is_named(run, rows):
    [member, *_] = run.members()
    path = run.member(member).split
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "test": json.loads(rows)}))
    with pytest.raises(DataError, match="missing or damaged"):
        run.split(member)


def test_weights_of_another_network_are_refused(run):
    [member, *_] = run.members()
    best = run.member(member).checkpoint("best")
    checkpoint.write(replace(checkpoint.read(best), weights={"other": torch.zeros(3)}), best)
    with pytest.raises(DataError, match="of another network"):
        open_trained(run, [member]).load_network(member)


@pytest.mark.parametrize("content", ["{}", "[]", '{"optimiser": {}, "counters": {"nope": 1}}'])
def test_a_damaged_record_of_a_checkpoint_is_refused(geoml, run, data_root, content):
    [member, *_] = run.members()
    run.member(member).checkpoint("last").meta.write_text(content)
    run.mark(member, "interrupted")
    result = geoml("train", run.folder, "--data", data_root / "soc", "--cpu", "-q")
    assert result.code == 3
    assert "checkpoint" in result.err


def test_an_older_layout_is_told_whatever_keys_it_holds(run):
    path = run.folder / "run.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "layout": 1, "kind": "x"}))
    with pytest.raises(DataError, match="is a run folder of layout 1"):
        Run(run.folder)
    path.write_text(json.dumps({**record, "members": {}}))
    with pytest.raises(DataError, match="is damaged"):
        Run(run.folder)
