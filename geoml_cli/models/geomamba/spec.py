"""The records that make this folder a model: of a quantity, and of classes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from geoml_cli.metrics import classes
from geoml_cli.metrics.regression import bias, kge, mae, nse, pearson, r2, rmse
from geoml_cli.models.geomamba import backend, decision, features, pretrained, task
from geoml_cli.models.geomamba.settings import GeoMambaTables
from geoml_cli.models.spec import KernelChoice, Spec


def of(tables: GeoMambaTables) -> Spec[GeoMambaTables]:
    """Return the record for a loss: that of cross-entropy is of classes."""
    held = replace(
        SPEC, loss=partial(task.loss, settings=tables.loss), features=partial(features.table, tables), of=None
    )
    if tables.loss.kind != "cross-entropy":
        return held
    scores = {
        "accuracy": classes.accuracy,
        "balanced accuracy": classes.balanced_accuracy,
        "macro F1": classes.macro_f1,
        "kappa": classes.kappa,
    }
    return replace(held, judged="classes", metrics=scores, decided=decision.DECIDED)


SPEC: Spec[GeoMambaTables] = Spec(
    samples=task.samples,
    build=task.make,
    loss=partial(task.loss, settings=GeoMambaTables().loss),
    predict=task.predict,
    metrics={"RMSE": rmse, "MAE": mae, "R2": r2, "NSE": nse, "KGE": kge, "R": pearson, "bias": bias},
    features=partial(features.table, GeoMambaTables()),
    released=pretrained.released,
    of=of,
    places=features.places,
    strata=features.strata,
    kernels=KernelChoice(backend.available, task.kernels),
)
