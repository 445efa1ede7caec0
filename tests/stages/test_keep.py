"""`prepare --keep`: a data set that runs were trained on is not replaced."""

from __future__ import annotations

import json
import shutil

import pytest

from geoml_cli import registry
from geoml_cli.dataset import store
from geoml_cli.dataset.store import Dataset, check_content
from geoml_cli.errors import DataError
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.work.reporting import NullReporter


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept")
    options = registry.source("soc").synthetic(folder / "raw", 3)
    raw = Raw("soc", folder / "raw", options)
    assert prepare(raw, folder / "data", NullReporter(), keep=True).fresh, "there is nothing to keep yet"
    return raw, folder / "data"


def test_a_data_set_of_another_version_is_kept(made, tmp_path):
    raw, folder = made[0], tmp_path / "data"
    shutil.copytree(made[1], folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"geoml_version": "0.0.1"}))
    before = (folder / "dataset.nc").stat().st_ino
    kept = prepare(raw, folder, NullReporter(), keep=True)
    assert not kept.fresh and kept.manifest.geoml_version == "0.0.1" and (folder / "dataset.nc").stat().st_ino == before
    assert prepare(raw, folder, NullReporter()).fresh


def test_one_of_other_options_is_refused(made):
    raw, folder = made
    before = (folder / "manifest.json").read_bytes()
    other = Raw("soc", raw.path, raw.options.model_copy(update={"window": 7}))
    with pytest.raises(DataError, match=r"data: its data set is to be kept, and was made from others \(--window\)"):
        prepare(other, folder, NullReporter(), keep=True)
    assert (folder / "manifest.json").read_bytes() == before
    # The remedy: the options that made it, or another folder.
    assert not prepare(raw, folder, NullReporter(), keep=True).fresh
    assert prepare(other, folder.with_name("another"), NullReporter(), keep=True).fresh


def _removed(path):
    path.unlink()


def _emptied(path):
    path.write_bytes(b"")


def _cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _changed(path):
    import h5py

    with h5py.File(path, "a") as file:
        file["lon"][0] += 1


@pytest.mark.parametrize("kind", [KeyError, RuntimeError, OSError, ValueError])
def test_damage_that_h5py_finds_late_is_refused(made, monkeypatch, kind):
    """A flipped bit may show when a part is read, and by errors of many kinds."""

    def damaged(variable):
        raise kind("Unable to synchronously open object (incorrect metadata checksum)")

    monkeypatch.setattr(store, "_parts", damaged)
    with pytest.raises(
        DataError, match=r"dataset\.nc: cannot be read as NetCDF-4 .*Prepare the data set again with --f"
    ):
        check_content(Dataset(made[1]))


def test_a_data_set_that_is_replaced_is_told(made, tmp_path, monkeypatch):
    """Runs that were trained on it refuse the new one."""
    told = []
    monkeypatch.setattr(NullReporter, "info", lambda self, text: told.append(text))
    raw, folder = made[0], shutil.copytree(made[1], tmp_path / "soc")
    other = Raw("soc", shutil.copytree(raw.path, tmp_path / "raw"), raw.options)
    [table] = other.path.glob("*.csv")
    table.write_text("\n".join(table.read_text().splitlines()[:-3]) + "\n")
    assert prepare(other, folder, NullReporter()).fresh
    assert [text for text in told if "replaced" in text] == [
        f"{folder} had a data set made from others ({table.name}): it is replaced."
    ]
    told.clear()
    prepare(other, folder, NullReporter(), force=True)
    assert not [text for text in told if "replaced" in text]


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("harm", [_removed, _emptied, _cut, _changed])
def test_a_data_set_whose_values_are_lost_is_not_up_to_date(made, tmp_path, geoml, harm, keep):
    raw, folder = made[0], tmp_path / "data"
    shutil.copytree(made[1], folder)
    harm(folder / "dataset.nc")
    with pytest.raises(DataError, match=r"dataset\.nc: .*Prepare the data set again with --force"):
        check_content(Dataset(folder))
    reporter = NullReporter()
    done = prepare(raw, folder, reporter, keep=keep)
    assert done.fresh and "The data set is made again." in reporter.warned[0]
    check_content(Dataset(folder))
    assert not prepare(raw, folder, NullReporter(), keep=keep).fresh


def test_keeping_and_forcing_exclude_each_other(geoml, made):
    done = geoml("prepare", "soc", made[0].path, "--keep", "--force")
    assert done.code == 2 and "--keep: --force replaces what --keep keeps. Leave one of them out." in done.err
