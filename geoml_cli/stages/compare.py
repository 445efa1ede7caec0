"""`compare`: runs side by side on the test rows that they have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from geoml_cli.dataset.store import Dataset, check_content
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.evaluation.inputs import open_network
from geoml_cli.evaluation.run_comparison import MOST_RUNS, RunComparison, compare_runs
from geoml_cli.inference.load import open_trained
from geoml_cli.runs.data import same_data
from geoml_cli.runs.run import Run
from geoml_cli.work.reporting import Reporter


def compare(runs: Sequence[Run], dataset: Dataset, reporter: Reporter) -> dict[str, RunComparison]:
    """Compare runs, each network that all have by its name.

    Args:
        runs: Two or more.
        dataset: The one that all were trained on.
        reporter: Receives progress.

    Raises:
        SettingsError: There are too few or too many runs, or they have no network in common.
        DataError: A run was trained on other data, or they have no test row in common.
    """
    named = _named(runs)
    _refuse_others(runs)
    same_data(runs[0], dataset)
    trained = {name: open_trained(run) for name, run in named.items()}
    if any(one.settings.shared.data.verify for one in trained.values()):
        check_content(dataset)
    networks = [set(one.networks) for one in trained.values()]
    common = [name for name in next(iter(trained.values())).networks if all(name in one for one in networks)]
    if not common:
        raise SettingsError(
            "the runs have no network in common.", where=" and ".join(named), fix="Compare runs of the same parts."
        )
    return {
        network: compare_runs(
            {name: open_network(one, dataset, "test", network) for name, one in trained.items()}, reporter
        )
        for network in common
    }


def _refuse_others(runs: Sequence[Run]) -> None:
    """Refuse runs that are not trained to their end, or were trained on different data sets."""
    for run in runs:
        if run.record().status != "finished":
            raise DataError(
                "is not trained to its end.", where=str(run.folder), fix=f"Resume with `geoml train {run.quoted}`."
            )
        if run.data().digest != runs[0].data().digest:
            raise DataError(
                f"was trained on another data set than {runs[0].folder}, so that their rows are not the same.",
                where=str(run.folder),
                fix="Compare runs of one data set.",
            )


def _named(runs: Sequence[Run]) -> Mapping[str, Run]:
    """Name runs as briefly as tells them apart: by their own name, else by preset too, else by model."""
    if not 2 <= len(runs) <= MOST_RUNS:
        raise SettingsError(
            f"compares 2 to {MOST_RUNS} runs, not {len(runs)}.", where="RUN", fix="Name each by its folder."
        )
    if len({run.folder.resolve() for run in runs}) < len(runs):
        raise SettingsError("a run is named twice.", where="RUN", fix="Name each once; `geoml list runs` has them.")
    for parts in (1, 2, 3):
        names = ["/".join(run.folder.resolve().parts[-parts:]) for run in runs]
        if len(set(names)) == len(runs):
            return dict(zip(names, runs, strict=True))
    return {str(run.folder): run for run in runs}
