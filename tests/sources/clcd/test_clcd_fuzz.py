"""Damaged rasters: only our own errors come out, and nothing half-written stays."""

from __future__ import annotations

from pathlib import Path

from fuzzing import DAMAGE, FUZZ, HEADER, damaged, prepares_or_refuses
from hypothesis import given, settings
from hypothesis import strategies as st

from geoml_cli.sources.clcd.options import ClcdOptions


@settings(FUZZ, max_examples=120)
@given(
    changes=DAMAGE,
    keep=st.sampled_from([1.0, 1.0, 0.9, 0.3]),
    name=st.sampled_from(["classes/CLCD_v01_2020.tif", "covariates/wave.tif"]),
    header=st.booleans(),
)
def test_damaged_rasters(cover: Path, changes: list[tuple[float, int]], keep: float, name: str, header: bool) -> None:
    path = cover / name
    whole = path.read_bytes()
    path.write_bytes(damaged(whole, changes, keep, HEADER if header else None))
    try:
        prepares_or_refuses("clcd", cover, ClcdOptions(samples=50))
    finally:
        path.unlink()
        path.write_bytes(whole)
