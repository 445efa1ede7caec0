"""`bundle`: a finished run as a folder to hand on or to archive, and back.

A bundle holds the run without its data, states of training and locks, what is known of citation and licences, and a
checksum of every file of the run (`SHA256SUMS`, as the command sha256sum reads it).
"""

from __future__ import annotations

import datetime
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import yaml

from geoml_cli import registry
from geoml_cli.dataset.files import require_space, require_writable_folder, sha256, write_text
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.models.card import Card
from geoml_cli.runs import checkpoint
from geoml_cli.runs.data_record import DATA_FILE
from geoml_cli.runs.observations import observation_words, observed_tables
from geoml_cli.runs.run import Run
from geoml_cli.version import __version__
from geoml_cli.work.reporting import Reporter

SUMS = "SHA256SUMS"
_RUN = "run"
_LEFT_OUT = ("last", "trackers", "kept")
"""Folders that only the machine of the training needs: the state to resume from, records of trackers, and what spares
an evaluation time."""
_LOCKS = (".lock", ".holder")
_AGAIN = "Copy or download the bundle again."
_UNKNOWN = "not given"
_DOI = re.compile(r"10\.\d{4,9}(?:\.\d+)?/[A-Za-z0-9:/_;\-.()\[\]\\]*[A-Za-z0-9]")
"""As the Citation File Format has it; a full stop behind one is not part of it."""


class Attribution(NamedTuple):
    """Who made a run, and the data that it was trained on.

    Attributes:
        authors: Of the run; empty where not given.
        data_licence: What the data are licensed under; empty where not given.
        data_citation: How the data are cited, likewise: authors before the first comma.
    """

    authors: tuple[str, ...] = ()
    data_licence: str = ""
    data_citation: str = ""

    def with_source(self, source: str) -> Attribution:
        """Return it with what the source's providers say, where the user says nothing."""
        if source not in registry.sources():  # of an imported checkpoint
            return self
        card = registry.source_card(source)
        licence, citation = self.data_licence or card.licence, self.data_citation or card.citation
        return self._replace(data_licence=licence, data_citation=citation)


class Bundle(NamedTuple):
    """A bundle that was written.

    Attributes:
        folder: Where.
        files: How many files of the run it holds.
        missing: What a reader would expect and the run does not hold.
        attribution: What is known of authors and data.
        observed: Files of the run that hold observed values, relative to the bundle.
    """

    folder: Path
    files: int
    missing: list[str]
    attribution: Attribution
    observed: list[str]


def contents(run: Run, *, observations: bool = True) -> list[Path]:
    """Name the files of a run that go into its bundle, relative to the run; with tables of observed values or not."""
    names = list(_to_hand_on(run))
    left_out = set() if observations else set(observed_tables(run, names))
    left_out |= {name.with_name(f"{name.name}-metadata.json") for name in left_out}
    return [name for name in names if name not in left_out]


def _to_hand_on(run: Run) -> Iterator[Path]:
    # An evaluation that was stopped while it wrote is none.
    broken = [folder for folder in run.folder.glob("evaluation/*") if not (folder / "metrics.json").is_file()]
    for path in sorted(run.folder.rglob("*")):
        own = path.relative_to(run.folder)
        store = next((place for place, part in enumerate(own.parts) if part.endswith(".zarr")), len(own.parts))
        is_hidden = any(part.startswith(".") for part in own.parts[:store])  # a store keeps its metadata so
        is_left_out = set(own.parts) & {*_LEFT_OUT} or path.name.endswith(_LOCKS) or set(path.parents) & {*broken}
        if path.is_file() and not is_hidden and not is_left_out:
            yield own


def bundle(run: Run, out: Path, attribution: Attribution, reporter: Reporter, *, observations: bool = True) -> Bundle:
    """Write the bundle of a run.

    Args:
        run: A finished run.
        out: Folder that is made.
        attribution: What the user says of authors and data; the source's card fills what it can.
        reporter: Receives progress.
        observations: Whether tables that hold observed values go along.

    Raises:
        DataError: The run is not finished, or a checkpoint of it is damaged.
        SettingsError: There is such a folder already.
    """
    _require_finished(run)
    if out.exists():  # whatever it holds may be the user's own by now
        raise SettingsError("is there already.", where=f"--out {out}", fix="Name another folder, or take it away.")
    above = next(parent for parent in out.absolute().parents if parent.exists())
    require_writable_folder(above, "Choose another --out.")
    names = contents(run, observations=observations)
    require_space(out.parent, sum((run.folder / name).stat().st_size for name in names))
    fresh = out.with_name(f".{out.name}.part")
    shutil.rmtree(fresh, ignore_errors=True)
    with reporter.task("bundle", len(names)) as advance:
        for name in names:
            (fresh / _RUN / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(run.folder / name, fresh / _RUN / name)
            advance(1)
    _forget_place(fresh / _RUN / DATA_FILE)
    observed = [f"{_RUN}/{name.as_posix()}" for name in observed_tables(run, _to_hand_on(run))]
    card, missing, attribution = registry.card(run.model), _missing(run), attribution.with_source(run.data().source)
    on_observations = observation_words(observed, attribution.data_licence or _UNKNOWN, included=observations)
    write_text(fresh / "README.md", _readme(run, card, missing, attribution, on_observations))
    write_text(fresh / "CITATION.cff", _citation(run, card, attribution))
    # Of the run alone: authors and a word to readers may be written into the other files.
    written = sorted(path.relative_to(fresh).as_posix() for path in (fresh / _RUN).rglob("*") if path.is_file())
    write_text(fresh / SUMS, "".join(f"{sha256(fresh / name)}  {name}\n" for name in written))
    fresh.rename(out)
    return Bundle(out, len(written), missing, attribution, observed)


def unbundle(folder: Path, runs: Path, into: Path | None) -> Run:
    """Make a run of a bundle.

    Args:
        folder: The bundle.
        runs: Folder of runs.
        into: Folder of the new run; None for that of its model, preset and name among the runs.

    Raises:
        DataError: A file is missing, damaged or not of the bundle.
        SettingsError: There is such a run already.
    """
    names = _checked(folder)
    run = Run(folder / _RUN)
    place = into or _among(runs, run)
    if place.exists():
        raise SettingsError("is there already.", where=str(place), fix="Name another folder with --run.")
    own = [name for name in names if name.startswith(f"{_RUN}/")]
    require_space(place.parent, sum((folder / name).stat().st_size for name in own))
    fresh = place.with_name(f".{place.name}.part")
    shutil.rmtree(fresh, ignore_errors=True)
    for name in own:
        target = fresh / PurePosixPath(name).relative_to(_RUN)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, target)
    fresh.rename(place)
    return Run(place)


def _among(runs: Path, run: Run) -> Path:
    """Return the folder of a bundle's run among the runs; its name comes from whoever made the bundle."""
    parts = PurePosixPath(run.id).parts
    if parts[:-1] != (run.model, run.preset) or {"/", ".", ".."} & {*parts} or run.model not in registry.models():
        raise DataError(
            f"calls its run {run.id!r}, which is no MODEL/PRESET/NAME.",
            where=str(run.folder),
            fix="Name the folder of the run with --run, if you trust the bundle.",
        )
    return runs.joinpath(*parts)


def _require_finished(run: Run) -> None:
    if unfinished := [name for name, status in run.record().members.items() if status != "finished"]:
        raise DataError(
            f"is not trained to its end ({', '.join(unfinished)}).",
            where=str(run.folder),
            fix=f"Resume with `geoml train {run.quoted}`.",
        )
    for name in run.members():
        run.scaling(name)  # compares their checksums
        checkpoint.read(run.member(name).checkpoint("best"))


def _checked(folder: Path) -> list[str]:
    """Return the files of a bundle, each of which is whole, and none of which lies elsewhere."""
    sums = folder / SUMS
    if not folder.is_dir():
        raise DataError("there is no such folder.", where=str(folder), fix="Name the folder that `geoml bundle` made.")
    if not sums.is_file():
        raise DataError(
            f"is no bundle (it has no {SUMS}).",
            where=str(folder),
            fix="Name the folder that `geoml bundle` made; unpack an archive first.",
        )
    try:
        pairs = [line.split("  ", 1) for line in sums.read_text(encoding="utf-8").splitlines()]
        found = {name: digest for digest, name in pairs}
    except ValueError as error:
        raise DataError("is damaged.", where=str(sums), fix=_AGAIN) from error
    if f"{_RUN}/run.json" not in found:
        raise DataError("names no run.", where=str(sums), fix=_AGAIN)
    for name, digest in found.items():
        path = folder / name
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or path.is_symlink():
            raise DataError(f"names {name!r}, which lies elsewhere.", where=str(sums), fix="Do not use this bundle.")
        if not path.is_file() or sha256(path) != digest:
            raise DataError("is missing or damaged (its checksum differs).", where=str(path), fix=_AGAIN)
    there = {path.relative_to(folder).as_posix() for path in (folder / _RUN).rglob("*") if not path.is_dir()}
    if unnamed := sorted(there - found.keys()):
        raise DataError(f"does not name {unnamed[0]}, which is in the folder.", where=str(sums), fix=_AGAIN)
    return list(found)


def _forget_place(path: Path) -> None:
    """Take the folder of the data set out of `data.json`: it is another machine's."""
    record = json.loads(path.read_text(encoding="utf-8"))
    write_text(path, json.dumps(record | {"folder": None}, indent=1) + "\n")


def _missing(run: Run) -> list[str]:
    missing = []
    if not (run.evaluation("test") / "metrics.json").is_file():
        missing.append(f"no evaluation: `geoml evaluate {run.quoted}` makes one")
    if not run.export.is_dir():
        missing.append(f"no exported network: `geoml export {run.quoted}` makes one")
    return missing


def _readme(run: Run, card: Card, missing: Sequence[str], attribution: Attribution, observations: str) -> str:
    data = run.data()
    without = "".join(f"\nNot in it: {text.partition(':')[0]}.\n" for text in missing)
    return f"""# {run.id}

A trained run of {card.title} ({card.paper}), made by geoml {__version__}.

- `{_RUN}/`: settings, splits, scalings, weights, scores and predictions; `{_RUN}/environment.json` has the versions.
- Data set: source {data.source}, digest {data.digest or "unknown"}. It is not in this folder.
{observations}- Licence of the data: {attribution.data_licence or _UNKNOWN}
- Citation of the data: {attribution.data_citation or _UNKNOWN}
- Terms of the paper's release: {card.licence}
- `{SUMS}`: a checksum of every file of the run, for `sha256sum -c {SUMS}`.
{without}
To use it, install geoml and run

    geoml import bundle .

in this folder, which makes a run that predicts, evaluates and exports like any other. All of these read the data set as
well: prepare it from the raw files (`geoml prepare {data.source} RAW`), or name it with `--data`.
"""


def _citation(run: Run, card: Card, attribution: Attribution) -> str:
    """Write a citation in the Citation File Format 1.2.0."""
    paper = card.paper + (f", doi:{card.doi}" if card.doi else "")
    document = {
        "cff-version": "1.2.0",
        "message": "If you use this run, cite it, the paper of its network and its data.",
        "type": "dataset",
        "title": f"{card.title}: run {run.id}",
        "abstract": f"Licence of the data: {attribution.data_licence.rstrip('.') or _UNKNOWN}.",
        "date-released": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "authors": [{"name": name} for name in attribution.authors or ("Authors of this run",)],
        "references": [_reference("article", card.title, paper)],
    }
    if attribution.data_citation:
        title = f"Data of source {run.data().source}"
        document["references"] = [*document["references"], _reference("data", title, attribution.data_citation)]
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120))


def _reference(kind: str, title: str, text: str) -> dict[str, Any]:
    """Return a reference of which only a text is known; the format wants authors and a title."""
    doi = _DOI.search(text)
    names = [{"name": text.partition(",")[0].strip() or text}]
    return {"type": kind, "title": title, "authors": names, "notes": text} | ({"doi": doi.group()} if doi else {})
