"""Groups of a variable, whole, such as storms, days or stations."""

from __future__ import annotations

from geoml_cli.splits.drawn import draw_folds
from geoml_cli.splits.kind import SplitKind

KIND = SplitKind(draw_folds)
