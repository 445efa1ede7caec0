"""Damaged bytes: only our own errors come out, and nothing half-written stays."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
from fuzzing import DAMAGE, FUZZ, HEADER, damaged, prepares_or_refuses
from hypothesis import given, settings
from hypothesis import strategies as st

from geoml_cli.sources.soc.options import SocOptions

Write = Callable[..., Path]

RAMP = (np.arange(20)[:, None] * 100 + np.arange(30)[None, :]).astype(np.float32)


def _prepares_or_refuses(raw: Path) -> None:
    prepares_or_refuses("soc", raw, SocOptions())


@FUZZ
@given(changes=DAMAGE, keep=st.floats(0, 1))
def test_damaged_tables_only_raise_our_errors(raw: Path, changes: list[tuple[float, int]], keep: float) -> None:
    content = 'id;lon;lat;soc\r\nä;21,05;8,95;1,5\r\n"b";21,15;8,85;2\r\n'.encode()
    (raw / "p.csv").write_bytes(damaged(content, changes, keep))
    _prepares_or_refuses(raw)


@FUZZ
@given(content=st.binary(max_size=60))
def test_any_bytes_as_table_only_raise_our_errors(raw: Path, content: bytes) -> None:
    (raw / "p.csv").write_bytes(content)
    _prepares_or_refuses(raw)


@settings(FUZZ, max_examples=120)
@given(changes=DAMAGE, keep=st.sampled_from([1.0, 1.0, 1.0, 0.9, 0.5, 0.1]), header=st.booleans())
def test_damaged_rasters_only_raise_our_errors(
    raw: Path, raster: Write, changes: list[tuple[float, int]], keep: float, header: bool
) -> None:
    content = raster(raw / "dem.tif", RAMP, nodata=-9999, compress="deflate").read_bytes()
    (raw / "dem.tif").write_bytes(damaged(content, changes, keep, HEADER if header else None))
    _prepares_or_refuses(raw)


@settings(FUZZ, max_examples=150)
@given(changes=DAMAGE, keep=st.sampled_from([1.0, 1.0, 0.7]))
def test_damaged_pickles_only_raise_our_errors(release: Path, changes: list[tuple[float, int]], keep: float) -> None:
    content = pickle.dumps(np.random.default_rng(0).random((8, 10, 1)))
    (release / "samples_ts_evi.pkl").write_bytes(damaged(content, changes, keep))
    _prepares_or_refuses(release)
