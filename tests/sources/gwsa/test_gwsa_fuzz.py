"""Damaged bytes: only our own errors come out, and nothing half-written stays."""

from __future__ import annotations

import tempfile
from pathlib import Path

import fuzzing
import pandas as pd
from fuzzing import DAMAGE, FUZZ, damaged
from hypothesis import given, settings
from hypothesis import strategies as st

from geoml_cli.sources.gwsa import synthetic_products
from geoml_cli.sources.gwsa.options import GwsaOptions


def prepares_or_refuses(raw: Path, **given: object) -> None:
    options = GwsaOptions(**({"dynamic": ("rf", "E"), "static": ("DEM",)} | given))
    fuzzing.prepares_or_refuses("gwsa", raw, options)


@FUZZ
@given(changes=DAMAGE, keep=st.floats(0, 1))
def test_damaged_long_tables(raw: Path, long: pd.DataFrame, changes: list[tuple[float, int]], keep: float) -> None:
    (raw / "t.csv").write_bytes(damaged(long.to_csv(index=False).encode(), changes, keep))
    prepares_or_refuses(raw)


@FUZZ
@given(changes=DAMAGE, keep=st.floats(0, 1))
def test_damaged_wide_tables(raw: Path, wide: pd.DataFrame, changes: list[tuple[float, int]], keep: float) -> None:
    (raw / "t.csv").write_bytes(damaged(wide.to_csv(index=False, sep=";").encode(), changes, keep))
    prepares_or_refuses(raw)


@FUZZ
@given(content=st.binary(max_size=60), name=st.sampled_from(["t.csv", "t.csv.gz", "t.parquet", "t.nc"]))
def test_any_bytes(raw: Path, content: bytes, name: str) -> None:
    for path in raw.iterdir():
        path.unlink()
    (raw / name).write_bytes(content)
    prepares_or_refuses(raw)


@FUZZ
@given(changes=DAMAGE, keep=st.sampled_from([1.0, 1.0, 0.9, 0.5]))
def test_damaged_parquet(raw: Path, long: pd.DataFrame, changes: list[tuple[float, int]], keep: float) -> None:
    long.to_parquet(raw / "whole.tmp")
    (raw / "t.parquet").write_bytes(damaged((raw / "whole.tmp").read_bytes(), changes, keep))
    prepares_or_refuses(raw)


@settings(FUZZ, max_examples=25)
@given(
    changes=DAMAGE,
    keep=st.sampled_from([1.0, 1.0, 0.9, 0.5]),
    name=st.sampled_from(["GRCTellus*", "GLDAS/*200407*", "factors/E_2005*", "factors/LC*"]),
)
def test_damaged_grids(raw: Path, changes: list[tuple[float, int]], keep: float, name: str) -> None:
    """Each in a new folder: HDF5 may keep a damaged file open."""
    folder = Path(tempfile.mkdtemp(dir=raw)) / "raw"
    synthetic_products.write(folder)
    path = next(folder.glob(name))
    path.write_bytes(damaged(path.read_bytes(), changes, keep))
    prepares_or_refuses(folder, baseline="2004-2005")
