"""The records that make this folder a model: one for each network, and the two together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from geoml_cli.dataset.variables import Variable
from geoml_cli.metrics.classification import BRIER, PR_AUC, ROC_AUC
from geoml_cli.metrics.regression import MAE, PEARSON, R2, RMSE
from geoml_cli.models.ech import features, inputs, pipeline, pretrained, task
from geoml_cli.models.ech.settings import EchTables
from geoml_cli.models.spec import Network, Spec, mean_criterion
from geoml_cli.samples.samples import Signature
from geoml_cli.tasks.binary import binary
from geoml_cli.tasks.regression import regression
from geoml_cli.tasks.task import Task

OF_PROBABILITY = (ROC_AUC, PR_AUC, BRIER)
OF_AMPLITUDE = (R2, RMSE, MAE, PEARSON)


def presence(tables: EchTables, data: Signature) -> Task:
    """Return the classifier's task."""
    target = Variable(data.target_name, "1", "1 where there is a wave, else 0")
    return binary(target, "a wave", OF_PROBABILITY, tables.wave.probability)


def amplitude(data: Signature) -> Task:
    """Return the regressor's task."""
    return regression(Variable(data.target_name, data.unit, "amplitude of the wave"), OF_AMPLITUDE)


def classifier(tables: EchTables) -> Network:
    """Return the first stage: is there a wave."""
    entropy = partial(task.cross_entropy, positive_weight=tables.wave.positive_weight)
    return Network(
        task=partial(presence, tables),
        samples=partial(task.samples, tables, "classifier"),
        build=partial(task.make, tables, "classifier"),
        loss=task.without_call(entropy),
        predict=partial(task.log_odds, positive_weight=tables.wave.positive_weight),
        criteria={"loss": mean_criterion(entropy)},
        table=features.table,
        groups=features.groups,
        pretrained=partial(pretrained.read, "classifier"),
        weights_note=task.weights_note(tables.wave.positive_weight),
        input_words=task.INPUT_WORDS,
    )


def regressor(tables: EchTables) -> Network:
    """Return the second stage: how strong is it."""
    return Network(
        task=amplitude,
        samples=partial(task.samples, tables, "regressor"),
        build=partial(task.make, tables, "regressor"),
        loss=task.without_call(task.mean_square),
        predict=task.predict,
        criteria={"loss": mean_criterion(task.mean_square)},
        table=features.table,
        groups=features.groups,
        pretrained=partial(pretrained.read, "regressor"),
        input_words=task.INPUT_WORDS,
    )


NETWORKS: Mapping[str, Callable[[EchTables], Network]] = {"classifier": classifier, "regressor": regressor}


def networks(tables: EchTables) -> Mapping[str, Network]:
    """Return both networks, or the one that `network.part` names."""
    chosen = NETWORKS if tables.network.part == "both" else (tables.network.part,)
    return {name: NETWORKS[name](tables) for name in chosen}


SPEC: Spec[EchTables] = Spec(
    networks=networks,
    pipeline=pipeline.pipeline,
    coordinates=features.coordinates,
    grid=inputs.grid,
)
