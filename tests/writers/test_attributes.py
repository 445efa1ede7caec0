"""What files say of classes and masks: their codes and names, as CF has them."""

from __future__ import annotations

from pathlib import Path

import cf
import numpy as np
import pytest
import xarray

from geoml_cli.dataset.variables import Variable
from geoml_cli.samples.input import Grid
from geoml_cli.writers import raster
from geoml_cli.writers.attributes import attributes_of
from geoml_cli.writers.map import Map

COVER = Variable("cover", "1", "likeliest class", classes={1: "cropland", 5: "impervious (built-up)", 9: "水"})
GRID = Grid("EPSG:32614", (100.0, 0.0, 5e5, 0.0, -100.0, 4e6), 3, 4)


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_maps_of_classes_name_them(tmp_path: Path, suffix: str) -> None:
    content = Map(GRID, (COVER, Variable("soc", "g kg-1", "soil organic carbon")), 4, {"title": "x"})
    values = np.stack([np.full((3, 4), 5.0), np.ones((3, 4))]).astype(np.float32)
    path = tmp_path / f"a{suffix}"
    raster.write(path, content, [(slice(0, 3), slice(0, 4), values)])
    with xarray.open_dataset(path, engine="zarr" if suffix == ".zarr" else None) as found:
        assert np.asarray(found["cover"].attrs["flag_values"]).tolist() == [1, 5, 9]
        assert found["cover"].attrs["flag_meanings"].split() == ["cropland", "impervious_built-up", "class_9"]
        assert "flag_values" not in found["soc"].attrs and found["soc"].attrs["units"] == "g kg-1"
    if suffix == ".nc":
        assert cf.complaints(path, tmp_path)["high"] == []


def test_text_has_no_unit_and_a_class_without_letters_has_its_code() -> None:
    assert "units" not in attributes_of(Variable("id", "", "name of the point", dtype="str"))
    found = attributes_of(Variable("x", "1", "class", classes={3: "???"}))
    assert found["flag_meanings"] == "class_3" and found["flag_values"].dtype == np.float32
