"""The record that makes this folder a model."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from geoml_cli.dataset.units import whole
from geoml_cli.dataset.variables import Variable
from geoml_cli.metrics.regression import BIAS, CCC, MAE, R2, RMSE, RPIQ
from geoml_cli.models.soc import pretrained, task
from geoml_cli.models.soc.settings import SocTables
from geoml_cli.models.spec import Network, Spec, mean_criterion, single
from geoml_cli.samples.samples import Signature
from geoml_cli.tasks.regression import regression
from geoml_cli.tasks.task import Task

METRICS = (RMSE, MAE, R2, BIAS, CCC, RPIQ)


def carbon(data: Signature) -> Task:
    """Return the task: soil organic carbon, in the unit of the data."""
    target = Variable(data.target_name, data.unit, "soil organic carbon")
    # A share of the soil's mass: at most 1000 g kg-1, or 100 %.
    return regression(target, METRICS, "SOC", limits=(0.0, whole(data.unit)))


def networks(tables: SocTables) -> Mapping[str, Network]:
    """Return the one network, of the variant that the tables name."""
    return single(
        Network(
            task=carbon,
            samples=partial(task.samples, tables),
            build=partial(task.make, tables),
            loss=task.loss,
            predict=task.predict,
            predict_block=task.predict_block,
            criteria={"loss": mean_criterion(task.mean_square)},
            table=task.features,
            pretrained=pretrained.read,
            # torch.func.vmap of PyTorch 2.13 has no rule for the LSTM of the other two.
            stackable=tables.network.variant == "cnn",
        )
    )


SPEC: Spec[SocTables] = Spec(networks=networks)
