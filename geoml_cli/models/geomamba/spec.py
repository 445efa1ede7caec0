"""The record that makes this folder a model: of a quantity, or of classes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from geoml_cli.dataset.variables import Variable
from geoml_cli.metrics.regression import BIAS, KGE, MAE, NSE, PEARSON, R2, RMSE
from geoml_cli.models.geomamba import backend, features, gap_filling, pretrained, task
from geoml_cli.models.geomamba.settings import GeoMambaTables
from geoml_cli.models.spec import KernelChoice, Network, Spec, mean_criterion, single
from geoml_cli.samples.samples import Signature
from geoml_cli.tasks.multiclass import multiclass
from geoml_cli.tasks.regression import regression
from geoml_cli.tasks.task import Task

METRICS = (RMSE, MAE, R2, NSE, KGE, PEARSON, BIAS)


def target(data: Signature) -> Task:
    """Return the task: a class where the data name classes, else a quantity."""
    described = Variable(data.target_name, data.unit, data.target_name)
    if data.classes:
        return multiclass(described, data.codes, data.classes)
    return regression(described, METRICS)


def networks(tables: GeoMambaTables) -> Mapping[str, Network]:
    """Return the one network."""
    return single(
        Network(
            task=target,
            samples=partial(task.samples, tables),
            build=partial(task.make, tables),
            loss=partial(task.loss, tables.loss),
            predict=task.predict,
            criteria={"loss": mean_criterion(partial(task.mean_loss, tables.loss))},
            table=partial(features.table, tables),
            groups=features.groups,
            baselines=gap_filling.BASELINES,
            pretrained=partial(pretrained.read, tables.network),
            input_notes=task.input_notes(tables.network),
            input_words=dict.fromkeys(("dynamic", "time"), "time steps oldest first, the last is the sample's own"),
            class_parts={"land_cover": "LC_embedding"},
            recordable=True,
        )
    )


SPEC: Spec[GeoMambaTables] = Spec(
    networks=networks,
    coordinates=features.coordinates,
    kernels=KernelChoice(backend.available, task.kernels, task.compiles),
    resolved=task.with_site_choice,
)
