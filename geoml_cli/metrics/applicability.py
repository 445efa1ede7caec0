"""Area of applicability: where inputs are like those that a model was trained and tested on.

Meyer and Pebesma 2021, doi:10.1111/2041-210X.13650. Inputs are standardised and weighted by their importance; the
dissimilarity of a sample is its distance to the nearest training sample over the mean distance between these. Where it
is larger than that of nearly all tested samples (to the training samples of their fold), scores say nothing.

Legend: N samples, R training samples that are kept, F features, K tested samples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Index = NDArray[np.int64]
_WHISKER = 1.5
"""Interquartile ranges above the upper quartile beyond which a tested sample is an outlier."""
_TREE, _LEAF = 12, 32
"""Features up to which a tree is searched; in more it looks at nearly all points, and products of matrices are faster.
Points of a leaf: 32 are a third faster than 10 or 64, measured with 272 points of 12 features."""
_FEW = 2**20
"""Products of points, reference points and features that are compared one by one."""
_PAIRS = 2000
"""Training samples between which the mean distance is taken, of more."""


@dataclass(frozen=True)
class Applicability:
    """What a dissimilarity is measured against.

    Attributes:
        shift_F: Mean of every feature over the training samples.
        weight_F: Weight over standard deviation; 0 of a feature that does not vary.
        reference_RF: Training samples, standardised and weighted.
        mean_distance: Between training samples.
        threshold: Largest dissimilarity inside of the area.
    """

    shift_F: Floats
    weight_F: Floats
    reference_RF: Floats
    mean_distance: float
    threshold: float

    def dissimilarity(self, features_NF: Floats) -> Floats:
        """Return how far samples are from the nearest training sample, [N]; 1 is the mean distance between these."""
        counted = self.weight_F > 0
        points_NF = (features_NF[:, counted] - self.shift_F[counted]) * self.weight_F[counted]
        return self._nearest(points_NF) / self.mean_distance

    @cached_property
    def _nearest(self) -> Callable[[Floats], Floats]:
        return search(self.reference_RF[:, self.weight_F > 0])


def fit(features_NF: Floats, importance_F: Floats, folds: Sequence[tuple[Index, Index]]) -> Applicability:
    """Return the area of a model.

    Args:
        features_NF: Of training and tested samples.
        importance_F: Of every feature, 0 or more; all alike where none has any.
        folds: Training and tested samples of each fold; the training samples of all folds are the model's.
    """
    trained = np.unique(np.concatenate([train for train, _ in folds]))
    shift_F, deviation_F = features_NF[trained].mean(axis=0), features_NF[trained].std(axis=0)
    weights = importance_F if importance_F.any() else np.ones(len(importance_F))
    varies = deviation_F > 0
    weight_F = np.where(varies, weights / np.where(varies, deviation_F, 1.0), 0.0)
    scaled_NF = (features_NF - shift_F) * weight_F
    mean_distance = _mean_distance(scaled_NF[trained])
    tested = [nearest(scaled_NF[test], scaled_NF[train]) for train, test in folds if len(test)]
    threshold = _whisker(np.concatenate(tested) / mean_distance)
    return Applicability(shift_F, weight_F, scaled_NF[trained], mean_distance, threshold)


def nearest(points_NF: Floats, reference_RF: Floats) -> Floats:
    """Return the distance to the nearest reference point, [N]."""
    return search(reference_RF)(points_NF)


def search(reference_RF: Floats) -> Callable[[Floats], Floats]:
    """Return what finds the distance of points [N, F] to the nearest reference point, [N]."""
    made: list[Callable[[Floats], Floats]] = []

    def found(points_NF: Floats) -> Floats:
        if not made and len(points_NF) * reference_RF.size <= _FEW:  # libraries of neighbours take longer to import
            distances = [np.sqrt(((reference_RF - point_F) ** 2).sum(axis=1).min()) for point_F in points_NF]
            return np.array(distances, dtype=np.float64)
        if not made:
            made.append(_tree(reference_RF) if reference_RF.shape[1] <= _TREE else _products(reference_RF))
        return made[0](points_NF)

    return found


def _tree(reference_RF: Floats) -> Callable[[Floats], Floats]:
    from scipy.spatial import KDTree

    tree = KDTree(reference_RF, leafsize=_LEAF)
    return lambda points_NF: np.asarray(tree.query(points_NF, workers=torch.get_num_threads())[0])


def _products(reference_RF: Floats) -> Callable[[Floats], Floats]:
    from sklearn.neighbors import NearestNeighbors

    found: Any = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(reference_RF)
    return lambda points_NF: np.asarray(found.kneighbors(points_NF)[0][:, 0], dtype=np.float64)


def _mean_distance(points_RF: Floats) -> float:
    """Return the mean distance between different points; of many, between those evenly spaced among them."""
    from sklearn.metrics import pairwise_distances

    few = points_RF[np.unique(np.linspace(0, len(points_RF) - 1, _PAIRS).astype(np.int64))]
    pairs = len(few) * (len(few) - 1)
    total = float(pairwise_distances(few).sum())
    return total / pairs if total else 1.0


def _whisker(dissimilarity_K: Floats) -> float:
    """Return the largest value that is no outlier, as a box plot draws its whisker."""
    low, high = np.quantile(dissimilarity_K, [0.25, 0.75])
    return float(dissimilarity_K[dissimilarity_K <= high + _WHISKER * (high - low)].max())
