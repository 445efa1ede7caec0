from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from geoml_cli.errors import DataError
from geoml_cli.runs.create import new_folder
from geoml_cli.runs.find import newest, runs, unfinished
from geoml_cli.runs.run import Run


@pytest.fixture
def root(trained, tmp_path):
    """Three runs: finished, finished later, and stopped last."""
    parent = tmp_path / "soc" / "map"
    parent.mkdir(parents=True)
    for day in (1, 2, 3):
        folder = shutil.copytree(trained, parent / f"2026010{day}-000000")
        record = json.loads((folder / "run.json").read_text())
        record |= {"id": f"soc/map/{folder.name}", "created": f"2026-01-0{day}T00:00:00+00:00"}
        (folder / "run.json").write_text(json.dumps(record))
    Run(parent / "20260103-000000").mark("fold-2", "interrupted")
    return tmp_path


def test_the_newest_finished_run_is_found_and_the_newest_that_can_go_on(root):
    assert newest(root, "soc", "map").id == "soc/map/20260102-000000"
    assert unfinished(root, "soc", "map").id == "soc/map/20260103-000000"
    assert [folder.name[:8] for folder, _ in runs(root)] == ["20260101", "20260102", "20260103"]


def test_the_newest_is_that_of_time_and_not_of_text(root):
    """01:00 in Tokyo on the 3rd is before 18:00 in New York on the 2nd."""
    for folder, created in (("20260101", "2026-01-02T18:00:00-05:00"), ("20260102", "2026-01-03T01:00:00+09:00")):
        path = root / "soc" / "map" / f"{folder}-000000" / "run.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"created": created}))
    assert newest(root, "soc", "map").id == "soc/map/20260101-000000"


def test_runs_are_stamped_in_utc(trained):
    assert Run(trained).record().created.endswith("+00:00")


def test_folders_that_are_no_run_are_passed_over(root):
    (root / "soc" / "map" / "notes").mkdir()
    damaged = root / "soc" / "map" / "20260101-000000" / "run.json"
    damaged.write_text(damaged.read_text()[:40])
    assert [folder.name[:8] for folder, _ in runs(root)] == ["20260102", "20260103"]
    with pytest.raises(DataError, match=r"run\.json: is damaged\. Train again, or restore the file"):
        Run(damaged.parent)


def test_where_there_is_none_the_command_that_makes_one_is_said(root, tmp_path_factory):
    empty = tmp_path_factory.mktemp("empty")
    with pytest.raises(DataError, match=r"no finished run .* Make one with `geoml train soc --preset map`"):
        newest(empty, "soc", "map")
    for day in (1, 2):
        shutil.rmtree(root / "soc" / "map" / f"2026010{day}-000000")
    with pytest.raises(DataError, match=r"Resume with `geoml train soc --preset map --resume`"):
        newest(root, "soc", "map")
    Run(root / "soc" / "map" / "20260103-000000").mark("fold-2", "finished")
    with pytest.raises(DataError, match="there is no unfinished run"):
        unfinished(root, "soc", "map")


@pytest.mark.parametrize(
    ("statuses", "together"),
    [
        (("waiting", "waiting"), "waiting"),
        (("finished", "waiting"), "interrupted"),
        (("finished", "running"), "running"),
        (("failed", "running"), "failed"),
        (("finished", "interrupted"), "interrupted"),
        (("finished", "finished"), "finished"),
    ],
)
def test_the_run_s_status_follows_from_its_members(root, statuses, together):
    run = Run(root / "soc" / "map" / "20260101-000000")
    for member, status in zip(("fold-1", "fold-2"), statuses, strict=True):
        run.mark(member, status)
    assert run.record().status == together


def test_many_writers_of_run_json_lose_nothing(root):
    run = Run(root / "soc" / "map" / "20260101-000000")
    with run.changing() as record:
        record.members = {f"m{k}": "waiting" for k in range(40)}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda k: run.mark(f"m{k}", "finished"), range(40)))
    assert set(run.record().members.values()) == {"finished"} and run.record().status == "finished"


def test_runs_of_one_second_get_folders_of_their_own(tmp_path):
    folders = {new_folder(tmp_path, "soc", "map") for _ in range(5)}
    assert len(folders) == 5 and all(folder.is_dir() for folder in folders)


def test_a_history_cut_off_in_a_line_is_read_up_to_it(root):
    run = Run(root / "soc" / "map" / "20260101-000000")
    path = run.member("fold-1").history
    whole = run.history("fold-1")
    path.write_text(path.read_text() + '{"epoch": 9, "st')
    assert run.history("fold-1") == whole
