"""The record that makes this folder a model."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from geoml_cli.dataset.variables import Variable
from geoml_cli.models.spec import Network, Spec, single
from geoml_cli.models.tidenet import baselines, pretrained, task
from geoml_cli.models.tidenet.settings import TidenetTables
from geoml_cli.samples.samples import Signature
from geoml_cli.tasks.forecast import forecast, scaled_scores
from geoml_cli.tasks.task import MapScores, Task


def fields(tables: TidenetTables, data: Signature) -> Task:
    """Return the task: the next maps of the data set's quantity."""
    scores = tables.scores
    scaled = scaled_scores(scores.thresholds, scores.fractions)
    maps = MapScores(scaled, "climatology", data.target_step, scores.threshold)
    return forecast(Variable(data.target_name, data.unit, data.target_name), maps)


def networks(tables: TidenetTables) -> Mapping[str, Network]:
    """Return the network that the settings describe."""
    return single(
        Network(
            task=partial(fields, tables),
            samples=partial(task.samples, tables),
            build=partial(task.build, tables),
            loss=partial(task.loss, tables),
            predict=partial(task.predict, tables),
            criteria=task.criteria(tables),
            baselines=baselines.BASELINES,
            pretrained=partial(pretrained.read, tables),
            next_inputs=task.next_inputs,
            label=tables.network.variant,
        )
    )


SPEC = Spec[TidenetTables](networks)
