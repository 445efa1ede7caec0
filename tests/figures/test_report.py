from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from geoml_cli.figures.report import Report, ReportFigure, ReportTable, render

NASTY = "<script>alert(\"x\")</script> & 'q' {{ 7*7 }}"
PNG = b"\x89PNG not really"


class Page(HTMLParser):
    """Collects tags with their attributes, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def full(text: str) -> Report:
    return Report(
        title=text,
        summary=text,
        facts=[("run", text), (text, "value")],
        warnings=[text],
        tables=[ReportTable(text, text, ["", text], [[text, "1.0"], ["ridge", text]])],
        figures=[ReportFigure(text, text, text, PNG)],
        missing=[text],
    )


def test_nothing_is_loaded_from_anywhere() -> None:
    html = render(full("plain"))
    page = Page(html)
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "base", "a"}
    filed = replace(full("plain"), tables=[ReportTable("t", "c", ["", "n"], [["a", "1"]], "scores of/100 %.csv")])
    [link] = Page(render(filed)).named("a")
    assert link["href"] == "scores%20of/100%20%25.csv", "a file beside the report, which needs no network"
    assert not re.findall(r"https?:|url\(|@import|//", re.sub(r"base64,[^\"]*", "", html))
    [policy] = [meta["content"] for meta in page.named("meta") if "http-equiv" in meta]
    assert policy is not None and policy.startswith("default-src 'none'")
    [image] = page.named("img")
    source = image["src"]
    assert source is not None
    assert base64.b64decode(source.removeprefix("data:image/png;base64,")) == PNG


def test_texts_arrive_as_texts() -> None:
    page = Page(render(full(NASTY)))
    assert page.named("script") == []
    assert page.text.count(NASTY) == 14
    [image] = page.named("img")
    assert image["alt"] == NASTY


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), min_size=1))
def test_no_text_makes_a_tag(text: str) -> None:
    assert [tag for tag, _ in Page(render(full(text))).tags] == [tag for tag, _ in Page(render(full("x"))).tags]


def test_a_screen_reader_finds_its_way() -> None:
    page = Page(render(full("plain")))
    assert page.named("html") == [{"lang": "en"}]
    assert len(page.named("h1")) == len(page.named("main")) == len(page.named("caption")) == 1
    assert all("scope" in cell for cell in page.named("th"))
    assert [cell["scope"] for cell in page.named("th")] == ["col", "col", "row", "row"]
    assert all(image.get("alt") for image in page.named("img"))


def test_empty_parts_leave_no_headings() -> None:
    page = Page(render(Report("t", "v", [("run", "r")], [], [], [], [])))
    assert [text for text in page.text if text.strip() in ("Not shown",)] == []
    assert len(page.named("h2")) == 1


def test_the_first_screen_has_summary_table_and_two_figures_before_all_else() -> None:
    figures = [ReportFigure(f"figure {place}", "c", "t", PNG) for place in range(4)]
    lead = ReportTable("lead", "scores at once", ["", "RMSE"], [["network", "1"]])
    long = ReportTable("long", "many lines", ["", "RMSE"], [[str(place), "1"] for place in range(40)])
    html = render(Report("title", "the summary", [("run", "r")], ["a warning"], [long], figures, [], lead))
    order = [
        "the summary",
        "scores at once",
        "figure 0",
        "figure 1",
        "a warning",
        "What was evaluated",
        "figure 2",
        "many lines",
    ]
    places = [html.index(text) for text in order]
    assert places == sorted(places)
    assert "<summary>40 lines</summary>" in html and html.count("<details>") == 1, "a long table is folded"
