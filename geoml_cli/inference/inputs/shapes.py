"""Shapes of vector files, repaired and taken apart."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

Geometries = NDArray[np.object_]


def repaired_parts(shapes: Geometries) -> Geometries:
    """Return the valid parts of shapes.

    They are repaired part by part: of parts that overlap, as collected layers have them, repair would make a hole.
    """
    import shapely

    parts = parts_of(shapes)
    for number in np.flatnonzero(~shapely.is_valid(parts)):
        parts[number] = _repaired(parts[number])
    return parts_of(parts)


def _repaired(shape: Any) -> Any:  # noqa: ANN401  shapely is untyped
    """Return a shape that is valid: of a polygon what an odd number of its rings goes around, as GDAL fills it.

    A hole that shares an edge with its polygon is lost where the whole is repaired at once.
    """
    import shapely

    if shape.geom_type != "Polygon":
        return shapely.make_valid(shape)
    rings = [shapely.make_valid(shapely.Polygon(ring)) for ring in (shape.exterior, *shape.interiors)]
    return reduce(shapely.symmetric_difference, [shapely.union_all(_polygons(ring)) for ring in rings])


def _polygons(shape: Any) -> Geometries:  # noqa: ANN401
    parts = parts_of(np.array([shape], dtype=object))
    return parts[[part.geom_type == "Polygon" for part in parts]]


def parts_of(shapes: Geometries) -> Geometries:
    """Take collections apart, and collections in them; empty shapes have no parts."""
    import shapely

    parts = shapely.get_parts(shapely.get_parts(shapes))
    found: Geometries = parts[~shapely.is_empty(parts)]
    return found
