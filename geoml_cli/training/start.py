"""Fine-tuning: members that start from the weights of another run, and what these have seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from geoml_cli import registry
from geoml_cli.config.load import read_settings
from geoml_cli.config.tables.train import TrainSettings
from geoml_cli.dataset.store import NAME, Dataset
from geoml_cli.errors import DataError, GeomlError, SettingsError
from geoml_cli.models.spec import Spec
from geoml_cli.runs import checkpoint
from geoml_cli.runs.run import Run
from geoml_cli.samples.samples import Samples, WindowSpan
from geoml_cli.samples.scaling import Scaling
from geoml_cli.splits.identity import Described, common_spans, recognised_by
from geoml_cli.splits.overlaps import overlapping, predicting_alike
from geoml_cli.splits.split import Rows, Split
from geoml_cli.work.distinct import distinct

WHERE = "[train] start_run"
"""For messages."""


class Start(NamedTuple):
    """A trained member of another run."""

    run: Run
    member: str

    @property
    def scaling(self) -> Scaling:
        """Return the scaling that its weights belong to; the smearing is that of residuals which are not this run's."""
        found = self.run.scaling(self.member)
        return found.model_copy(update={"target": found.target.model_copy(update={"smearing": 1.0})})

    def weights(self) -> Mapping[str, Tensor]:
        """Return its best weights.

        Raises:
            DataError: It is not trained to its end, or its checkpoint is damaged.
        """
        return checkpoint.weights(checkpoint.best_of(self.run, self.member))


def start_of(settings: TrainSettings, name: str, network: str) -> Start | None:
    """Return the member that a new member starts from; None where it starts from fresh weights.

    It is the one that `start_member` names, the one of the same name, or the only one of the network.

    Raises:
        SettingsError: There is no such member, or it is not clear which is meant.
    """
    if not settings.start_run:
        return None
    run = Run(Path(settings.start_run))
    candidates = [member for member in run.planned() if run.network(member) == network]
    if not candidates:
        raise SettingsError(
            f"run {run.id} has no member of the {network or 'network'}.",
            where=WHERE,
            fix="Start from a run that has one, or train it in a run of its own, from fresh weights.",
        )
    if settings.start_member:
        registry.require_choice(f"member of run {run.id}", settings.start_member, candidates)
        return Start(run, settings.start_member)
    if name in candidates:
        return Start(run, name)
    if len(candidates) != 1:
        raise SettingsError(
            f"run {run.id} has no member {name}, and several others.",
            where=WHERE,
            fix=f"Name one with --set train.start_member=NAME: {', '.join(candidates)}.",
        )
    return Start(run, candidates[0])


def described(settings: TrainSettings, dataset: Dataset) -> str:
    """Say where the members of a run start from, and what of it is kept; empty where from fresh weights.

    Args:
        settings: The run's `[train]`.
        dataset: The data set that it is trained on.
    """
    if not settings.start_run:
        return ""
    scaling = "with scaling fitted on the training rows of this run" if settings.rescale else "with its scaling"
    frozen = f"; frozen parts: {', '.join(settings.freeze)}" if settings.freeze else ""
    why = unknown(settings, dataset)
    return (
        f"Fine-tuned from the weights of run {Path(settings.start_run).name}, {scaling}{frozen}{'; ' * bool(why)}{why}."
    )


def unknown(settings: TrainSettings, dataset: Dataset) -> str:
    """Say of which runs that weights began as it is not known whether they have seen test rows, and why.

    Args:
        settings: The run's `[train]`.
        dataset: The data set that it is trained on.
    """
    return "; ".join(text for text in map(partial(_unknown, dataset), _began_as(settings)) if text)


def _began_as(settings: TrainSettings) -> Iterator[Path]:
    """Give the folder of the run that weights began as, of that which these began as, and so on."""
    seen: set[Path] = set()
    while settings.start_run and (folder := Path(settings.start_run)) not in seen:
        seen.add(folder)
        yield folder
        try:
            settings = read_settings(Run(folder).config).shared.train
        except GeomlError:  # it is gone, or of another version
            return


def _unknown(dataset: Dataset, folder: Path) -> str:
    """Say why rows that weights have seen cannot be distinguished from this run's; empty where they can."""
    try:
        run = Run(folder)
        theirs = _data_of(run, dataset)
        if theirs is not None and (theirs is dataset or _are_comparable(theirs, dataset)):
            return ""
        why = "does not say what it was trained on"
        if run.data().digest:
            lost = f", which is no longer in {run.data().folder}" if theirs is None else ""
            why = f"was trained on another data set{lost}"
    except GeomlError:
        why = "is no longer there, or cannot be read"
    return f"run {folder.name} {why}, so whether the weights have seen test rows of this run is not known"


def _data_of(run: Run, dataset: Dataset) -> Dataset | None:
    """Return the data set that a run was trained on: the given one, or another; None where it is no longer there.

    Raises:
        DataError: The run's record is damaged.
    """
    record = run.data()
    if record.digest == dataset.manifest.digest():
        return dataset
    folder = Path(record.folder or "")
    if not (folder / NAME).is_file():
        return None
    try:
        other = Dataset(folder)
    except DataError:
        return None
    return other if other.manifest.digest() == record.digest else None


@dataclass(frozen=True)
class HeldOut:
    """Rows that weights must not have seen before.

    Attributes:
        dataset: The data set.
        samples: As the network sees them.
        split: Of a member that starts from other weights.
        by_windows: Whether windows must not share a step either, and not only be those of other targets.
    """

    dataset: Dataset
    samples: Samples
    split: Split
    by_windows: bool

    def met_by(self, one: Start) -> int | None:
        """Count the rows of test and validation that a member has been trained on; None where that is not known.

        Test rows that chose its checkpoint count as well. Rows of another data set are compared by place and time.
        """
        other = _data_of(one.run, self.dataset)
        if other is None or (other is not self.dataset and not _are_comparable(other, self.dataset)):
            return None
        theirs, split = one.run.split(one.member), self.split
        # Validation rows too: weights that have seen them would look better there than they are.
        held_out = np.concatenate([split.validation, split.test])
        pairs = ((held_out, theirs.train), (split.test, theirs.validation))
        samples = _samples_of(one, other)
        if other is not self.dataset:
            spans = common_spans(Described(self.dataset, self.samples), Described(other, samples))
            known = [own[self._meet(own, seen, *both)] for both in spans for own, seen in pairs]
            return len(distinct(*known))
        return len(distinct(*[own[self._shared(own, seen, samples.span)] for own, seen in pairs]))

    def _shared(self, own: Rows, other: Rows, theirs: WindowSpan | None) -> NDArray[np.bool_]:
        """Tell which of the own rows the other's are or meet, [R]."""
        if self.samples.span is None or theirs is None:
            return np.isin(own, other)
        # A row's number is of another window where windows are cut at another stride.
        return self._meet(own, other, self.samples.span, theirs)

    def _meet(self, own: Rows, other: Rows, span: WindowSpan, theirs: WindowSpan) -> NDArray[np.bool_]:
        compare = overlapping if self.by_windows else predicting_alike
        return compare(own, other, span, theirs)


def _samples_of(one: Start, dataset: Dataset) -> Samples:
    settings = read_settings(one.run.config)
    spec: Spec[Any] = registry.spec(settings.model)
    return spec.networks(settings.own)[one.run.network(one.member)].samples(dataset)


def _are_comparable(one: Dataset, other: Dataset) -> bool:
    """Return whether samples of one data set are recognised in another."""
    known = recognised_by(one)
    # A mean of a year has the time of its first month.
    return known != () and known == recognised_by(other) and one.manifest.step == other.manifest.step


def seen_before(start: Start, held_out: HeldOut) -> Iterator[tuple[Start, int]]:
    """Give the members that weights began as, with the held-out rows that each has met; `unknown` names the others."""
    for one in _ancestors(start, held_out.split.network):
        if (count := held_out.met_by(one)) is not None:
            yield one, count


def refuse_seen(start: Start, held_out: HeldOut) -> None:
    """Refuse weights that have seen the rows that are to be tested.

    Raises:
        DataError: A row of test or validation is among the training rows of a member that they began as.
    """
    digest = held_out.dataset.manifest.digest()
    for one, count in seen_before(start, held_out):
        if not count:
            continue
        steps = ", or on time steps of theirs" if held_out.samples.span is not None else ""
        if one.run.data().digest != digest:
            place, *time = recognised_by(held_out.dataset)
            named = f"{place} or station" if held_out.dataset.has("station") else place
            steps += f": its data set has rows of the same {' and '.join([named, *time])}"
        raise DataError(
            f"member {one.member} was trained or chosen on {count} of the rows that this run holds out{steps}.",
            where=f"{WHERE} = {one.run.folder}",
            fix="Start from a member whose training rows are others, such as those of another region.",
        )


def _ancestors(start: Start, network: str) -> Iterator[Start]:
    """Give a member, the one that it began as, and so on, as far as their runs are there."""
    settings = read_settings(start.run.config).shared.train
    yield start
    for folder in _began_as(settings):
        if not (folder / "run.json").is_file():
            return
        before = start_of(settings, start.member, network)
        assert before is not None, "there is a folder to start from"
        yield before
        start, settings = before, read_settings(before.run.config).shared.train
