"""The records that make this folder a model: one for each network, and the two together."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from geoml_cli.metrics.classification import (
    accuracy,
    average_precision,
    balanced_accuracy,
    brier,
    f1,
    precision,
    recall,
    roc_auc,
)
from geoml_cli.metrics.regression import mae, pearson, r2, rmse
from geoml_cli.models.ech import features, inputs, pipeline, pretrained, task
from geoml_cli.models.ech.settings import EchTables
from geoml_cli.models.spec import Quantity, Spec

CLASSIFIER: Spec[EchTables] = Spec(
    samples=task.samples,
    build=task.make,
    loss=partial(task.cross_entropy, positive_weight=1.0),
    predict=task.predict,
    metrics={
        "accuracy": accuracy,
        "balanced accuracy": balanced_accuracy,
        "precision": precision,
        "recall": recall,
        "F1": f1,
        "ROC-AUC": roc_auc,
        "PR-AUC": average_precision,
        "Brier": brier,
    },
    features=features.table,
    released=partial(pretrained.released, part="classifier"),
    judged="probabilities",
    link=pipeline.probability,
    output=Quantity("logit", "1", "logit of the presence of a wave"),
    strata=features.strata,
)

REGRESSOR: Spec[EchTables] = Spec(
    samples=task.samples,
    build=task.make,
    loss=task.mean_square,
    predict=task.predict,
    metrics={"R2": r2, "RMSE": rmse, "MAE": mae, "R": pearson},
    features=features.table,
    released=partial(pretrained.released, part="regressor"),
    strata=features.strata,
)


def of(tables: EchTables) -> Spec[EchTables]:
    """Return the record of a part."""
    if tables.network.part == "regressor":
        return REGRESSOR
    return replace(CLASSIFIER, loss=partial(task.cross_entropy, positive_weight=tables.wave.positive_weight))


SPEC: Spec[EchTables] = replace(
    CLASSIFIER,
    parts=task.parts,
    of=of,
    places=features.places,
    combined=pipeline.COMBINED,
    moment=inputs.moment,
)
