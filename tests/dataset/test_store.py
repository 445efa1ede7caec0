from __future__ import annotations

import numpy as np
import pytest
import xarray

from geoml_cli.dataset.files import atomic_write, write_text
from geoml_cli.dataset.manifest import Funnel, Manifest
from geoml_cli.dataset.store import Dataset, DatasetWriter
from geoml_cli.dataset.variables import Variable
from geoml_cli.errors import DataError, DiskError


@pytest.fixture
def folder(tmp_path):
    with DatasetWriter(tmp_path) as writer:
        writer.dimension("sample", 3)
        writer.dimension("year", 2)
        writer.attributes(title="A test")
        handle = writer.declare(Variable("evi", "1", "vegetation index", ("sample", "year")))
        handle[0:2] = [[0.25, 0.5], [np.nan, 1]]
        handle[2] = [2, 3]
        writer.put(Variable("id", "1", "name", ("sample",), dtype="str"), ["a", "Ohrid é", "c"])
        writer.put(Variable("year", "1", "year", ("year",), dtype="i4"), np.array([2001, 2002]))
    manifest = Manifest(
        source="soc", layout="samples", options={}, geoml_version="1", raw="x", files=(),
        variables=writer.records, funnel=Funnel(read=3, kept=3),
    )  # fmt: skip
    manifest.write(tmp_path)
    return tmp_path


def test_what_is_written_is_read(folder):
    found = Dataset(folder)
    np.testing.assert_array_equal(found.array("evi"), np.array([[0.25, 0.5], [np.nan, 1], [2, 3]], dtype=np.float32))
    assert found.array("evi").dtype == np.float32
    assert isinstance(found.array("evi"), np.memmap), "numbers are read through the page cache, not into memory"
    assert found.labels("id") == ["a", "Ohrid é", "c"]
    assert found.array("year").tolist() == [2001, 2002]
    assert found.unit("evi") == "1" and found.has("id") and not found.has("soc")


def test_what_the_disk_has_no_room_for_is_not_begun(tmp_path):
    with pytest.raises(DiskError, match=r"about 8000000000 MiB are needed"), DatasetWriter(tmp_path) as writer:
        writer.dimension("sample", 10**9)
        writer.dimension("month", 2**20)
        writer.declare(Variable("evi", "1", "vegetation index", ("sample", "month"), dtype="f8"))


def test_it_opens_in_xarray_with_its_attributes(folder):
    with xarray.open_dataset(folder / "dataset.nc") as opened:
        assert opened.attrs["Conventions"] == "CF-1.11" and opened.attrs["title"] == "A test"
        assert opened["evi"].attrs == {"long_name": "vegetation index", "units": "1"}
        assert bool(np.isnan(opened["evi"][1, 0])) and np.isnan(opened["evi"].encoding["_FillValue"])


@pytest.mark.parametrize("dimension_first", [True, False])
def test_a_variable_that_a_dimension_would_hide_is_a_bug_of_its_source(dimension_first, tmp_path):
    variable, values = Variable("category", "1", "land cover", ("sample",), dtype="i2"), np.array([1, 2])
    with pytest.raises(AssertionError, match="category has the name of a dimension"), DatasetWriter(tmp_path) as writer:
        writer.dimension("sample", 2)
        if dimension_first:
            writer.dimension("category", 17)
        writer.put(variable, values)
        writer.dimension("category", 17)


def test_a_variable_that_is_not_there_is_named(folder):
    with pytest.raises(DataError, match=r"there is no variable 'soc'\. It holds: evi, id, year"):
        Dataset(folder).array("soc")


def test_no_manifest_no_data_set(folder):
    (folder / "manifest.json").unlink()
    with pytest.raises(DataError, match=r"no prepared data set here\. Make it with `geoml prepare .* RAW --data \S+`"):
        Dataset(folder)


def test_a_damaged_manifest_or_file_is_said(folder):
    content = (folder / "dataset.nc").read_bytes()
    (folder / "dataset.nc").write_bytes(content[:700])
    with pytest.raises(DataError, match=r"dataset\.nc: cannot be read as NetCDF-4 .* --force"):
        Dataset(folder).array("evi")
    (folder / "manifest.json").write_text("{}")
    with pytest.raises(DataError, match=r"manifest\.json: the manifest is damaged"):
        Dataset(folder)


def test_the_digest_names_content_and_not_place(folder):
    one = Dataset(folder).manifest
    assert one.model_copy(update={"raw": "elsewhere"}).digest() == one.digest()
    assert one.model_copy(update={"facts": {"window": 7}}).digest() != one.digest()


def test_a_file_is_whole_or_absent(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "one\n")
    with pytest.raises(RuntimeError), atomic_write(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "one\n"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_digest_stays_when_the_description_of_variables_grows():
    """Runs know their data set by it: with another digest for the same data, every run would refuse its own."""
    variable = Variable("soc", "%", "soil organic carbon", ("sample",), attributes={"standard_name": "x"})
    manifest = Manifest(
        source="soc", layout="samples", options={}, geoml_version="0", raw="raw", files=(),
        variables={"soc": variable}, funnel=Funnel(read=3, kept=2), facts={"step": "year"}, content="abc",
    )  # fmt: skip
    assert manifest.digest() == "86892b3e8828b1645e1a8991417e637f6a8d07c974adaf875a26b2fe7cb50695"
