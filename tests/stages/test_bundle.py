"""`geoml bundle` and back: what goes along, what stays, and bundles that are damaged or lie."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import xarray
import yaml

from geoml_cli import registry
from geoml_cli.runs.observations import observed_tables
from geoml_cli.runs.run import Run
from geoml_cli.stages.bundle import Attribution, contents


@pytest.fixture
def bundled(trained, geoml, tmp_path):
    """Give the run, and a bundle of it."""
    run = shutil.copytree(trained, tmp_path / "run")
    (run / "trackers").mkdir()
    (run / "trackers/events").write_text("x")
    done = geoml("bundle", run, "--out", tmp_path / "bundle", "--author", 'A. "Q" Müller', "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["files"] == sum(path.is_file() for path in (tmp_path / "bundle/run").rglob("*"))
    return run, tmp_path / "bundle"


def test_a_bundle_predicts_like_the_run(bundled, data_root, geoml, tmp_path, monkeypatch):
    run, folder = bundled
    monkeypatch.setenv("GEOML_RUNS", str(tmp_path / "runs"))
    done = geoml("import", "bundle", folder)
    assert done.code == 0, done.err
    [made] = (tmp_path / "runs").glob("soc/map/*")
    predicted = [
        geoml("predict", place, "--data", data_root, "--index", "3", "--index", "9", "--json").out
        for place in (run, made)
    ]
    rows = [[{**row, "run": ""} for row in json.loads(text)] for text in predicted]
    assert rows[0] == rows[1] and len(rows[0]) == 2
    assert geoml("check", made, "--data", data_root).code == 0
    again = geoml("import", "bundle", folder)
    assert again.code == 2 and "Name another folder with --run" in again.err
    assert geoml("import", "bundle", folder, "--run", tmp_path / "other").code == 0


def test_maps_as_zarr_open_in_a_bundle(bundled, geoml, tmp_path):
    run, _ = bundled
    store = run / "predictions" / "map.zarr"
    xarray.Dataset({"soc": (("y", "x"), [[1.0, 2.0]])}).to_zarr(store, zarr_format=2)
    (run / "predictions" / ".half.tif").write_text("x")
    assert geoml("bundle", run, "--out", tmp_path / "again").code == 0
    with xarray.open_zarr(tmp_path / "again" / "run" / "predictions" / "map.zarr") as found:
        assert found.soc.values.tolist() == [[1.0, 2.0]]
    assert not (tmp_path / "again" / "run" / "predictions" / ".half.tif").exists()


def test_what_only_this_machine_needs_stays(bundled):
    run, folder = bundled
    names = {path.relative_to(folder / "run").as_posix() for path in (folder / "run").rglob("*") if path.is_file()}
    assert {"run.json", "config.toml", "environment.json", "calibration.json"} <= names
    assert not [name for name in names if "last/" in name or name.endswith(".lock") or name.startswith("trackers")]
    assert json.loads((run / "data.json").read_text())["folder"]
    record = json.loads((folder / "run/data.json").read_text())
    assert record["folder"] is None and record["digest"]


def test_checksums_are_those_of_sha256sum_and_the_citation_is_yaml(bundled):
    _, folder = bundled
    lines = dict(line.split("  ")[::-1] for line in (folder / "SHA256SUMS").read_text().splitlines())
    for name, digest in lines.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    if shutil.which("sha256sum"):
        assert subprocess.run(["sha256sum", "--quiet", "--check", "SHA256SUMS"], cwd=folder).returncode == 0
    citation = yaml.safe_load((folder / "CITATION.cff").read_text())
    assert citation["authors"] == [{"name": 'A. "Q" Müller'}] and citation["cff-version"] == "1.2.0"
    assert citation["references"][0]["doi"] == "10.3390/rs14184441"
    assert set(citation) == {*REQUIRED, "type", "abstract", "date-released", "references"}
    for reference in citation["references"]:
        assert {"type", "title", "authors"} <= set(reference), "what the Citation File Format 1.2.0 wants of one"


REQUIRED = {"cff-version", "message", "title", "authors"}


def test_a_bundle_says_that_nothing_is_known_of_the_data(trained, geoml, tmp_path):
    done = geoml("bundle", trained, "--out", tmp_path / "bundle", "--json")
    assert done.code == 0 and json.loads(done.out)["data"] == {"licence": None, "citation": None}
    remedies = re.findall(r"(licence|citation) of the data: not given\. Give it with (--data-\w+) TEXT", done.err)
    assert [name for name, _ in remedies] == ["licence", "citation"]
    text = (tmp_path / "bundle/README.md").read_text()
    assert "All of these read the data set as\nwell: prepare it from the raw files (`geoml prepare soc RAW`)" in text
    assert "- Licence of the data: not given\n- Citation of the data: not given\n" in text
    said = {"licence": "CC BY 4.0", "citation": "Doe \U0001f30d and Röe 2024, Soil: a survey, doi:10.1234/abc.5."}
    words = [word for name, flag in remedies for word in (flag, said[name])]
    done = geoml("bundle", trained, "--out", tmp_path / "other", "--author", "A", "--json", *words)
    assert json.loads(done.out)["data"] == said and "not given" not in done.err
    assert f"- Licence of the data: CC BY 4.0\n- Citation of the data: {said['citation']}\n" in (
        tmp_path / "other/README.md"
    ).read_text(encoding="utf-8")
    citation = yaml.safe_load((tmp_path / "other/CITATION.cff").read_text(encoding="utf-8"))
    assert citation["abstract"] == "Licence of the data: CC BY 4.0."
    assert citation["references"][1] == {
        "type": "data",
        "title": "Data of source soc",
        "authors": [{"name": "Doe \U0001f30d and Röe 2024"}],
        "notes": said["citation"],
        "doi": "10.1234/abc.5",
    }


def test_what_a_source_says_of_its_data_stands_where_the_user_says_nothing():
    card = registry.source_card("fluxnet")
    assert "CC BY 4.0" in card.licence and "10.1038/s41597-020-0534-3" in card.citation
    assert Attribution().with_source("fluxnet") == Attribution((), card.licence, card.citation)
    own = Attribution(("A",), "mine", "B")
    assert own.with_source("fluxnet") == own
    assert Attribution().with_source("soc") == Attribution().with_source("nowhere") == Attribution()


def flipped(folder):
    path = next((folder / "run/members").rglob("weights.safetensors"))
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


def elsewhere(folder):
    (folder.parent / "secret").write_text("x")
    digest = hashlib.sha256(b"x").hexdigest()
    sums = folder / "SHA256SUMS"
    sums.write_text(f"{sums.read_text()}{digest}  run/../../secret\n")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (flipped, "its checksum differs"),
        (elsewhere, "which lies elsewhere"),
        (lambda folder: (folder / "run/config.toml").unlink(), "config.toml: is missing or damaged"),
        (lambda folder: (folder / "SHA256SUMS").unlink(), "is no bundle"),
        (lambda folder: (folder / "SHA256SUMS").write_text("abc"), "SHA256SUMS: is damaged"),
        (lambda folder: (folder / "SHA256SUMS").write_text(""), "SHA256SUMS: names no run"),
        (
            lambda folder: (folder / "run/more.txt").write_text("x"),
            "does not name run/more.txt, which is in the folder",
        ),
        (shutil.rmtree, "there is no such folder"),
    ],
)
def test_damaged_bundles_are_refused(spoil, told, bundled, geoml, tmp_path):
    _, folder = bundled
    spoil(folder)
    refused = geoml("import", "bundle", folder, "--run", tmp_path / "made")
    assert refused.code == 3 and told in refused.err
    assert not (tmp_path / "made").exists()


def test_no_folder_is_overwritten_and_authors_may_be_written_into_a_bundle(bundled, geoml, tmp_path):
    run, folder = bundled
    (folder / "NOTES.md").write_text("mine")
    refused = geoml("bundle", run, "--out", folder)
    assert refused.code == 2 and "is there already" in refused.err and (folder / "NOTES.md").read_text() == "mine"
    assert geoml("bundle", run, "--out", tmp_path / "other", "-q").code == 0
    citation = tmp_path / "other/CITATION.cff"
    citation.write_text(citation.read_text().replace("Authors of this run", "B. Author"))
    assert geoml("import", "bundle", tmp_path / "other", "--run", tmp_path / "made").code == 0


def test_a_run_that_is_not_finished_is_no_bundle(trained, geoml, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    record = json.loads((run / "run.json").read_text())
    record["members"]["fold-2"] = "interrupted"
    (run / "run.json").write_text(json.dumps(record))
    refused = geoml("bundle", run, "--out", tmp_path / "bundle")
    assert refused.code == 3 and "Resume with `geoml train" in refused.err and not (tmp_path / "bundle").exists()


@pytest.mark.parametrize("name", ["../../elsewhere", "/elsewhere", "soc/map/..", "nix/map/a"])
def test_a_run_of_a_bundle_stays_among_the_runs(name, bundled, geoml, tmp_path, monkeypatch):
    _, folder = bundled
    monkeypatch.setenv("GEOML_RUNS", str(tmp_path / "a/b/runs"))
    path, sums = folder / "run/run.json", folder / "SHA256SUMS"
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_text(json.dumps(json.loads(path.read_text()) | {"id": name}))
    sums.write_text(sums.read_text().replace(before, hashlib.sha256(path.read_bytes()).hexdigest()))
    refused = geoml("import", "bundle", folder)
    assert refused.code == 3 and "no MODEL/PRESET/NAME" in refused.err and not (tmp_path / "a").exists()
    assert geoml("import", "bundle", folder, "--run", tmp_path / "named").code == 0


def test_observed_values_are_named_or_left_out(evaluated_run, data_root, geoml, tmp_path, monkeypatch):
    given = ("bundle", evaluated_run, "--data-licence", "ISMN: no republication.")
    done = geoml(*given, "--out", tmp_path / "with")
    table = "run/evaluation/test/predictions.csv"
    said = " ".join(done.err.split())
    assert f"holds observed values of the evaluated samples ({table}" in said
    assert "Licence of the data: ISMN: no republication. If it does not allow" in said
    readme = (tmp_path / "with/README.md").read_text(encoding="utf-8")
    assert f"are in this folder all the same: `{table}`" in readme and "(ISMN: no republication) holds for" in readme

    done = geoml(*given, "--out", tmp_path / "without", "--without-observations", "--json")
    found = json.loads(done.out)["observations"]
    assert not found["included"] and table in found["files"] and "observed values" not in done.err
    kept = {path for path in (tmp_path / "without/run").rglob("*") if path.is_file()}
    assert not [
        path for path in kept if path.suffix == ".csv" and "observed" in path.read_text().splitlines()[0].split(",")
    ]
    assert (tmp_path / "without/run/evaluation/test/scores.csv") in kept
    assert f"Left out, as they hold observed values: `{table}`" in (tmp_path / "without/README.md").read_text()
    plan = geoml("bundle", evaluated_run, "--out", tmp_path / "x", "--without-observations", "--dry-run").out
    assert "predictions.csv" not in plan and "scores.csv" in plan

    assert geoml("import", "bundle", tmp_path / "without", "--run", tmp_path / "back").code == 0
    assert geoml("evaluate", tmp_path / "back", "--data", data_root / "soc", "--quiet").code == 0
    assert (tmp_path / "back/evaluation/test/predictions.csv").is_file()


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".nc"])
def test_predicted_samples_hold_observed_values_too(trained, data_root, geoml, tmp_path, suffix):
    run = shutil.copytree(trained, tmp_path / "run")
    out = run / "predictions" / f"some{suffix}"
    given = ("predict", run, "--data", data_root, "--index", 1, "--index", 5, "--out", out, "--quiet")
    assert geoml(*given).code == 0
    assert [name.as_posix() for name in observed_tables(Run(run), contents(Run(run)))] == [f"predictions/some{suffix}"]
    kept = contents(Run(run), observations=False)
    assert Path(f"predictions/some{suffix}") not in kept
    # What describes a table goes with it.
    described = Path("predictions/some.csv-metadata.json")
    assert (described in contents(Run(run))) == (suffix == ".csv") and described not in kept


@pytest.mark.parametrize("name", ["half.nc", "half.parquet", "latin.csv"])
def test_tables_that_cannot_be_read_are_taken_for_observed(trained, tmp_path, name):
    """A file cut in half, or a user's own in another encoding, must not slip through, nor end the bundle."""
    run = Run(shutil.copytree(trained, tmp_path / "run"))
    run.predictions.mkdir(exist_ok=True)
    (run.predictions / name).write_bytes("Höhe\n1\n".encode("latin-1"))
    assert Path("predictions") / name not in contents(run, observations=False)
    assert Path("predictions") / name in contents(run)


def test_a_run_that_is_not_evaluated_holds_no_observed_values(trained, geoml, tmp_path):
    done = geoml("bundle", trained, "--out", tmp_path / "bundle", "--json")
    assert json.loads(done.out)["observations"] == {"files": [], "included": True}
    assert "observed" not in done.err and "bserved values" not in (tmp_path / "bundle/README.md").read_text()


@pytest.fixture
def evaluated_run(trained, geoml, data_root, tmp_path):
    """Give a copy of a run that was evaluated."""
    run = shutil.copytree(trained, tmp_path / "run")
    assert geoml("evaluate", run, "--data", data_root / "soc", "--quiet").code == 0
    return run


def test_an_evaluation_that_was_stopped_while_it_wrote_does_not_go_along(trained, geoml, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    (run / "evaluation/test/figures").mkdir(parents=True)
    for name in ("report.html", "scores.csv", "figures/scores.png"):
        (run / "evaluation/test" / name).write_text("of another evaluation")
    done = geoml("bundle", run, "--out", tmp_path / "bundle")
    assert done.code == 0 and "no evaluation" in done.err
    assert not (tmp_path / "bundle/run/evaluation").exists()
