"""The record that makes this folder a model."""

from geoml_cli.metrics.regression import bias, ccc, mae, r2, rmse, rpiq
from geoml_cli.models.soc import pretrained, task
from geoml_cli.models.soc.settings import SocTables
from geoml_cli.models.spec import Spec

SPEC: Spec[SocTables] = Spec(
    samples=task.samples,
    build=task.make,
    loss=task.loss,
    predict=task.predict,
    metrics={"RMSE": rmse, "MAE": mae, "R2": r2, "bias": bias, "CCC": ccc, "RPIQ": rpiq},
    features=task.features,
    released=pretrained.released,
)
