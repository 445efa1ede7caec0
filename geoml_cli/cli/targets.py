"""Which run and which data set a command's MODEL|RUN means."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from geoml_cli import registry
from geoml_cli.cli import options
from geoml_cli.errors import DataError, SettingsError

if TYPE_CHECKING:
    from geoml_cli.dataset.store import Dataset
    from geoml_cli.runs.run import Run
    from geoml_cli.work.reporting import Reporter


def run_of(target: str, preset: str | None, assignments: Sequence[str], reporter: Reporter) -> Run:
    """Return a run by its folder, or a model's newest finished one, of any preset where none is named; say which.

    Raises:
        SettingsError: It is neither.
        DataError: There is no finished run.
    """
    from geoml_cli.runs.find import newest
    from geoml_cli.runs.run import Run

    if target in registry.models():
        name = Path(preset).stem if preset and preset.endswith(".toml") else preset
        if name == preset and name is not None:
            registry.preset_file(target, name)
        found = newest(options.runs_root(), target, name)
        reporter.info(f"Run: {found.folder} (preset {found.preset})")
        return Run(found.folder, assignments)
    folder = Path(target)
    if folder.is_dir():
        if preset is not None:
            raise SettingsError(
                "--preset goes with a model, not with a run's folder.", where=target, fix="Leave it out."
            )
        reporter.info(f"Run: {folder}")
        return Run(folder, assignments)
    raise _no_target(target)


def model_of(target: str) -> str:
    """Return the model that a target names, or the model of a run's folder.

    Raises:
        SettingsError: It is neither a model nor a folder.
        DataError: The folder is no run.
    """
    if target in registry.models():
        return target
    if Path(target).is_dir():
        from geoml_cli.runs.run import Run

        return Run(Path(target)).model
    raise _no_target(target)


def _no_target(target: str) -> SettingsError:
    choices = registry.models()
    return SettingsError(
        f"{target!r} is neither a model nor a run's folder.",
        fix=f"{registry.suggestion(target, choices)}Models: {', '.join(choices)}; runs: `geoml list runs`.",
    )


def dataset_of(run: Run, data: Path | None, *, other: bool = False, by_option: bool = True) -> Dataset:
    """Open the data set a run belongs to: `--data`, or where it was trained on, or where its source goes.

    Args:
        run: The run.
        data: Given by the user.
        other: Another data set of the same source will do, where the user names one: new samples to predict.
        by_option: Whether the user may name it with `--data`, for messages.

    Raises:
        DataError: It is not there, or is another one.
    """
    from geoml_cli.dataset.store import Dataset
    from geoml_cli.runs.data import is_own_data, like_data, same_data

    record = run.data()
    places = [options.data_folder(record.source, data)]
    if data is None and record.folder is not None:
        places.insert(0, Path(record.folder))
    places = list(dict.fromkeys(places))
    found = [place for place in places if (place / "manifest.json").is_file()]
    if not found:
        named = "Name it with --data" if by_option else "Put it there again"
        raise DataError(
            f"the data set of run {run.id} is not there.",
            where=" and ".join(map(str, places)),
            fix=f"{named}, or make it with `geoml prepare {record.source} RAW --data {quote(str(places[-1].parent))}`.",
        )
    dataset = Dataset(found[0])
    if data is not None and other:
        like_data(run, dataset)
        return dataset
    if not is_own_data(run, dataset):  # other data took its place
        dataset = next((one for one in map(Dataset, found[1:]) if is_own_data(run, one)), dataset)
    same_data(run, dataset)
    return dataset
