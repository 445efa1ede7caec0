"""The benchmark of mmnet runs at a small size; that both ways give the same values it checks itself."""

import re

import numpy as np
import pytest
import torch

pytest.importorskip("pyarrow", reason="exports are read with pyarrow")
from benchmarks import mmnet


@pytest.fixture(autouse=True)
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_every_part_is_compared(capsys):
    mmnet.main("--stations 13 --years 1 --steps 2 4 --side 4 --days 13".split())
    found = dict(re.findall(r"^ratio: (.*): (-?[\d.]+)$", capsys.readouterr().out, re.MULTILINE))
    assert [name.rpartition(", ")[2] for name in found] == [
        "preparing",
        "preparing",
        "bytes on disk",
        "an epoch of batches",
        "training",
        "mapping",
    ]


def test_values_that_differ_are_found(tmp_path):
    from benchmarks import _mmnet_plain
    from geoml_cli.sources.smap.synthetic import write_exports

    write_exports(tmp_path / "raw", 1, [f"Station-{k}" for k in range(13)], (2016,))
    dataset = mmnet.Dataset(
        mmnet.prepare(
            mmnet.Raw("smap", tmp_path / "raw", mmnet.SmapOptions()), tmp_path / "data", mmnet.NullReporter()
        ).folder
    )
    plain = _mmnet_plain.prepare(tmp_path / "raw", (2016,), None)
    mmnet.check(dataset, plain)
    plain["pr_3"] = plain["pr_3"] + np.float32(0.5)
    with pytest.raises(AssertionError, match="pr"):
        mmnet.check(dataset, plain)
