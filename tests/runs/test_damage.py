"""Files of a run that were damaged or lost: refused, with the file's name, never passed over."""

import shutil

import pytest

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


def test_a_checkpoint_without_its_record_is_damaged_not_absent(run):
    [member, *_] = run.members()
    files = run.member(member).checkpoint("last")
    assert checkpoint.recover(files)
    files.meta.unlink()
    assert checkpoint.recover(files)
    with pytest.raises(DataError, match="cannot be read"):
        checkpoint.read(files)


def test_a_member_named_twice_is_one(run):
    [member, *_] = run.members()
    assert open_trained(run, [member, member]).members == (member,)
