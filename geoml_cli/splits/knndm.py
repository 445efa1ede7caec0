"""Folds whose test places lie as far from training places as points of the map lie from samples.

k-fold nearest neighbour distance matching: Linnenbrink et al. 2024, doi:10.5194/gmd-17-5897-2024. Places are joined
into q clusters, for many q from the number of folds to that of places; clusters are dealt to the folds along the first
principal component of their centres; of all these folds those are taken whose distances have the least Wasserstein
distance to those of the map.

Deviations from the paper: a place counts once, however many samples it has, and all of them are in one fold. Random
folds are one candidate more, where the paper draws them after a test finds samples that are not clustered.

Legend: U places, P points of the map, q clusters, C candidates.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Variables
from geoml_cli.errors import DataError
from geoml_cli.samples.coordinates import nearest_km, on_sphere
from geoml_cli.splits.drawn import Folds
from geoml_cli.splits.grouping import place_of_samples
from geoml_cli.splits.kind import SplitKind
from geoml_cli.splits.map_points import map_points
from geoml_cli.splits.settings import SplitSettings
from geoml_cli.work.distinct import distinct_rows

Rows = NDArray[np.int64]
Values = NDArray[np.float64]
_LARGEST = 0.5
"""Share of the places that a fold of clusters may have: `maxp` of the paper's code."""
_CANDIDATES = 100
"""Numbers of clusters that are tried, evenly spaced in the logarithm, as in the paper's code."""
_MOST_JOINED = 4000
"""Places that are joined one by one, in memory of their squared number; more are joined by cells of a grid first."""
_MOST_MEASURED = 4000
"""Places whose distances are measured."""
DECIMALS = 6
"""Of a degree, to which places are the same: a decimetre."""


@dataclass(frozen=True)
class Matched:
    """The folds whose distances are nearest to those of the map.

    Attributes:
        cluster_U: Number of the cluster of each place.
        fold_U: Number of its fold, from 0.
        distance_km: Wasserstein distance of the folds' distances and the map's.
    """

    cluster_U: Rows
    fold_U: Rows
    distance_km: float


def folds(variables: Variables, settings: SplitSettings, usable: Rows, rows: int) -> Folds:
    """Hold out each fold of places."""
    matched, place_R = _matched(variables, settings, usable, rows)
    fold_R = matched.fold_U[place_R]
    return {f"fold-{k + 1}": (usable[fold_R != k], usable[fold_R == k]) for k in range(settings.folds)}


def clusters(variables: Variables, settings: SplitSettings, usable: Rows, rows: int) -> dict[str, Rows]:
    """Number the cluster of every usable row, [N]: validation holds out clusters as the test does."""
    matched, place_R = _matched(variables, settings, usable, rows)
    cluster_N = np.full(rows, -1)
    cluster_N[usable] = matched.cluster_U[place_R]
    return {"clusters of places": cluster_N}


def _matched(variables: Variables, settings: SplitSettings, usable: Rows, rows: int) -> tuple[Matched, Rows]:
    """Return the folds of places, and the place of each usable row."""
    place_N2 = place_of_samples(variables, rows)
    place_U2, place_R = distinct_rows(place_N2[usable].round(DECIMALS))
    if len(place_U2) < 2 * settings.folds:
        raise DataError(
            f"samples lie at {len(place_U2)} places, which cannot be split into {settings.folds} folds of two or more",
            where="[split] folds",
            fix=f"Use --set split.folds={max(len(place_U2) // 2, 2)} or lower, or prepare more samples.",
        )
    points_P2 = map_points(settings.map_points, place_N2)
    return match(place_U2, points_P2, settings.folds, settings.seed), place_R


def match(place_U2: Values, points_P2: Values, count: int, seed: int) -> Matched:
    """Return the folds whose nearest-neighbour distances are nearest to those of the map.

    Args:
        place_U2: Longitude and latitude of every place of samples [degrees], no two the same.
        points_P2: Of points of the map.
        count: Folds.
        seed: Of the random folds.
    """
    from scipy.stats import wasserstein_distance

    # The distances that a map is made over; folds are to have the same.
    wanted_P = nearest_km(points_P2, place_U2)
    found = [
        Matched(cluster_U, fold_U, float(wasserstein_distance(fold_distances(place_U2, fold_U), wanted_P)))
        for cluster_U, fold_U in _candidates(place_U2, count, seed)
    ]
    # Of candidates that are equally near the first is taken: random folds, then few clusters.
    return min(found, key=lambda matched: matched.distance_km)


def fold_distances(place_U2: Values, fold_U: Rows) -> Values:
    """Return the distance of places to the nearest one of another fold [km]; of very many places, of every few."""
    every = -(-len(place_U2) // _MOST_MEASURED)
    measured = np.arange(len(place_U2)) % every == 0
    found = []
    for fold in np.unique(fold_U):
        own = fold_U == fold
        found.append(nearest_km(place_U2[own & measured], place_U2[~own]))
    return np.concatenate(found)


def _candidates(place_U2: Values, count: int, seed: int) -> Iterator[tuple[Rows, Rows]]:
    """Yield clusters and folds of places, [U] each: random folds first, then folds of ever more clusters."""
    from scipy.cluster.hierarchy import fcluster, linkage

    places = len(place_U2)
    yield np.arange(places), np.random.default_rng(seed).permutation(np.arange(places) % count)
    unit_U = _units(place_U2)
    centre = _centres(on_sphere(place_U2), unit_U)
    # Ward's linkage, as in the paper's code; between points of the unit sphere, where the date line divides nothing.
    tree = linkage(centre, method="ward")
    for clusters_wanted in np.unique(np.geomspace(count, len(centre), _CANDIDATES).round().astype(np.int64)):
        cluster_U = fcluster(tree, int(clusters_wanted), criterion="maxclust")[unit_U]
        cluster_U = np.unique(cluster_U, return_inverse=True)[1].reshape(-1)
        if cluster_U.max() + 1 < count:  # places equally near are joined at once
            continue
        fold_U = _dealt(_centres(on_sphere(place_U2), cluster_U), count)[cluster_U]
        # Of two folds of an odd number of places, one has more than half of them.
        if np.bincount(fold_U).max() <= max(_LARGEST * places, -(-places // count)):
            yield cluster_U, fold_U


def _dealt(centre: Values, count: int) -> Rows:
    """Return the fold of each cluster: in turn along the first principal component of the centres, [q]."""
    axis = np.linalg.svd(centre - centre.mean(axis=0), full_matrices=False)[2][0]
    axis = axis * np.sign(axis[np.abs(axis).argmax()])  # its sign is arbitrary
    fold = np.empty(len(centre), dtype=np.int64)
    fold[np.argsort(centre @ axis, kind="stable")] = np.arange(len(centre)) % count
    return fold


def _centres(points: Values, label: Rows) -> Values:
    """Return the mean of the points of each label, numbered from 0."""
    return np.stack([np.bincount(label, axis) for axis in points.T], axis=1) / np.bincount(label)[:, None]


def _units(place_U2: Values) -> Rows:
    """Number what is joined: the places, or of very many the cells of the finest grid that has few enough [U]."""
    cell_deg, label = 0.0, np.arange(len(place_U2))
    while label.max() >= _MOST_JOINED:
        # From a thousandth of a degree, some 100 m, doubled until there are few enough.
        cell_deg = 2 * cell_deg or 1e-3
        cells = np.floor(place_U2 / cell_deg)
        label = distinct_rows(cells)[1]
    return label


KIND = SplitKind(folds, groupings=clusters)
