"""`audit`: what a careful reviewer asks of a run's splits, answered from the run and its data set."""

from __future__ import annotations

from geoml_cli.config.settings import Settings
from geoml_cli.dataset.store import Dataset, check_content
from geoml_cli.evaluation.audit import audit_network
from geoml_cli.evaluation.audited import Line
from geoml_cli.inference.load import TrainedRun
from geoml_cli.runs.data import same_data
from geoml_cli.runs.run import Run
from geoml_cli.work.reporting import Reporter


def audit_run(run: Run, dataset: Dataset, settings: Settings, reporter: Reporter) -> dict[str, list[Line]]:
    """Audit every network of a run, trained or not, by name.

    Args:
        run: The run.
        dataset: The data set it was trained on.
        settings: The run's own.
        reporter: Receives progress.

    Raises:
        DataError: The data set is another one, or a split or scaling of the run is damaged.
    """
    same_data(run, dataset)
    if settings.shared.data.verify:
        check_content(dataset)
    trained = TrainedRun(run, tuple(run.planned()), settings)
    found = {}
    with reporter.task("audit", len(trained.networks)) as advance:
        for name in trained.networks:
            found[name] = audit_network(trained, name, dataset, trained.network_samples(name, dataset))
            advance(1)
    return found
