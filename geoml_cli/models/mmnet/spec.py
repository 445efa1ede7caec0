"""The record that makes this folder a model."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from geoml_cli.dataset.variables import Variable
from geoml_cli.metrics.regression import BIAS, KGE, NSE, PEARSON, RMSE, UBRMSE
from geoml_cli.models.mmnet import features, pretrained, task
from geoml_cli.models.mmnet.settings import MmnetTables
from geoml_cli.models.spec import Network, Spec, mean_criterion, single
from geoml_cli.samples.samples import Signature
from geoml_cli.tasks.regression import regression
from geoml_cli.tasks.task import Task

METRICS = (RMSE, PEARSON, BIAS, UBRMSE, NSE, KGE)


def moisture(data: Signature) -> Task:
    """Return the task: surface soil moisture."""
    target = Variable(data.target_name, data.unit, "surface soil moisture, 0 to 5 cm")
    return regression(target, METRICS, limits=(0.0, 1.0))


def networks(tables: MmnetTables) -> Mapping[str, Network]:
    """Return the one network, of the variant that the tables name."""
    return single(
        Network(
            task=moisture,
            samples=partial(task.samples, tables),
            build=partial(task.make, tables),
            loss=partial(task.loss, tables.loss),
            predict=task.predict,
            criteria={"loss": mean_criterion(task.mean_square)},
            table=features.table,
            baselines=features.BASELINES,
            groups=features.groups,
            pretrained=pretrained.read,
            statistics=pretrained.statistics,
            lagged="dynamic",
            input_words={"dynamic": "days, oldest first, the last is the sample's own", "static": task.STATIC_WORDS},
            bars="pr",
            # Batch norm needs two rows to have a deviation.
            smallest_batch=2,
        )
    )


SPEC: Spec[MmnetTables] = Spec(networks=networks, coordinates=features.coordinates)
