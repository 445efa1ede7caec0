"""Damaged rasters: only our own errors come out, and nothing half-written stays."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geoml_cli.errors import GeomlError
from geoml_cli.sources.clcd.options import ClcdOptions
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.work.reporting import Silent

DAMAGE = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=12)


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(
    changes=DAMAGE,
    keep=st.sampled_from([1.0, 1.0, 0.9, 0.3]),
    name=st.sampled_from(["classes/CLCD_v01_2020.tif", "covariates/wave.tif"]),
    header=st.booleans(),
)
def test_damaged_rasters(cover: Path, changes: list[tuple[float, int]], keep: float, name: str, header: bool) -> None:
    path = cover / name
    whole = path.read_bytes()
    reach = 400 if header else len(whole)  # most of what matters stands in the first bytes
    bytes_ = bytearray(whole)
    for place, value in changes:
        bytes_[int(place * reach)] = value
    path.write_bytes(bytes(bytes_[: int(len(bytes_) * keep) + 1]))
    try:
        prepare(Raw("clcd", cover, ClcdOptions(samples=50)), cover.parent / "out", Silent())
    except GeomlError as error:
        assert error.exit_code in (2, 3)
        assert error.where or error.fix
        left = [one.name for one in cover.parent.iterdir() if one.name.startswith((".out.partial", ".out.old"))]
        assert not left
    finally:
        path.unlink()
        path.write_bytes(whole)
