"""Damaged bytes: only our own errors come out, and nothing half-written stays."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geoml_cli.errors import GeomlError
from geoml_cli.sources.soc.options import SocOptions
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.work.reporting import Silent

Write = Callable[..., Path]

RAMP = (np.arange(20)[:, None] * 100 + np.arange(30)[None, :]).astype(np.float32)


FUZZ = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)


DAMAGE = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=12)


def _damaged(content: bytes, changes: list[tuple[float, int]], keep: float) -> bytes:
    bytes_ = bytearray(content)
    for place, value in changes:
        bytes_[int(place * len(bytes_))] = value
    return bytes(bytes_[: int(len(bytes_) * keep) + 1])


def _prepares_or_refuses(raw: Path) -> None:
    folder = raw.parent / "out"
    try:
        prepare(Raw("soc", raw, SocOptions()), folder, Silent())
    except GeomlError as error:
        assert error.exit_code in (2, 3)
        assert error.where or error.fix
        left = [path.name for path in raw.parent.iterdir() if path.name.startswith((".out.partial", ".out.old"))]
        assert not left


@FUZZ
@given(changes=DAMAGE, keep=st.floats(0, 1))
def test_damaged_tables_only_raise_our_errors(raw: Path, changes: list[tuple[float, int]], keep: float) -> None:
    content = 'id;lon;lat;soc\r\nä;21,05;8,95;1,5\r\n"b";21,15;8,85;2\r\n'.encode()
    (raw / "p.csv").write_bytes(_damaged(content, changes, keep))
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
    head = 400 / len(content) if header else 1.0  # most of what matters stands in the first bytes
    (raw / "dem.tif").write_bytes(_damaged(content, [(place * head, value) for place, value in changes], keep))
    _prepares_or_refuses(raw)


@settings(FUZZ, max_examples=150)
@given(changes=DAMAGE, keep=st.sampled_from([1.0, 1.0, 0.7]))
def test_damaged_pickles_only_raise_our_errors(release: Path, changes: list[tuple[float, int]], keep: float) -> None:
    content = pickle.dumps(np.random.default_rng(0).random((8, 10, 1)))
    (release / "samples_ts_evi.pkl").write_bytes(_damaged(content, changes, keep))
    _prepares_or_refuses(release)
