"""A sweep: settings drawn by Optuna, a run for each trial, and a journal by which it is resumed.

The suggestions of trial K rest on the seed, K and the trials that ended before: a sweep that was killed and is resumed
suggests the same as one that was not. Several processes may share a sweep; each takes the trials that nobody else has.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from geoml_cli.config.spaces import Space
from geoml_cli.dataset.files import write_text
from geoml_cli.errors import DataError, DiskError, GeomlError, SettingsError, StoppedError
from geoml_cli.runs.run import Run
from geoml_cli.work.reasons import reason
from geoml_cli.work.reporting import Reporter

_STUDY = "sweep"
_HOPELESS = 3
"""Trials that fail before one succeeds, after which no more are tried."""
_RECORD, _JOURNAL, _LOCK = "sweep.json", "journal.log", "sweep.lock"


@dataclass(frozen=True)
class Trial:
    """A trial that was taken.

    Attributes:
        number: From 0.
        folder: Of its run.
        assignments: `key=value` texts of the settings that are searched.
        value: Its validation score, lower is better; None until it is known, or where it failed.
        state: finished, running or failed.
    """

    number: int
    folder: Path
    assignments: tuple[str, ...]
    value: float | None
    state: str


class Sweep:
    """A sweep on disk.

    Args:
        folder: Where it lies; made where there is none.
        spaces: What is searched.
        described: What else determines its trials: model, preset, settings, data. It must stay the same.
        seed: Of the suggestions.

    Raises:
        SettingsError: Optuna is not installed, nothing is searched, or the folder holds another sweep.
        DataError: Its journal is damaged.
    """

    def __init__(self, folder: Path, spaces: Sequence[Space], described: Mapping[str, Any], seed: int) -> None:
        if not spaces:
            raise SettingsError(
                "nothing is searched.", where="sweep", fix="Give a space, such as --set train.lr=log:1e-4..1e-2."
            )
        self.folder, self._spaces, self._seed = folder, tuple(spaces), seed
        self._record = {"described": dict(described), "spaces": [asdict(space) for space in spaces], "seed": seed}
        self._optuna = _optuna()
        self._join()
        self._study = self._open()

    def trials(self) -> list[Trial]:
        """Return the trials there are."""
        states = {"COMPLETE": "finished", "FAIL": "failed"}
        return [
            Trial(
                one.number,
                self._place(one.number),
                self._assignments(one.params),
                one.value if one.state.name == "COMPLETE" else None,
                states.get(one.state.name, "running"),
            )
            for one in self._study.get_trials(deepcopy=False)
            # A process that was killed while it asked leaves a trial without all of its settings.
            if len(one.params) == len(self._spaces)
        ]

    def run(self, count: int, train: Callable[[Trial], Run], reporter: Reporter) -> None:
        """Train trials until there are so many.

        Args:
            count: All of the sweep, those that ended before included.
            train: Trains, or resumes, the run of a trial.
            reporter: Receives trials that fail.

        Raises:
            GeomlError: The first trials all fail: the mistake is in what they share.
            StoppedError: A signal came; the trial resumes with the same command.
            DiskError: There is no room for its checkpoints; likewise.
        """
        while (taken := self._take(count)) is not None:
            trial, lock = taken
            try:
                run = train(trial)
                value = _score(run)
            except (DiskError, StoppedError):
                raise  # of no trial: the next would end so too, or shall not begin
            except GeomlError as error:
                self._study.tell(trial.number, state=self._optuna.trial.TrialState.FAIL)
                ended = self.trials()
                if len(ended) >= _HOPELESS and all(other.state == "failed" for other in ended):
                    raise
                reporter.warn(f"trial {trial.number} failed: {error.what} {error.fix}")
            else:
                self._warn_of_other_rows(trial, run, reporter)
                self._study.tell(trial.number, value)
                reporter.info(f"Trial {trial.number}: {value:.4g} ({', '.join(trial.assignments)})")
            finally:
                lock.release()

    def _warn_of_other_rows(self, trial: Trial, run: Run, reporter: Reporter) -> None:
        """Warn where a setting that is searched decides which samples there are, such as the length of windows."""
        first = next((one for one in self.trials() if one.state == "finished"), None)
        if first is not None and _differ_in_rows(run, first.folder):
            reporter.warn(
                f"trial {trial.number} is validated on other samples than trial {first.number}: their scores are "
                "not of the same rows."
            )

    def _take(self, count: int) -> tuple[Trial, FileLock] | None:
        """Return a trial that was left unfinished and that nobody trains, else a new one; None if there are enough."""
        with FileLock(self.folder / _LOCK):
            known = self.trials()
            for trial in known:
                if trial.state == "running" and (lock := self._locked(trial.number)) is not None:
                    return trial, lock
            if len(known) >= count:
                return None
            number = len(self._study.get_trials(deepcopy=False))
            lock = self._locked(number)
            assert lock is not None, "a trial that is not there yet"
            # A sampler of its own for each trial: what it suggests does not rest on who asked before.
            # Spread by a hash: generators of neighbouring seeds may begin alike.
            [seed] = np.random.SeedSequence((self._seed, number)).generate_state(1).tolist()
            self._study.sampler = self._optuna.samplers.TPESampler(seed=seed)
            asked = self._study.ask()
            for one in self._spaces:
                _suggest(asked, one)
            return Trial(number, self._place(number), self._assignments(asked.params), None, "running"), lock

    def _locked(self, number: int) -> FileLock | None:
        lock = FileLock(self.folder / f"trial-{number:03d}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return None
        return lock

    def _place(self, number: int) -> Path:
        return self.folder / f"trial-{number:03d}"

    def _assignments(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(f"{one.key}={_written(values[one.key])}" for one in self._spaces if one.key in values)

    def _join(self) -> None:
        """Note what is searched, or compare it with what is noted."""
        path = self.folder / _RECORD
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / _LOCK):
            if not path.is_file():
                write_text(path, json.dumps(self._record, indent=1) + "\n")
                return
            try:
                found = json.loads(path.read_text(encoding="utf-8"))
            except ValueError as error:
                raise DataError("is damaged.", where=str(path), fix="Begin another sweep with --name.") from error
        # As JSON gives it back: a tuple is a list there.
        if found != (own := json.loads(json.dumps(self._record))):
            raise SettingsError(
                f"holds a sweep of other spaces, settings or data{_first_difference(found, own)}.",
                where=str(self.folder),
                fix="Begin another with --name.",
            )

    def _open(self) -> Any:  # noqa: ANN401  an extra
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        path = self.folder / _JOURNAL
        try:
            with _quiet():
                storage = JournalStorage(JournalFileBackend(str(path)))
                return self._optuna.create_study(
                    storage=storage, study_name=_STUDY, direction="minimize", load_if_exists=True
                )
        except (ValueError, KeyError, OSError) as error:
            raise DataError(
                f"cannot be read: {reason(error)}.", where=str(path), fix="Begin another sweep with --name."
            ) from error


def _first_difference(found: Any, own: Any) -> str:  # noqa: ANN401  JSON
    """Name a setting that differs and its values; empty where something else does, or the record is of another kind."""
    one, other = (record.get("described", {}).get("settings") for record in (found, own))
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return ""
    differing = (key for key in other if key not in one or one[key] != other[key])
    return next((f" ({key} was {one.get(key)!r}, and is {other[key]!r})" for key in differing), "")


def _score(run: Run) -> float:
    """Return the mean over members of the validation loss of the weights that predict."""
    found = []
    for name in run.members():
        step = run.member(name).best().step()  # as `train.restore` chose it
        values = [float(entry["val_loss"]) for entry in run.history(name) if entry["step"] == step]
        if not values:
            raise DataError("holds no validation.", where=str(run.member(name).history), fix="Train longer.")
        found.append(values[-1])
    if not found:
        raise DataError("has no trained member.", where=str(run.folder), fix="Train it again.")
    return sum(found) / len(found)


def _differ_in_rows(run: Run, folder: Path) -> bool:
    """Return whether a run is validated on other samples than that in a folder; a run that was deleted says nothing."""
    try:
        others = {name: Run(folder).split(name).validation for name in run.members()}
    except DataError:
        return False
    return any(not np.array_equal(run.split(name).validation, rows) for name, rows in others.items())


def _suggest(trial: Any, space: Space) -> None:  # noqa: ANN401  an extra
    if space.choices:
        trial.suggest_categorical(space.key, list(space.choices))
    elif space.whole:
        trial.suggest_int(space.key, int(space.low), int(space.high), log=space.log)
    else:
        trial.suggest_float(space.key, space.low, space.high, log=space.log)


def _written(value: Any) -> str:  # noqa: ANN401  whatever was suggested
    return value if isinstance(value, str) else f"{value:.6g}" if isinstance(value, float) else str(value)


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what Optuna calls experimental
        yield


def _optuna() -> Any:  # noqa: ANN401  an extra
    try:
        import optuna
    except ImportError as error:
        raise SettingsError(
            "sweeps need optuna, which is not installed.",
            where="sweep",
            fix="Install it with `pip install 'geoml[sweep]'`.",
        ) from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna
