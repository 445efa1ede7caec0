"""The benchmark over the size of maps runs at a small size, and tells memory of processes that a command starts."""

import re
import sys

import netCDF4
import pytest

from benchmarks import grid_scale, raster

SMALL = ["--months", "40", "--set", "network.variant=simvp", "--set", "frames.most_cells=64"]


def test_every_verb_is_measured_at_every_size(capsys, monkeypatch, in_process):
    """The second size takes the costs of the first: one measurement of each verb is enough here."""
    monkeypatch.setattr(grid_scale, "geoml", in_process)
    measured, costs = grid_scale.measured, {}
    monkeypatch.setattr(grid_scale, "measured", lambda *given: costs or costs.update(measured(*given)) or costs.copy())
    grid_scale.main(["--shapes", "16x24", "24x32", *SMALL])
    out = capsys.readouterr().out
    rows = re.findall(r"^(\w+) +(\d+ x \d+) +([\d.,]+) +([\d.,]+) +([\d.,]+) +([\d.,]+) +([\d.,]+)$", out, re.MULTILINE)
    assert [row[:2] for row in rows] == [(verb, size) for verb in grid_scale.VERBS for size in ("16 x 24", "24 x 32")]
    found = re.findall(r"^exponent: (\w+) of (\w+), 384 to 768 cells: (-?[\d.]+)$", out, re.MULTILINE)
    assert [(verb, what) for what, verb, _ in found] == [
        (verb, what) for verb in grid_scale.VERBS for what in ("time", "memory")
    ]


def test_maps_are_written_with_land(tmp_path):
    grid_scale.write(tmp_path / "flux.nc", 3, (20, 30))
    with netCDF4.Dataset(tmp_path / "flux.nc") as file:
        flux = file["fgco2"][:]
        assert file["fgco2"].units == "mol m-2 yr-1"
    assert flux.shape == (3, 20, 30)
    assert 0.3 < flux.mask.mean() < 0.4 and (flux.mask == flux.mask[0]).all()


@pytest.mark.skipif(sys.platform != "linux", reason="the system does not tell")
def test_memory_is_that_of_a_command_and_of_what_it_starts(tmp_path):
    hold = "import time; taken = bytearray(range(256)) * 2**19; time.sleep(0.5)"  # 128 MiB
    (tmp_path / "geoml_cli").mkdir()
    (tmp_path / "geoml_cli" / "__init__.py").touch()
    (tmp_path / "geoml_cli" / "__main__.py").write_text(
        f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {hold!r}], check=True)\n"
    )
    cost = raster.geoml(tmp_path, "anything", code=tmp_path)
    assert 128 * 2**20 < cost.anonymous < 200 * 2**20
