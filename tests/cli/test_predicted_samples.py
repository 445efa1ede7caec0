"""Files of single samples are those of all samples, cut to them."""

from __future__ import annotations

import pandas as pd
import pyarrow.parquet as pq
import pytest
import xarray


@pytest.mark.parametrize("suffix", ["csv", "parquet", "nc"])
def test_a_file_of_single_samples_is_that_of_all_cut_to_them(trained, data_root, geoml, tmp_path, suffix):
    every, some = (tmp_path / f"{name}.{suffix}" for name in ("every", "some"))
    command = ("predict", trained, "--data", data_root / "soc", "--quiet", "--out")
    assert geoml(*command, every).code == 0
    assert geoml(*command, some, "--index", 5, "--index", 1).code == 0
    if suffix == "csv":
        given, found = pd.read_csv(every), pd.read_csv(some)
        pd.testing.assert_frame_equal(found, given.iloc[[5, 1]].reset_index(drop=True), rtol=1e-5)
        return
    if suffix == "parquet":
        given, found = pq.read_table(every), pq.read_table(some)
        assert found.schema.metadata.keys() == given.schema.metadata.keys()
        assert [field.metadata for field in found.schema] == [field.metadata for field in given.schema]
        expected = given.to_pandas().iloc[[5, 1]].reset_index(drop=True)
        pd.testing.assert_frame_equal(found.to_pandas(), expected, rtol=1e-5)
        return
    with xarray.open_dataset(every) as given, xarray.open_dataset(some) as found:
        assert {name: str(item.attrs) for name, item in found.variables.items()} == {
            name: str(item.attrs) for name, item in given.variables.items()
        }
        assert found.attrs.keys() == given.attrs.keys()
        xarray.testing.assert_allclose(found.drop_attrs(), given.isel(sample=[5, 1]).drop_attrs(), rtol=1e-5)
