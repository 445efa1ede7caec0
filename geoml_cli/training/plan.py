"""What a run will train: the rows and the scaling of every member."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from geoml_cli import registry
from geoml_cli.config.load import written
from geoml_cli.config.settings import Settings
from geoml_cli.config.tables.paper import PaperSettings
from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.models.spec import Network, Spec
from geoml_cli.runs.create import Plan
from geoml_cli.runs.data_record import DataRecord
from geoml_cli.samples import scaling
from geoml_cli.samples.samples import Samples, Signature, signature
from geoml_cli.samples.settings import InputSettings, TargetSettings
from geoml_cli.splits.buffers import drop_near
from geoml_cli.splits.drawn import ALL
from geoml_cli.splits.map_points import file_of_points
from geoml_cli.splits.members import splits
from geoml_cli.splits.overlaps import MIXED, drop_overlaps
from geoml_cli.splits.split import Rows, Split, restrict_to
from geoml_cli.splits.too_few import TooFewGroupsError
from geoml_cli.splits.window_times import variables_of
from geoml_cli.tasks.task import Task
from geoml_cli.training.at_once import refuse_at_once
from geoml_cli.training.fitting import require_fitting
from geoml_cli.training.freezing import check_freeze, frozen_classes
from geoml_cli.training.memory import require_memory
from geoml_cli.training.processes import refuse_accumulation
from geoml_cli.training.recorded import refuse_graphs
from geoml_cli.training.start import HeldOut, refuse_seen, start_of
from geoml_cli.training.start_scaling import kept_scaling, refuse_other_network, scaling_of
from geoml_cli.work.distinct import distinct


def plan_run(settings: Settings, dataset: Dataset, only: Sequence[str] | None = None) -> Plan:
    """Split the rows and fit the scaling of every member; nothing is written.

    Raises:
        DataError: The data set has no target values, or cannot be split so.
        SettingsError: There is no such member as one of `only`, the preset is meant for other data, or a step of
            training does not fit into memory.
    """
    require_fitting(settings, dataset)
    settings = resolved(settings, dataset)
    shared, networks = settings.shared, networks_of(settings)
    # What can be refused from settings and shapes alone is refused before rows are split and scaling is fitted.
    _check_restore(shared.train.restore, networks)
    refuse_accumulation(networks, shared.train)
    refuse_graphs(networks, shared.train)
    refuse_at_once(networks, shared.train)
    samples = {name: network.samples(dataset) for name, network in networks.items()}
    signatures = {name: signature(network_samples) for name, network_samples in samples.items()}
    if registry.spec(settings.model).pipeline is None:  # of several networks one part may be trained alone
        _refuse_unused_target(shared.target, [(networks[key].task(signatures[key]), samples[key]) for key in networks])
    _refuse_other_range(shared.inputs, list(samples.values()))
    check_freeze(shared.train.freeze, networks, signatures)
    _check_paper(shared.paper, networks, signatures)
    require_memory(networks, signatures, shared.train)
    split_rows = _split(settings, dataset, samples)
    for name in only or ():
        registry.require_choice("member", name, split_rows)
    members: dict[str, tuple[Split, scaling.Scaling]] = {}
    fitted: dict[tuple[str, bytes], scaling.Scaling] = {}
    for name, split in split_rows.items():
        _refuse_small_batches(networks[split.network], name, split, shared.train.batch_size)
        start = start_of(shared.train, name, split.network)
        if start:
            refuse_other_network(start, signatures[split.network], split.network, rescale=shared.train.rescale)
            refuse_seen(start, HeldOut(dataset, samples[split.network], split, shared.split.exclude_overlaps))
        target = target_settings(settings, signatures, split.network)
        kept = None
        if start and not shared.train.rescale:
            kept = kept_scaling(start, target, shared, dataset.manifest)
        # Where a scaling is kept, these rows give the ranges of inputs only.
        target = TargetSettings() if kept else target
        # Members of a fold that differ in their seed alone have the same rows, and one fit.
        rows = split.network, hashlib.sha256(split.train.tobytes()).digest()
        fitted[rows] = fitted.get(rows) or scaling.fit(samples[split.network], split.train, shared.inputs, target)
        frozen = frozen_classes(networks[split.network], shared.train.freeze)
        members[name] = (split, scaling_of(start, kept, fitted[rows], frozen) if start else fitted[rows])
    data = DataRecord(
        source=shared.source,
        digest=dataset.manifest.digest(),
        folder=str(dataset.folder.resolve()),
        signatures=signatures,
        units=dataset.manifest.units(),
        file_units=dataset.manifest.file_units(),
        step=dataset.manifest.step,
    )
    return Plan(
        settings.model, settings.preset, written(settings), settings.traced(), data, members, kernels=_kernels(settings)
    )


def resolved(settings: Settings, dataset: Dataset) -> Settings:
    """Return settings with what the data set decides written out, so that a run keeps it whatever it predicts."""
    spec: Spec[Any] = registry.spec(settings.model)
    if spec.resolved is None:
        return settings
    found = replace(settings, own=spec.resolved(settings.own, dataset))
    before = settings.flat()
    changed = {key: f"{settings.origins.get(key, 'default')}, {before[key]}" for key, value in found.flat().items()
               if value != before[key]}  # fmt: skip
    return replace(found, origins=settings.origins | changed)


def _check_restore(named: str, networks: Mapping[str, Network]) -> None:
    """Refuse a name that is no validation score of every network.

    Raises:
        SettingsError: With the choices.
    """
    for network in networks.values():
        registry.require_choice("choice of train.restore", named, ["best", "last", *network.criteria])


def _check_paper(paper: PaperSettings, networks: Mapping[str, Network], data: Mapping[str, Signature]) -> None:
    """Refuse a published score that no evaluation will give, before hours of training.

    Raises:
        SettingsError: With the choices.
    """
    for number in paper.numbers:
        if number.network in networks:
            scores = [metric.name for metric in networks[number.network].task(data[number.network]).metrics]
            registry.require_choice("score of [paper] numbers", number.metric, scores)


def _refuse_unused_target(settings: TargetSettings, networks: Sequence[tuple[Task, Samples]]) -> None:
    """Refuse a transform or scaling that no network's target gets: the run would record what was not done.

    Raises:
        SettingsError: Targets are classes, or maps in the scaling of their inputs.
    """
    asked = {name: value for name, value in (("transform", settings.transform), ("scaling", settings.scaling))
             if value != "none"}  # fmt: skip
    if not asked or any(
        task.scales_target and of.target.values is not None and not of.target.scaler for task, of in networks
    ):
        return
    kind = "maps, which have the scaling of their inputs" if networks[0][0].target.dims else "classes"
    raise SettingsError(
        f"{' and '.join(f'{name} = {value!r}' for name, value in asked.items())} does not fit a target of {kind}.",
        where="[target]",
        fix=f"Leave it out, or use {' '.join(f'--set target.{name}=none' for name in asked)}.",
    )


def _refuse_other_range(settings: InputSettings, samples: Sequence[Samples]) -> None:
    """Refuse maps in another range than 0..1, in which they are clipped and have their thresholds, PSNR and SSIM.

    Raises:
        SettingsError: The scaling gives another.
    """
    if settings.scaling != "min-max" and any(of.target.scaler for of in samples):
        raise SettingsError(
            f"scaling = {settings.scaling!r}, but forecasts of maps have their thresholds, PSNR and SSIM in the range "
            "from 0 to 1.",
            where="[inputs]",
            fix="Use --set inputs.scaling=min-max.",
        )


def _refuse_small_batches(network: Network, member: str, split: Split, batch_size: int) -> None:
    """Refuse batches that a network cannot be trained on: one row has no deviation for BatchNorm."""
    least = network.smallest_batch
    if batch_size < least:
        raise SettingsError(
            f"batch_size = {batch_size}, but the network needs {least} rows a batch.",
            where="[train]",
            fix=f"Use --set train.batch_size={least} or more.",
        )
    if len(split.train) < least:
        raise DataError(
            f"member {member} has {len(split.train)} training row(s), but the network needs {least} a batch.",
            where="[split]",
            fix="Prepare more data, or split otherwise.",
        )


def networks_of(settings: Settings) -> Mapping[str, Network]:
    """Return the networks that the settings train."""
    spec: Spec[Any] = registry.spec(settings.model)
    return spec.networks(settings.own)


def _split(settings: Settings, dataset: Dataset, samples: Mapping[str, Samples]) -> dict[str, Split]:
    """Split the rows once for all networks, so that rows none has seen test all of them."""
    if settings.shared.split.map_points:  # kinds that do not read it leave it to the evaluation
        file_of_points(settings.shared.split.map_points)
    usable = {name: usable_rows(network_samples, dataset) for name, network_samples in samples.items()}
    together = distinct(*usable.values())
    shared, first = settings.shared.split, next(iter(samples.values()))
    members: dict[str, Split] = {}
    variables = variables_of(dataset, first)
    shorter = f"Use --set split.test=SHARE smaller than {shared.test:g}, or longer series."
    apart = shorter if shared.kind == "chronological" else MIXED
    try:
        drawn = splits(variables, shared, together, len(first))
    except TooFewGroupsError as error:
        raise _with_more_groups(error, shared.group_by, dataset) from error
    for name, split in drawn.items():
        kept = drop_near(variables, split, shared, len(first))
        # Windows of a model's networks end at the same steps: the span of the first stands for all.
        kept = drop_overlaps(kept, first.span, apart) if shared.exclude_overlaps else kept
        for network in samples:
            members[member_name(network, name)] = restrict_to(kept, network, usable[network]) if network else kept
    return members


def _with_more_groups(error: TooFewGroupsError, variable: str, dataset: Dataset) -> DataError:
    """Add how the source prepares more groups of the variable that was split by."""
    source = dataset.manifest.source
    known = registry.source_card(source).more_groups if source in registry.sources() else {}
    more = known.get(variable, "") if error.name.endswith(variable) else ""
    return DataError(error.what, where=error.where, fix=f"{more} {error.fix}".strip())


def target_settings(settings: Settings, signatures: Mapping[str, Signature], network: str) -> TargetSettings:
    """Return the `[target]` of a network; presence and classes are neither transformed nor scaled."""
    task = networks_of(settings)[network].task(signatures[network])
    return settings.shared.target if task.scales_target else TargetSettings()


def member_name(network: str, fold: str) -> str:
    """Name a member: `fold-1`, `classifier-fold-1`, or `classifier` where rows are split once."""
    return "-".join(word for word in (network, fold) if word) if not network or fold != ALL else network


def usable_rows(samples: Samples, dataset: Dataset) -> Rows:
    """Return the rows that can be trained on.

    Raises:
        DataError: No sample has an observed value.
    """
    usable = samples.usable()
    if not len(usable):
        again = f"Prepare again with the file that holds them: `geoml prepare {dataset.manifest.source} RAW --help`."
        raise DataError(
            f"no sample has an observed value of {samples.target.name}.",
            where=str(dataset.folder),
            fix=samples.target.if_unknown or again,
        )
    return usable


def _kernels(settings: Settings) -> str | None:
    """Name what computes the model's own loops here."""
    spec: Spec[Any] = registry.spec(settings.model)
    return spec.kernels.chosen(settings.own) if spec.kernels else None
