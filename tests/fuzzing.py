"""Damaged raw files: what is changed in them, and what must come of it."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from geoml_cli.errors import GeomlError
from geoml_cli.source import Options
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.work.reporting import NullReporter

FUZZ = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
DAMAGE = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=12)
HEADER = 400
"""The first bytes of a raster, where most of what matters stands."""


def damaged(content: bytes, changes: list[tuple[float, int]], keep: float, reach: int | None = None) -> bytes:
    """Change bytes at shares of the first `reach`, or of all, and keep a share of the file."""
    result = bytearray(content)
    for share, value in changes:
        result[int(share * (reach or len(result)))] = value
    return bytes(result[: int(len(result) * keep) + 1])


def prepares_or_refuses(source: str, raw: Path, options: Options) -> None:
    """Prepare a folder: only our own errors come out, and nothing half-written stays."""
    try:
        prepare(Raw(source, raw, options), raw.parent / "out", NullReporter())
    except GeomlError as error:
        assert error.exit_code in (2, 3)
        assert error.where or error.fix
        left = [path.name for path in raw.parent.iterdir() if path.name.startswith((".out.partial", ".out.old"))]
        assert not left
