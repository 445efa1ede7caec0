"""Index, ephemeris and wave files in their providers' layouts, as written and as they come damaged."""

from __future__ import annotations

import gzip
import shutil

import numpy as np
import pytest

from geoml_cli.errors import DataError
from geoml_cli.sources.ech import files
from geoml_cli.sources.ech import synthetic_series as made

TIME = np.datetime64("2015-12-31T22:00:00", "s") + np.arange(240).astype("timedelta64[m]")
SME = np.arange(240.0) + 50
SYMH = -np.arange(240.0) / 4
SYMH = np.rint(SYMH)
SME[7], SYMH[100] = np.nan, np.nan
NAN = np.isnan


def same(loaded, name, values):
    np.testing.assert_array_equal(loaded.time, TIME)
    np.testing.assert_array_equal(loaded.values[name], values)


def test_supermag_ascii(tmp_path):
    path = made.supermag(tmp_path / "s.txt", TIME, {"SME": SME, "SML": -SME})
    same(files.read(path), "sme", SME)


def test_supermag_csv_with_a_mark_crlf_and_gzip(tmp_path):
    path = made.supermag_csv(tmp_path / "s.csv", TIME, {"SME": SME, "SMU": SME})
    text = path.read_text().replace("\n", "\r\n")
    (tmp_path / "t é.csv.gz").write_bytes(gzip.compress(b"\xef\xbb\xbf" + text.encode()))
    same(files.read(path), "sme", SME)
    same(files.read(tmp_path / "t é.csv.gz"), "sme", SME)


def test_omni_across_a_new_year(tmp_path):
    loaded = files.read(made.omni(tmp_path / "omni_min2015.asc", TIME, SYMH, SME))
    same(loaded, "symh", SYMH)
    same(loaded, "ae", SME)


def test_iaga(tmp_path):
    loaded = files.read(made.iaga(tmp_path / "i.min", TIME, {"SYM-H": SYMH, "SME": SME}))
    same(loaded, "symh", SYMH)
    same(loaded, "sme", SME)


@pytest.mark.parametrize("code", ["ASY", "SYM"])
def test_an_iaga_file_whose_station_is_called_like_the_index(tmp_path, code):
    lines = [f" {name:<23}{value:<45}|" for name, value in (("Format", "IAGA-2002"), ("IAGA Code", code))]
    lines += ["DATE       TIME         DOY     ASY-D     ASY-H     SYM-D     SYM-H   |"]
    lines += ["2013-03-17 00:00:00.000 076        10.00     20.00     -3.00    -12.00"]
    lines += ["2013-03-17 00:01:00.000 076        10.00     20.00     -3.00  99999.00"]
    (tmp_path / "sym.dat").write_text("\n".join(lines) + "\n")
    found = files.read(tmp_path / "sym.dat").values
    assert list(found) == ["symh"]
    np.testing.assert_array_equal(found["symh"], [-12, np.nan])


def test_kyoto_by_position_with_glued_values(tmp_path):
    path = made.kyoto_sym(tmp_path / "asy.wdc", TIME, SYMH - 10000 * (SYMH < -58) * 0)
    assert all(len(line) == 400 for line in path.read_text().splitlines())
    same(files.read(path), "symh", SYMH)


def test_magephem_and_waves(tmp_path):
    shell = np.linspace(1.2, 6, 240)
    shell[3] = np.nan
    path = made.magephem(tmp_path / "rbspb_MagEphem.txt", TIME, {"l": shell, "mlt": SME % 24, "mlat": SYMH / 10})
    loaded = files.read(path)
    np.testing.assert_allclose(loaded.values["l"], shell, rtol=1e-7)
    assert set(loaded.labels["satellite"]) == {"rbsp-b"}
    waves = files.read(made.csv(tmp_path / "w.csv", TIME, {"Ew": SYMH}))
    same(waves, "amplitude", SYMH)


def test_semicolons_and_decimal_commas(tmp_path):
    (tmp_path / "d.csv").write_text("DateTime;SYM/H (nT);SME\n2015/01/01 00:00;-1,5;3\n\n2015/01/01 00:01;;4\n")
    loaded = files.read(tmp_path / "d.csv")
    np.testing.assert_array_equal(loaded.values["symh"], [-1.5, np.nan])
    assert str(loaded.time[1]) == "2015-01-01T00:01:00"


@pytest.mark.parametrize("fill", ["99999", "999999", "9999.99", "-9999", "nan", "inf", ""])
def test_fill_values_of_all_providers_are_missing(tmp_path, fill):
    (tmp_path / "f.csv").write_text(f"time,SME\n2015-01-01T00:00Z,{fill}\n2015-01-01T00:01Z,5\n")
    np.testing.assert_array_equal(files.read(tmp_path / "f.csv").values["sme"], [np.nan, 5])


def test_days_of_the_year_are_read_among_dates(tmp_path):
    texts = ("2016-364T23:59:00", "2016-366", "2016-12-31T00:01Z", "2017-001 00:02:00+00:00")
    (tmp_path / "f.csv").write_text("".join(f"{text},5\n" for text in ("time", *texts)).replace("time,5", "time,SME"))
    found = files.read(tmp_path / "f.csv").time.astype("datetime64[m]").astype(str).tolist()
    assert found == ["2016-12-29T23:59", "2016-12-31T00:00", "2016-12-31T00:01", "2017-01-01T00:02"]


BAD = {
    "no day of the year": ("time,SME\n2015-365T00:00,5\n2015-366T00:00,5\n", "'2015-366T00:00' is no time", ", line 3"),
    "no number": ("time,SME\n2015-01-01T00:00,5\n2015-01-01T00:01,x5\n", "'x5' in column SME is no number", ", line 3"),
    "no time": ("time,SME\nyesterday,5\n", "'yesterday' is no time", ", line 2"),
    "leap second": ("time,SME\n2016-12-31T23:59:60Z,5\n", "'2016-12-31T23:59:60Z' is a leap second", ", line 2"),
    "no column of time": ("when,SME\n2015-01-01T00:00,5\n", "has SME but no column of time", ", line 1"),
    "short row": ("time,SME,AE\n2015-01-01T00:00,5\n", "2 cells where the header has 3", ", line 2"),
    "long row": (
        "time,SME\n2015-01-01T00:00,5\n2015-01-01T00:01,5,6,7\n",
        "4 cells where the header has 2",
        ", line 3",
    ),
    "no rows": ("time,SME\n", "holds a header and no rows", "f.csv"),
    "another unit": ("time,SME\n2015-01-01T00:00,20873.5\n", "sme reaches 20873.5 nT, which no index does", ", line 2"),
    "degrees": ("time,L,MLT,MLAT\n2015-01-01T00:00,4,270,1\n", "MLT is 270, outside 0 to 24", ", line 2"),
    "empty": ("", "is empty", "f.csv"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_table_is_refused_in_three_parts(tmp_path, name):
    text, what, where = BAD[name]
    (tmp_path / "f.csv").write_text(text)
    with pytest.raises(DataError) as refused:
        files.find(tmp_path)
        files.read(tmp_path / "f.csv")
    assert what in refused.value.what and where in refused.value.where and refused.value.fix


def test_damaged_files_of_fixed_layouts_say_the_line(tmp_path):
    for make, arguments in ((made.omni, (SYMH,)), (made.supermag, ({"SME": SME},)), (made.iaga, ({"SYM-H": SYMH},))):
        path = make(tmp_path / "x.asc", TIME, *arguments)
        path.write_text(path.read_text()[:-15])
        with pytest.raises(DataError, match=r"line 2\d\d: \d+ cells where rows have"):
            files.read(path)
    path = made.kyoto_sym(tmp_path / "k.wdc", TIME, SYMH)
    path.write_text(path.read_text()[:-100])
    with pytest.raises(DataError, match="is no record of the WDC format"):
        files.read(path)


def test_binary_and_truncated_files(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"time,SME\n\x00\x01")
    with pytest.raises(DataError, match="holds binary data"):
        files.find(tmp_path)
    (tmp_path / "a.csv").write_bytes(gzip.compress(b"time,SME\n2015-01-01T00:00,5\n" * 500)[:-20])
    with pytest.raises(DataError, match="cannot be read to its end"):
        files.find(tmp_path)


def test_what_is_of_no_use_is_passed_over_and_nothing_else_is_said_so(tmp_path):
    (tmp_path / "readme.txt").write_text("hello")
    (tmp_path / "p.png").write_bytes(b"\x89PNG\x00")
    with pytest.raises(DataError, match=r"it holds p\.png \(no text\); readme\.txt \(in no format"):
        files.find(tmp_path)
    path = made.iaga(tmp_path / "i.min", TIME, {"SYM-H": SYMH})
    assert files.find(tmp_path) == [path]


PLACE = {"l": SME, "mlt": SME, "mlat": SME}
NO_DATES = {
    "supermag": (lambda path: made.supermag(path, TIME, {"SME": SME}), "2015\t12\t31", "2015\t2\t31"),
    "supermag, second": (lambda path: made.supermag(path, TIME, {"SME": SME}), "\t22\t30\t0\t", "\t22\t30\tnan\t"),
    "omni": (lambda path: made.omni(path, TIME, SYMH), "2015 365 22", "2015 366 22"),
    "omni, minute": (lambda path: made.omni(path, TIME, SYMH), "2015 365 22 17", "2015 365 22 -5"),
    "iaga": (lambda path: made.iaga(path, TIME, {"SYM-H": SYMH}), "2015-12-31", "2015-02-31"),
    "kyoto": (lambda path: made.kyoto_sym(path, TIME, SYMH), "151231H", "150231H"),
    "magephem": (lambda path: made.magephem(path, TIME, PLACE), "2015-12-31", "2015-02-31"),
    "csv": (lambda path: made.csv(path, TIME, {"SME": SME}), "2015-12-31", "2015-02-31"),
    "csv, year": (lambda path: made.csv(path, TIME, {"SME": SME}), "2015-12-31", "9999-12-31"),
}  # fmt: skip


def test_index_files_as_portals_give_them(tmp_path):
    clock = np.datetime_as_string(TIME, unit="s")
    rows = [f"{moment}.000Z,{sme:g},{symh:g}" for moment, sme, symh in zip(clock, SME, SYMH, strict=True)]
    path = tmp_path / "OMNI_HRO_1MIN.csv"
    path.write_text("\n".join(["EPOCH_TIME_yyyy-mm-ddThh:mm:ss.sssZ,1-M_AE_nT,SYM/H_INDEX_nT", *rows]))
    same(files.read(path), "ae", SME)
    same(files.read(path), "symh", SYMH)
    words = [line.split() for line in made.omni(tmp_path / "o.asc", TIME, SYMH, SME).read_text().splitlines()]
    listed = tmp_path / "omni_min_Kx7.lst"
    listed.write_text("".join(f"{w[0]} {w[1]:>3} {w[2]:>2} {w[3]:>2} {w[41]:>6} {w[37]:>6}\n" for w in words))
    assert files.kind(listed) is None
    names = ["YEAR  I4", "DOY  I4", "Hour  I3", "Minute  I3", "SYM/H, nT  I6", "AE-index, nT   I6"]
    form = listed.with_suffix(".fmt")
    form.write_text("  ITEMS  FORMAT\n\n" + "".join(f" {n} {name}  \n" for n, name in enumerate(names, start=1)))
    same(files.read(listed), "ae", SME)
    same(files.read(listed), "symh", SYMH)
    written = form.read_text()
    form.write_text(written.replace("AE-index, nT", "AE-index  nT").replace("SYM/H, nT", "SYM/H nT"))
    same(files.read(listed), "ae", SME)
    same(files.read(listed), "symh", SYMH)
    assert {form, listed} <= set(files.find(tmp_path)) and set(files.find(listed)) == {form, listed}
    form.write_text(form.read_text().replace("DOY", "Dxx"))
    with pytest.raises(DataError, match=r"its \.fmt names no column of the day of year"):
        files.read(listed)
    wdc = tmp_path / "ae.wdc"
    records = made.kyoto_sym(wdc, TIME, np.abs(SYMH)).read_text().splitlines()
    marks = {"D": "AL ", "H": "AE "}
    wdc.write_text("".join(f"AEALAOAU    {r[12:18]}E{r[19:21]}{marks[r[18]]}PRVAE/E02 {r[34:]}\n" for r in records))
    same(files.read(wdc), "ae", np.abs(SYMH))


def test_what_is_passed_over_is_named_with_the_reason(tmp_path):
    made.csv(tmp_path / "sme.csv", TIME, {"SME": SME})
    (tmp_path / "dst201303.html").write_text("<html><pre>MARCH 2013</pre></html>")
    (tmp_path / "a.lst").write_text("2013 60 0 0 5\n")
    (tmp_path / "b.fmt").write_text("1 YEAR I4\n")
    (tmp_path / "c.csv").write_text("time,Bx,By\n2013-03-01T00:00,1,2\n")
    refused = files.sort(tmp_path).left_unread()
    listed = tmp_path / "list"
    listed.mkdir()
    (listed / "omni_2003.asc").write_text("2003   1  0   6.5  25\n")
    (listed / "omni_2003_header.txt").write_text("  FORMAT OF THE SUBSETTED FILE\n 1 YEAR  I4\n")
    with pytest.raises(DataError) as pair:
        files.sort(listed)
    assert "omni_2003.asc (rows of numbers without names; of a list of OMNIWeb call both alike" in pair.value.what
    assert (
        "omni_2003_header.txt (names the columns of a list of OMNIWeb: call both alike, NAME.lst and" in pair.value.what
    )
    shutil.rmtree(listed)
    assert "dst201303.html (a web page: download the data themselves" in refused
    assert "a.lst (a list without its .fmt" in refused and "b.fmt (names the columns of a .lst" in refused
    assert "c.csv (no column of an index, position or wave: time, Bx, By)" in refused
    assert files.find(tmp_path) == [tmp_path / "sme.csv"]


@pytest.mark.parametrize("name", NO_DATES)
def test_a_time_that_does_not_exist_is_refused_with_its_line(tmp_path, name):
    make, date, wrong = NO_DATES[name]
    path = make(tmp_path / "f.txt")
    lines = path.read_text().splitlines()
    number = next(number for number, line in enumerate(lines) if date in line)
    lines[number] = lines[number].replace(date, wrong)
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match=r"there is no such time|is no time|the year is 9999") as refused:
        files.read(path)
    assert refused.value.where == f"{path}, line {number + 1}"


def test_long_rows_of_fixed_layouts_are_refused_and_not_shifted(tmp_path):
    for make, arguments in ((made.omni, (SYMH,)), (made.supermag, ({"SME": SME},)), (made.iaga, ({"SYM-H": SYMH},))):
        path = make(tmp_path / "x.asc", TIME, *arguments)
        for places in ([-1], range(-len(TIME), 0)):
            lines = path.read_text().splitlines()
            for place in places:
                lines[place] += " 5"
            (tmp_path / "y.asc").write_text("\n".join(lines))
            if make is made.omni and len(places) > 1:
                continue  # 47 words on each line are no OMNI file
            with pytest.raises(DataError, match="cells where rows have"):
                files.read(tmp_path / "y.asc")


@pytest.mark.parametrize("rows", [1, 7, 50_000])
def test_numbers_are_the_same_however_many_rows_are_parsed_at_once(tmp_path, monkeypatch, rows):
    monkeypatch.setattr("geoml_cli.readers.time_series._ROWS_PARSED", rows)
    path = made.omni(tmp_path / "omni_min2015.asc", TIME, SYMH, SME)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:90], "", *lines[90:], ""]))
    loaded = files.read(path)
    same(loaded, "symh", SYMH)
    assert list(loaded.line[[89, 90]]) == [90, 92]
    words = lines[150].split()
    words[41] = "x12"
    path.write_text("\n".join([*lines[:150], " ".join(words), *lines[151:]]))
    with pytest.raises(DataError, match="'x12' in column 41 is no number") as refused:
        files.read(path)
    assert refused.value.where == f"{path}, line 151"
    path.write_text("\n".join([*lines[:150], " ".join(words[:-1]), *lines[151:]]))
    with pytest.raises(DataError, match="45 cells where rows have 46") as refused:
        files.read(path)
    assert refused.value.where == f"{path}, line 151"


def test_columns_of_a_clock_are_looked_for_next_to_dates_alone(tmp_path):
    """`min` may be a minimum, and two of that name no matter."""
    (tmp_path / "f.csv").write_text("time,SME,min,Min\n2015-01-01T00:01,5,1,2\n2015-01-01T00:02,6,1,2\n")
    np.testing.assert_array_equal(files.read(tmp_path / "f.csv").values["sme"], [5, 6])


def test_a_date_of_digits_alone_stays_text(tmp_path):
    path = made.iaga(tmp_path / "i.min", TIME, {"SYM-H": SYMH})
    path.write_text(path.read_text().replace("2015-12-31", "20151231").replace("2016-01-01", "20160101"))
    same(files.read(path), "symh", SYMH)


DAY, CLOCK = TIME.astype("datetime64[D]").astype(str), np.array([str(time)[11:] for time in TIME])
PARTS = [np.array([str(int(text.split("-")[place])) for text in DAY]) for place in range(3)]
ORDINAL = (TIME.astype("datetime64[D]") - TIME.astype("datetime64[Y]").astype("datetime64[D]")).astype(int) + 1
ORDINAL = ORDINAL.astype(str)
HOUR, MINUTE = (np.array([text.split(":")[place] for text in CLOCK]) for place in (0, 1))

LOCAL = TIME - np.timedelta64(7, "h")


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("date,hour,minute", (DAY, HOUR.astype(int).astype(str), MINUTE)),
        ("Date,HH,MM,minute,second", (DAY, HOUR, HOUR, MINUTE, np.full(len(TIME), "0"))),
        ("date,time", (np.char.replace(DAY, "-", "/"), CLOCK)),
        ("time,hour,minute", (TIME.astype(str), np.full(len(TIME), "7"), MINUTE)),
        ("date,hour,minute", (np.char.add(DAY, " 00:00:00"), HOUR, MINUTE)),
        ("time,hour,minute", (np.char.add(DAY, "T00:00Z"), HOUR, MINUTE)),
        ("date,time", (np.char.add(DAY, " 00:00:00"), CLOCK)),
        ("date,time", (DAY, np.char.add(HOUR, MINUTE))),
        ("date,UTC", (DAY, np.char.replace(CLOCK, ":", ""))),
        ("year,month,day,hour,minute", (*PARTS, HOUR, MINUTE)),
        ("YYYY,Month,Day,time", (*PARTS, CLOCK)),
        ("YYYY,MM,DD,time", (*PARTS, np.char.add(HOUR, MINUTE))),
        ("YYYY,MM,DD,HH,MN", (*PARTS, HOUR, MINUTE)),
        ("year,month,day,UT", (*PARTS, CLOCK)),
        ("date,UT", (DAY, CLOCK)),
        ("date,UT", (DAY, np.char.add(HOUR, MINUTE))),
        ("isotime,UT", (TIME.astype(str), np.full(len(TIME), "9.37"))),
        ("date,UT", (TIME.astype(str), np.full(len(TIME), "9.37"))),
        ("Year,DOY,hour,min", (PARTS[0], ORDINAL, HOUR.astype(int).astype(str), MINUTE)),
        ("Year,Month,Day,Hour,Mins", (*PARTS, HOUR, MINUTE)),
        ("YYYY,MM,DD,hh,mm", (*PARTS, HOUR, MINUTE)),
        ("yyyy,mm,dd,HH,MM", (*PARTS, HOUR, MINUTE)),
        ("yyyy,doy,hh,mm", (PARTS[0], ORDINAL, HOUR, MINUTE)),
        ("year,month,day,hh,mm", (*PARTS, HOUR, MINUTE)),
        ("date,hour,minute,second", (DAY, HOUR, MINUTE, np.full(len(TIME), "0.4"))),
        ("date,hour,minute,timestamp_written", (DAY, HOUR, MINUTE, np.full(len(TIME), "2026-01-01 00:00"))),
        ("timestamp_local,timestamp_utc", (LOCAL.astype(str), TIME.astype(str))),
        ("timestamp_utc,timestamp_local", (TIME.astype(str), LOCAL.astype(str))),
        ("Time,UTC", (LOCAL.astype(str), TIME.astype(str))),
        ("Time (local),Time (UTC)", (LOCAL.astype(str), TIME.astype(str))),
        ("time,UT", (TIME.astype(str), CLOCK)),
        ("localTime,DateTimeUTC", (LOCAL.astype(str), TIME.astype(str))),
        ("timestamp,datetime", (TIME.astype(str), TIME.astype(str))),
        ("DateTime_MST", (np.char.add(LOCAL.astype(str), "-07:00"),)),
        ("time", (np.char.add(np.char.replace(TIME.astype(str), "T", " "), " UTC"),)),
        ("time,year,month,day", (TIME.astype(str), *PARTS)),
        ("time,year,month,day", (TIME.astype(str), *PARTS[:2], np.full(len(TIME), "7"))),
        ("time,time_utc", (LOCAL.astype(str), TIME.astype(str))),
        ("UTC_time,time", (TIME.astype(str), LOCAL.astype(str))),
        ("Date,Time,DateTime_UTC", (DAY, np.full(len(TIME), "19:00"), TIME.astype(str))),
        ("Date,Time,datetime_updated", (DAY, CLOCK, LOCAL.astype(str))),
        ("time,timestamp_updated", (TIME.astype(str), LOCAL.astype(str))),
        ("datetime_created,year,month,day,hour,minute", (LOCAL.astype(str), *PARTS, HOUR, MINUTE)),
        ("DateTime,Time", (TIME.astype(str), CLOCK)),
        ("Date,DateTime", (np.char.add(DAY, " 00:00:00"), TIME.astype(str))),
        ("Date,timestamp_x,station", (np.char.add(DAY, " 00:00:00"), TIME.astype(str), np.full(len(TIME), "A"))),
        ("timestamp,datetime_utc", (np.full(len(TIME), "1362268800"), TIME.astype(str))),
        ("time,datetime", (np.full(len(TIME), "1362268800"), TIME.astype(str))),
        ("Epoch,timestamp", (TIME.astype(str), np.full(len(TIME), "1362268800"))),
        ("time,epoch", (TIME.astype(str), np.char.add(TIME.astype(str), ".600"))),
        ("Timestamp (UTC - 1 min)", (TIME.astype(str),)),
        ("Time (est. error 1 s)", (TIME.astype(str),)),
        ("Date,Time", (DAY, np.char.add(CLOCK, "Z"))),
        ("time_utc", (TIME.astype(str),)),
        ("time,UT", (TIME.astype(str), np.full(len(TIME), "33120"))),
    ],
)
def test_dates_are_joined_with_the_time_of_day(header, columns, tmp_path):
    """Dates alone would put all of a day at midnight."""
    rows = [",".join([*cells, f"{value:g}"]) for *cells, value in zip(*columns, SYMH, strict=True)]
    (tmp_path / "d.csv").write_text("\n".join([f"{header},SYM-H", *rows]))
    same(files.read(tmp_path / "d.csv"), "symh", np.where(NAN(SYMH), np.nan, SYMH))


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("date,Ew\n2013-03-01,1\n2013-03-01,2\n", r"d\.csv, line 3: 2013-03-01 is the date of several rows, and none"),
        (
            "date,Ew\n2013-03-01,1\n2013-03-01,2\n2013-03-01 05:00,3\n2013-03-01 06:00,3\n2013-03-01 07:00,3\n",
            r"d\.csv, line 3: 2013-03-01 is the date of several rows, and none",
        ),
        (
            "date,hour,Ew\n2013-03-01 00:00:00,1,1\n2013-03-02 00:00:00,2,2\n2013-03-04 23:00:00,3,3\n",
            r"d\.csv, line 4: the row has its time of day next to the date, where others have a date alone",
        ),
        ("date,minute,Ew\n2013-03-01,5,1\n", "has dates and a column minute, but none of the hour"),
        ("date,time,Ew\n2013-03-01,46800,1\n", "'46800' in column time is no time of day, and the date stands in date"),
        ("date,time,Ew\n2013-03-01,13,1\n", "Write times of day as 09:30 or 0930"),
        ("date,time,Ew\n2013-03-01,1975,1\n", "'2013-03-01T19:75' is no time"),
        ("date,hour,Ew\n2013-03-01,noon,1\n", "line 2, column hour: 'noon' is no hour"),
        ("year,month,day,hour,AM/PM,Ew\n2013,3,1,6,PM,1\n", "line 1: column AM/PM tells halves of the day"),
        ("date,hour,ampm,Ew\n2013-03-01,6,PM,1\n", "line 1: column ampm tells halves of the day"),
        ("date,time,ampm,Ew\n2013-03-01,06:17,PM,1\n", "line 1: column ampm tells halves of the day"),
        ("date,UT,Ew\n2013-03-01,9.37,1\n", "line 2: 2013-03-01 has no time of day, unless column UT is one"),
        ("year,doy,UT_hours,Ew\n2013,60,9.37,1\n", "line 2: 2013-03-01 has no time of day, unless column UT_hours is"),
        ("year,doy,UT,Ew\n2013,60,0617,1\n2013,61,061730,1\n", "'061730' in column UT is no.*in year, doy"),
        ("date,SOD,Ew\n2013-03-01,33120,1\n", "line 2: 2013-03-01 has no time of day, unless column SOD is one"),
        ("year,month,day,Ew\n2013,3,1,1\n2013,3,1,2\n", "line 3: 2013-03-01 is the date of several rows, and none"),
        ("year,month,day,hour,Ew\n2013,2,29,1,1\n", "'2013-02-29T01:00' is no time"),
        ("year,doy,hour,Ew\n2013,366,1,1\n", "'2013-366T01:00' is no time"),
        ("year,doy,hour,Ew\n13,36,1,1\n", "line 2, column year: '13' is no year.*four digits"),
        ("date,hour,Ew\n2013-03-01,24,1\n", "'2013-03-01T24:00' is no time"),
        ("time,Ew,Ew\n2013-03-01T01:00,1,2\n", "line 1: several columns could be ew: Ew, Ew"),
        ("time,SME (5 min mean),SME\n2013-03-01T01:00,1,2\n", r"several columns could be sme: SME \(5 min mean\), SME"),
        ("time,Time,Ew\n2013-03-01T01:00,2013-03-01T02:00,2\n", "line 2: columns time and Time hold different times"),
        ("date,time,Time,Ew\n2013-03-01,01:00,02:00,2\n", "several columns could be time: time, Time"),
        (
            "timestamp_end,timestamp_start,Ew\n2013-03-01T02:00,2013-03-01T01:00,2\n",
            "line 2: columns timestamp_end and timestamp_start hold different times. Keep the one that tells when",
        ),
        ("DateTime_MST,Ew\n2013-03-01T02:00,2\n", "line 1: column DateTime_MST is not in UTC, by its name"),
        ("DateTime (UTC+7),Ew\n2013-03-01T02:00,2\n", "is not in UTC, by its name"),
        ("date,time (local),Ew\n2013-03-01,02:00,2\n", r"column time \(local\) is not in UTC, by its name"),
        ("Date (EST),Time,Ew\n2013-03-01,02:00,2\n", r"column Date \(EST\) is not in UTC, by its name"),
        ("date,hour (local),minute,Ew\n2013-03-01,2,0,2\n", r"column hour \(local\) is not in UTC"),
        ("Date,Time,UT,Ew\n2013-03-01,19:00,00:00,2\n", "column Time has 19:00, column UT has 00:00"),
        ("time,time_utc,Ew\n2013-03-01T02:00,,2\n2013-03-01T02:01,2013-03-01T07:01,2\n", "line 2: '' is no time"),
        (
            "time,utc,Ew\n2013-03-01T02:00,-9999,2\n2013-03-01T02:01,2013-03-01T07:01,2\n2013-03-01T02:02,2013-03-01T07:02,2\n",
            "line 2: the year is -9999, which is not within",
        ),
        ("time,time,Ew\n2013-03-01T02:00,2013-03-01T02:00,2\n", "line 1: several columns could be time: time, time"),
        ("timestampLocal,Ew\n2013-03-01T02:00,2\n", "is not in UTC, by its name"),
        ("Time,UT,Ew\n2013-03-01T02:00,09:00,2\n", "column Time has 2013-03-01T02:00, column UT has 09:00"),
        ("date,Hour,MI,Ew\n2013-03-01,2,17,2\n", "line 1: column MI may be the minute of times whose hour is Hour"),
        ("year,month,day,hour,UT_min,Ew\n2013,3,1,2,17,2\n", "column UT_min may be the minute"),
        ("date,MM,hour,Ew\n2013-03-01,3,2,2\n", "column MM may be the minute"),
        ("year,doy,mm,hour,Ew\n2013,61,3,2,2\n", "column mm may be the minute"),
        ("date,hour,minute,sec_of_minute,Ew\n2013-03-01,2,17,45,2\n", "column sec_of_minute may be the second"),
        ("date,hour,second,Ew\n2013-03-01,2,17,2\n", "has columns hour and second, but none of the minute"),
        (
            "datetime_of_run,year,month,day,hour,Ew\n2026-01-01T02:00,2013,3,1,2,2\n",
            "column datetime_of_run has 2026-01-01T02:00:00, columns year, month have 2013, 3",
        ),
    ],
)
def test_times_and_columns_that_are_not_clear_are_refused(text, refused, tmp_path):
    (tmp_path / "d.csv").write_text(text)
    with pytest.raises(DataError, match=refused):
        files.read(tmp_path / "d.csv")


@pytest.mark.parametrize("place", [0, 1, 4, 7, 8])
def test_a_time_of_its_own_among_dates_with_hours_is_refused_wherever_blocks_end(place, tmp_path, monkeypatch):
    monkeypatch.setattr("geoml_cli.readers.time_series_csv.ROWS_AT_ONCE", 4)
    rows = [f"2013-03-{1 + k // 3:02d},{8 * (k % 3)},{k}" for k in range(9)]
    rows[place] = rows[place].replace(",", "T05:00:00,", 1)
    (tmp_path / "d.csv").write_text("\n".join(["date,hour,Ew", *rows, ""]))
    with pytest.raises(DataError, match=rf"line {place + 2}: the row has its time of day next to the date"):
        files.read(tmp_path / "d.csv")


def test_whole_times_next_to_hours_are_read_where_a_block_has_midnights_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("geoml_cli.readers.time_series_csv.ROWS_AT_ONCE", 4)
    rows = [f"2013-03-01T{20 + k:02d}:00,{20 + k},0,{k}" for k in range(4)]
    (tmp_path / "d.csv").write_text("\n".join(["time,hour,minute,Ew", *rows, "2013-03-02T00:00,0,0,4", ""]))
    found = files.read(tmp_path / "d.csv").time
    assert list(found.astype(str)) == [f"2013-03-01T{20 + k}:00:00" for k in range(4)] + ["2013-03-02T00:00:00"]


def test_a_minimum_next_to_a_maximum_is_no_minute(tmp_path):
    rows = [f"2013-03-01,{hour},100,{5 + hour},300,-{hour}" for hour in range(24)]
    (tmp_path / "d.csv").write_text("\n".join(["date,hour,AE,min,max,SYMH", *rows, ""]))
    found = files.read(tmp_path / "d.csv").time
    assert list(found.astype(str)) == [f"2013-03-01T{hour:02d}:00:00" for hour in range(24)]


def test_the_column_in_utc_is_taken_where_clocks_change_later(tmp_path):
    """London in winter, and in summer."""
    utc = np.array(["2013-03-30T12:00", "2013-03-31T12:00"], dtype="datetime64[m]")
    rows = [f"{utc[0]},{utc[0]},1"] * 3 + [f"{utc[1] + np.timedelta64(1, 'h')},{utc[1]},2"]
    (tmp_path / "d.csv").write_text("\n".join(["time,utc,SYMH", *rows, ""]))
    assert files.read(tmp_path / "d.csv").time[-1] == utc[1]
    (tmp_path / "e.csv").write_text("\n".join(["time,timestamp,SYMH", *rows, ""]))
    with pytest.raises(DataError, match="line 5: columns time and timestamp hold different times"):
        files.read(tmp_path / "e.csv")


def test_rows_at_midnight_that_are_there_twice_are_of_one_time(tmp_path):
    rows = ["2013-03-01T23:00,1", "2013-03-02T00:00,2", "2013-03-02T00:00,2", "2013-03-02T01:00,3"]
    (tmp_path / "d.csv").write_text("\n".join(["time,SYM-H", *rows, ""]))
    assert list(files.read(tmp_path / "d.csv").values["symh"]) == [1, 2, 2, 3]
