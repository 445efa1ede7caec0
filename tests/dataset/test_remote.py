"""Files at addresses: fetched whole, once, and sent; with a file system in memory and a web server of this process."""

from __future__ import annotations

import errno
import gzip
import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import fsspec
import pytest

from geoml_cli.dataset import address_files, remote
from geoml_cli.dataset.addresses import open_address
from geoml_cli.dataset.sending import companions, require_writable, send
from geoml_cli.errors import DataError, DiskError, GeomlError, SettingsError
from geoml_cli.work.reporting import NullReporter

FILES = {"points.csv": b"x,y\n1,2\n", "covs/height.tif": b"II*\0" * 9, "covs/a b.tif": b"II*\0"}


class Web(SimpleHTTPRequestHandler):
    """A web server that says nothing on stderr, and refuses or says less where it is told to."""

    asked: list[str] = []  # noqa: RUF012  of all requests
    refused: dict[str, int] = {}  # noqa: RUF012  status by the end of a path
    unsaid: set[str] = set()  # noqa: RUF012  headers
    methods: set[str] = {"HEAD", "GET"}  # noqa: RUF012  that are refused

    def send_head(self) -> Any:
        for end, status in self.refused.items():
            if self.path.endswith(end) and self.command in self.methods:
                self.send_error(status)
                return None
        return super().send_head()

    def send_header(self, keyword: str, value: str) -> None:
        if keyword not in self.unsaid:
            super().send_header(keyword, value)

    def end_headers(self) -> None:
        if self.path.endswith(".gz"):  # as many servers do
            self.send_header("Content-Encoding", "gzip")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        if self.command == "GET":
            self.asked.append(self.path)


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    for name, content in FILES.items():
        system.pipe_file(f"/bucket/raw/{name}", content)
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    folder = tmp_path / "site"
    for name, content in FILES.items():
        (folder / "raw data" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "raw data" / name).write_bytes(content)
    for told in (Web.asked, Web.refused, Web.unsaid):
        told.clear()
    Web.methods |= {"HEAD", "GET"}
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Web, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", folder / "raw data"
    server.shutdown()
    server.server_close()
    thread.join()


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_is_copied_under_its_own_name(memory, tmp_path):
    reporter = NullReporter()
    copy = remote.fetch("memory://bucket/raw", tmp_path, reporter)
    assert copy.name == "raw" and content(copy) == FILES
    assert reporter.said == [f"memory://bucket/raw: 3 files, 0.0 MiB, are fetched into {copy}."]
    assert remote.origin_of(copy) == "memory://bucket/raw"
    assert remote.origin_of(tmp_path) == ""


def test_a_packed_file_stays_packed_where_a_web_server_calls_that_a_way_to_send_it(web, tmp_path):
    address, folder = web
    (folder / "points.csv.gz").write_bytes(gzip.compress(b"x,y\n1,2\n"))
    copy = remote.fetch(f"{address}/raw data/points.csv.gz", tmp_path, NullReporter())
    assert gzip.decompress(copy.read_bytes()) == b"x,y\n1,2\n"
    assert content(remote.fetch(f"{address}/raw data/", tmp_path, NullReporter())) == content(folder)


def test_only_what_has_changed_is_fetched_again_and_what_is_gone_goes(memory, tmp_path, monkeypatch):
    copy = remote.fetch("memory://bucket/raw", tmp_path, NullReporter())
    fetched = []
    monkeypatch.setattr(type(memory), "get_file", spy(type(memory).get_file, fetched))
    memory.pipe_file("/bucket/raw/points.csv", b"x,y\n3,4\n")
    memory.pipe_file("/bucket/raw/new.csv", b"1")
    memory.rm_file("/bucket/raw/covs/height.tif")
    (copy / "stray.tif").write_bytes(b"")
    remote.fetch("memory://bucket/raw", tmp_path, NullReporter())
    assert sorted(fetched) == ["/bucket/raw/new.csv", "/bucket/raw/points.csv"]
    assert content(copy) == {"points.csv": b"x,y\n3,4\n", "new.csv": b"1", "covs/a b.tif": FILES["covs/a b.tif"]}


def test_a_file_that_was_changed_here_is_fetched_again(memory, tmp_path):
    copy = remote.fetch("memory://bucket/raw", tmp_path, NullReporter())
    (copy / "points.csv").write_text("cut")
    assert content(remote.fetch("memory://bucket/raw", tmp_path, NullReporter())) == FILES


def test_what_came_before_a_failure_is_not_fetched_again(memory, tmp_path, monkeypatch):
    whole, fetched = type(memory).get_file, []

    def failing(self, path, *args, **given):
        if path.endswith("height.tif"):
            raise ConnectionError("reset by peer")
        return whole(self, path, *args, **given)

    monkeypatch.setattr(remote, "STREAMS", 1)
    with monkeypatch.context() as patch:
        patch.setattr(type(memory), "get_file", failing)
        with pytest.raises(DataError, match=r"cannot be read .ConnectionError: reset by peer.*repeat the command"):
            remote.fetch("memory://bucket/raw", tmp_path, NullReporter())
    monkeypatch.setattr(type(memory), "get_file", spy(whole, fetched))
    assert content(remote.fetch("memory://bucket/raw", tmp_path, NullReporter())) == FILES
    assert "/bucket/raw/covs/height.tif" in fetched and "/bucket/raw/covs/a b.tif" not in fetched  # by name the first


def test_a_file_that_comes_short_is_refused_and_not_kept(memory, tmp_path, monkeypatch):
    def short(self, path, target, **given):
        Path(target).write_bytes(b"x")

    monkeypatch.setattr(type(memory), "get_file", short)
    with pytest.raises(DataError, match=r"1 of .* bytes came"):
        remote.fetch("memory://bucket/raw/points.csv", tmp_path, NullReporter())
    assert not remote.copy_of("memory://bucket/raw/points.csv", tmp_path).exists()


def test_a_single_file_brings_what_belongs_to_it(memory, tmp_path):
    for name in ("region.shp", "region.dbf", "region.shx", "region.prj", "other.dbf", "map.tif", "map.tif.aux.xml"):
        memory.pipe_file(f"/bucket/{name}", name.encode())
    copy = remote.fetch("memory://bucket/region.shp", tmp_path, NullReporter())
    assert sorted(content(copy.parent)) == ["region.dbf", "region.prj", "region.shp", "region.shx"]
    raster = remote.fetch("memory://bucket/map.tif", tmp_path, NullReporter())
    assert sorted(content(raster.parent)) == ["map.tif", "map.tif.aux.xml"]


def test_a_dry_run_fetches_nothing(memory, tmp_path):
    with pytest.raises(SettingsError, match=r"not fetched yet.*Leave --dry-run out once"):
        remote.fetch("memory://bucket/raw", tmp_path / "copies", NullReporter(), dry_run=True)
    assert not (tmp_path / "copies").exists()
    copy = remote.fetch("memory://bucket/raw", tmp_path / "copies", NullReporter())
    assert remote.fetch("memory://bucket/raw", tmp_path / "copies", NullReporter(), dry_run=True) == copy


def test_what_is_not_there_is_refused(memory, tmp_path):
    with pytest.raises(DataError, match="no such file or folder"):
        remote.fetch("memory://bucket/nothing", tmp_path, NullReporter())
    memory.makedirs("/bucket/empty")
    with pytest.raises(DataError, match="there are no files"):
        remote.fetch("memory://bucket/empty", tmp_path, NullReporter())


def test_a_name_that_leads_out_of_the_copy_is_refused(memory, tmp_path):
    memory.store["/bucket/raw/../../evil"] = memory.store["/bucket/raw/points.csv"]
    with pytest.raises(DataError, match="is no name of a file in it"):
        remote.fetch("memory://bucket/raw", tmp_path, NullReporter())


def test_what_the_disk_has_no_room_for_is_not_begun(memory, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 10}))
    with pytest.raises(DiskError, match="are needed"):
        remote.fetch("memory://bucket/raw", tmp_path, NullReporter())


def test_a_disk_that_is_full_on_the_way_is_named(memory, tmp_path, monkeypatch):
    def full(self, path, target, **given):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(type(memory), "get_file", full)
    with pytest.raises(DiskError, match=r"points.csv: could not be written .No space left"):
        remote.fetch("memory://bucket/raw/points.csv", tmp_path, NullReporter())


@pytest.mark.parametrize(
    ("address", "what"),
    [
        ("nothing://a/b", "that fsspec does not know"),
        ("oss://a/b", "need a package that is not"),
        ("s3://..", "no file"),
    ],
)
def test_addresses_that_cannot_be_used_are_refused(tmp_path, address, what):
    with pytest.raises(SettingsError, match=what):
        remote.fetch(address, tmp_path, NullReporter())


def test_a_folder_of_a_web_server_is_its_list_of_links(web, tmp_path):
    address, folder = web
    copy = remote.fetch(f"{address}/raw%20data/", tmp_path / "copies", NullReporter())
    assert copy.name == "raw data" and content(copy) == FILES
    Web.asked.clear()
    remote.fetch(f"{address}/raw%20data/", tmp_path / "copies", NullReporter())
    assert all(path.endswith("/") or path.endswith("covs") for path in Web.asked)  # lists alone
    (folder / "points.csv").write_bytes(b"x,y\n1,2\n5,6\n")
    assert content(remote.fetch(f"{address}/raw%20data/", tmp_path / "copies", NullReporter())) == content(folder)


def test_a_file_of_a_web_server_has_the_name_before_the_question_mark(web, tmp_path):
    address, _ = web
    copy = remote.fetch(f"{address}/raw%20data/points.csv?download=1", tmp_path / "copies", NullReporter())
    assert copy.name == "points.csv" and copy.read_bytes() == FILES["points.csv"]


def test_a_whole_copy_is_used_where_the_server_cannot_be_reached_and_one_in_parts_is_not(web, tmp_path):
    address, folder = web
    other, reporter = "http://127.0.0.1:9", NullReporter()
    with pytest.raises(DataError, match="cannot be read"):
        remote.fetch(f"{other}/raw%20data/", tmp_path / "copies", reporter)
    copy = remote.fetch(f"{address}/raw%20data/", tmp_path / "copies", reporter)
    moved = remote.copy_of(f"{other}/raw%20data/", tmp_path / "copies").parent
    moved.rmdir()
    copy.parent.rename(moved)
    record = moved.with_name(f"{moved.name}.json")
    copy.parent.with_name(f"{copy.parent.name}.json").rename(record)
    assert content(remote.fetch(f"{other}/raw%20data/", tmp_path / "copies", reporter)) == content(folder)
    assert "cannot be read" in reporter.warned[-1] and "is used, as it was fetched before" in reporter.warned[-1]
    known = json.loads(record.read_text())
    for path, text in ((record, json.dumps({**known, "whole": False})), (moved / "raw data" / "points.csv", "cut")):
        before = path.read_text()
        path.write_text(text)
        with pytest.raises(DataError, match="cannot be read"):
            remote.fetch(f"{other}/raw%20data/", tmp_path / "copies", reporter)
        path.write_text(before)
    assert remote.fetch(f"{other}/raw%20data/", tmp_path / "copies", reporter)
    (moved / "raw data" / "points.csv").unlink()
    with pytest.raises(DataError, match="cannot be read"):
        remote.fetch(f"{other}/raw%20data/", tmp_path / "copies", reporter)


def test_what_was_written_is_sent_but_for_hidden_parts(memory, tmp_path):
    for name in ("map.tif", "map.png", "cube.zarr/.zgroup", "cube.zarr/0.0", ".map.tif.parts/plan.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    sent = send(tmp_path, "memory://bucket/maps/2020/map.tif", NullReporter())
    names = ["cube.zarr/.zgroup", "cube.zarr/0.0", "map.png", "map.tif"]
    assert sorted(sent) == [f"memory://bucket/maps/2020/{name}" for name in names]
    assert [memory.cat(f"/bucket/maps/2020/{name}") for name in names] == [name.encode() for name in names]


def test_what_cannot_be_sent_is_named_and_stays(memory, tmp_path, monkeypatch):
    (tmp_path / "map.tif").write_text("map")
    monkeypatch.setattr(type(memory), "put_file", lambda *given, **more: None)
    with pytest.raises(GeomlError, match=r"could not be written .*copy it, or repeat the command") as refused:
        send(tmp_path, "memory://bucket/map.tif", NullReporter())
    assert refused.value.where == "memory://bucket/map.tif" and refused.value.exit_code == 1
    assert (tmp_path / "map.tif").is_file()


def test_outputs_go_to_no_web_server_and_into_no_full_folder(memory):
    with pytest.raises(SettingsError, match="web server"):
        require_writable("https://example.org/map.tif", NullReporter())
    with pytest.raises(SettingsError, match="is a folder with files in it"):
        require_writable("memory://bucket/raw", NullReporter())
    with pytest.raises(SettingsError, match="is a hidden name"):
        require_writable("memory://bucket/.map.tif", NullReporter())
    require_writable("memory://bucket/raw/points.csv", NullReporter())  # a file is replaced, as on a disk
    require_writable("memory://bucket/map.zarr", NullReporter())


@pytest.mark.parametrize("status", [403, 500, 503])
def test_a_server_that_refuses_is_no_server_that_has_nothing(web, tmp_path, status):
    address, _ = web
    copies, reporter = tmp_path / "copies", NullReporter()
    Web.refused["points.csv"] = status
    for place in ("/raw%20data/", "/raw%20data/points.csv"):
        with pytest.raises(DataError, match=rf"cannot be read \(ClientResponseError: {status}"):
            remote.fetch(f"{address}{place}", copies, reporter)
    Web.refused.clear()
    single = remote.fetch(f"{address}/raw%20data/points.csv", copies, reporter)
    Web.refused["points.csv"] = status
    assert remote.fetch(f"{address}/raw%20data/points.csv", copies, reporter) == single
    assert "is used, as it was fetched before" in reporter.warned[-1]
    Web.refused["points.csv"] = 404
    with pytest.raises(DataError, match="there is no such file"):
        remote.fetch(f"{address}/raw%20data/points.csv", copies, reporter)


def test_what_a_server_says_nothing_of_is_fetched_each_time(web, tmp_path):
    address, folder = web
    Web.unsaid |= {"Last-Modified", "Content-Length"}
    reporter = NullReporter()
    remote.fetch(f"{address}/raw%20data/", tmp_path / "copies", reporter)
    assert "does not say when files change" in reporter.said[-1]
    (folder / "points.csv").write_bytes(b"x,y\n9,9\n")
    assert content(remote.fetch(f"{address}/raw%20data/", tmp_path / "copies", reporter)) == content(folder)


def test_a_page_in_place_of_a_file_is_refused(web, tmp_path):
    address, folder = web
    with pytest.raises(DataError, match=r"raw%20data: is a page of the web server.*ends with /"):
        remote.fetch(f"{address}/raw%20data", tmp_path / "copies", NullReporter())
    (folder.parent / "linked").mkdir()
    (folder.parent / "linked" / "index.html").write_text('<a href="covs">covs</a>')  # a folder without its /
    (folder.parent / "linked" / "covs").mkdir()
    with pytest.raises(DataError, match=r"linked/covs: is a page of the web server"):
        remote.fetch(f"{address}/linked/", tmp_path / "copies", NullReporter())


def test_names_are_those_that_this_machine_gives_them(memory, tmp_path, monkeypatch):
    """Buckets have names with two slashes: the second look must not take the file away."""
    whole, more = address_files._listed, ["/bucket/raw/covs//rain.tif"]

    memory.pipe_file("/bucket/rain.tif", FILES["points.csv"])

    def listed(remote):
        yield from whole(remote)
        yield from ((path, memory.info("/bucket/rain.tif")) for path in more)

    monkeypatch.setattr(address_files, "_listed", listed)
    for _ in range(2):
        copy = remote.fetch("memory://bucket/raw", tmp_path, NullReporter())
        assert content(copy) == {**FILES, "covs/rain.tif": FILES["points.csv"]}
    more.append("/bucket/raw/covs/./rain.tif")
    with pytest.raises(DataError, match=r"'raw/covs/rain.tif' is the name of two files here"):
        remote.fetch("memory://bucket/raw", tmp_path, NullReporter())


def test_a_folder_may_become_a_file_and_none_is_both(memory, tmp_path, monkeypatch):
    remote.fetch("memory://bucket/raw", tmp_path, NullReporter())
    memory.rm("/bucket/raw/covs", recursive=True)
    memory.pipe_file("/bucket/raw/covs", b"now a file")
    copy = remote.fetch("memory://bucket/raw", tmp_path, NullReporter())
    assert content(copy) == {"points.csv": FILES["points.csv"], "covs": b"now a file"}
    both = ["raw/covs", "raw/covs/height.tif"]
    with pytest.raises(DataError, match="'raw/covs' is a file and a folder"):
        address_files._refuse_names(open_address("memory://bucket/raw"), both)


@pytest.mark.parametrize(
    ("address", "name", "shown"),
    [
        ("s3://lab/run#2", "run#2", "s3://lab/run#2"),
        ("memory://lab/a%20b.csv", "a%20b.csv", "memory://lab/a%20b.csv"),
        ("HTTPS://user:secret@host/a%20b.csv?sig=SECRET#x", "a b.csv", "https://host/a%20b.csv"),
        ("MEMORY://lab/x/", "x", "memory://lab/x/"),
    ],
)
def test_names_and_records_of_addresses(address, name, shown):
    found = open_address(address)
    assert (found.name, found.address) == (name, shown)


def test_a_folder_that_cannot_be_sent_whole_is_taken_back(memory, tmp_path, monkeypatch):
    for name in ("map.zarr/.zgroup", "map.zarr/0.0", "map.zarr/0.1", "map.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    whole, sent = type(memory).put_file, []

    def failing(self, path, target, **given):
        sent.append(target)
        if target.endswith("0.1"):
            raise PermissionError("read only")
        return whole(self, path, target, **given)

    monkeypatch.setattr(type(memory), "put_file", failing)
    with pytest.raises(GeomlError, match="could not be written"):
        send(tmp_path, "memory://bucket/map.zarr", NullReporter())
    assert not [path for path in memory.store if "map.zarr" in path]
    assert not any(path.endswith(".zgroup") for path in sent), "what opens the store goes last"
    monkeypatch.undo()
    require_writable("memory://bucket/map.zarr", NullReporter())
    send(tmp_path, "memory://bucket/map.zarr", NullReporter())
    assert memory.exists("/bucket/map.zarr/.zgroup")


def test_a_copy_that_is_being_read_loses_no_file(web, tmp_path):
    """A server that says nothing of versions: every command fetches anew, one while another reads."""
    address, _ = web
    Web.unsaid.add("Last-Modified")
    copy = remote.fetch(f"{address}/raw%20data/", tmp_path / "copies", NullReporter())
    with (copy / "points.csv").open("rb") as reader:
        Web.refused["height.tif"] = 503
        Web.methods.remove("HEAD")
        with pytest.raises(DataError):
            remote.fetch(f"{address}/raw%20data/", tmp_path / "copies", NullReporter())
        assert content(copy) == FILES and reader.read() == FILES["points.csv"]


def test_a_refresh_that_fails_leaves_the_copy_as_it_was(memory, tmp_path, monkeypatch):
    copy, reporter = remote.fetch("memory://bucket/raw", tmp_path, NullReporter()), NullReporter()
    memory.pipe_file("/bucket/raw/points.csv", b"x,y\n3,4\n")
    with monkeypatch.context() as patch:
        patch.setattr(type(memory), "get_file", lambda *given, **more: 1 / 0)
        with pytest.raises(DataError, match="cannot be read"):
            remote.fetch("memory://bucket/raw", tmp_path, reporter)
        assert content(copy) == FILES
        patch.setattr(type(memory), "isdir", lambda *given: 1 / 0)
        assert remote.fetch("memory://bucket/raw", tmp_path, reporter) == copy
    assert "is used, as it was fetched before" in reporter.warned[-1]
    assert content(remote.fetch("memory://bucket/raw", tmp_path, reporter))["points.csv"] == b"x,y\n3,4\n"


def test_a_refresh_that_is_interrupted_is_not_taken_for_whole(memory, tmp_path, monkeypatch):
    """A file may have been replaced and not recorded."""
    copy = remote.fetch("memory://bucket/raw", tmp_path, NullReporter())
    memory.pipe_file("/bucket/raw/points.csv", b"x,y\n3,4\n")
    with monkeypatch.context() as patch:
        patch.setattr(remote, "_fetched", interrupted)
        with pytest.raises(KeyboardInterrupt):
            remote.fetch("memory://bucket/raw", tmp_path, NullReporter())
        patch.setattr(type(memory), "isdir", lambda *given: 1 / 0)
        with pytest.raises(DataError, match="cannot be read"):
            remote.fetch("memory://bucket/raw", tmp_path, NullReporter())
    assert content(copy) == FILES


def interrupted(*given):
    raise KeyboardInterrupt
    yield


def test_a_dry_run_takes_nothing_away(memory, tmp_path):
    copy = remote.fetch("memory://bucket/raw", tmp_path, NullReporter())
    memory.rm_file("/bucket/raw/covs/height.tif")
    with pytest.raises(SettingsError, match="not fetched yet"):
        remote.fetch("memory://bucket/raw", tmp_path, NullReporter(), dry_run=True)
    assert content(copy) == FILES


def test_a_companion_that_may_not_be_read_is_told(memory, tmp_path, monkeypatch):
    monkeypatch.setattr(type(memory), "get_file", lambda *given, **more: 1 / 0)
    reporter = NullReporter()
    with companions(tmp_path / "map.tif", "memory://bucket/map.tif", reporter):
        pass
    assert "map.png at the address cannot be read" in reporter.warned[0] and not list(tmp_path.iterdir())


def test_links_that_ask_for_a_file_are_files_and_those_that_sort_are_not(web, tmp_path):
    address, folder = web
    (folder / "index.html").write_text(
        '<a href="?C=N;O=D">Name</a> <a href="points.csv?download=1">points</a> <a href="points.csv">same</a>'
    )
    copy = remote.fetch(f"{address}/raw%20data/", tmp_path / "copies", NullReporter())
    assert content(copy) == {"points.csv": FILES["points.csv"]}
    (folder / "index.html").write_text('<a href="points.csv?download=1">points</a>')
    assert content(remote.fetch(f"{address}/raw%20data/", tmp_path / "copies", NullReporter())) == content(copy)


@pytest.mark.parametrize("status", [403, 404])
def test_side_files_that_a_server_has_not_are_left_out(web, tmp_path, status):
    address, folder = web
    for name in ("region.shp", "region.dbf", "region.shx", "region.prj"):
        (folder / name).write_text(name)
    Web.refused["region.cpg"] = status
    copy = remote.fetch(f"{address}/raw%20data/region.shp", tmp_path / "copies", NullReporter())
    assert sorted(content(copy.parent)) == ["region.dbf", "region.prj", "region.shp", "region.shx"]


def test_a_folder_whose_sending_is_interrupted_is_taken_back(memory, tmp_path, monkeypatch):
    for name in ("map.zarr/.zgroup", "map.zarr/0.0", "map.zarr/0.1"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    whole = type(memory).put_file

    def interrupted(self, path, target, **given):
        whole(self, path, target, **given)
        if target.endswith("0.1"):
            raise KeyboardInterrupt

    monkeypatch.setattr(type(memory), "put_file", interrupted)
    with pytest.raises(KeyboardInterrupt):
        send(tmp_path, "memory://bucket/map.zarr", NullReporter())
    assert not [path for path in memory.store if "map.zarr" in path]


def spy(function, paths):
    def watched(self, path, *args, **given):
        paths.append(path)
        return function(self, path, *args, **given)

    return watched
