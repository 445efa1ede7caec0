"""A style that QGIS takes for a raster by itself: the file next to it with the suffix .qml."""

from __future__ import annotations

from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from geoml_cli.figures.map_colours import ClassColours, ColourScale

MARK = "Written by geoml predict"
"""Stands in each style; one that is saved again in QGIS no longer has it."""
_VERSION = "3.22.0"
_STOPS = 9


def qgis_style(colours: ColourScale | ClassColours) -> bytes:
    """Return the style of a raster whose first band has these colours."""
    root = Element("qgis", version=_VERSION, styleCategories="Symbology", hasScaleBasedVisibilityFlag="0")
    root.append(ElementTree.Comment(f" {MARK} "))
    pipe = SubElement(root, "pipe")
    if isinstance(colours, ClassColours):
        _paletted(pipe, colours)
    else:
        _pseudocolour(pipe, colours)
    SubElement(pipe, "brightnesscontrast", brightness="0", contrast="0", gamma="1")
    SubElement(pipe, "huesaturation", saturation="0", grayscaleMode="0", colorizeOn="0")
    SubElement(pipe, "rasterresampler", maxOversampling="2")
    SubElement(root, "blendMode").text = "0"
    ElementTree.indent(root)
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _renderer(pipe: Element, kind: str) -> Element:
    renderer = SubElement(pipe, "rasterrenderer", type=kind, band="1", opacity="1", alphaBand="-1", nodataColor="")
    SubElement(renderer, "rasterTransparency")
    limits = SubElement(renderer, "minMaxOrigin")
    for name, text in (("limits", "None"), ("extent", "WholeRaster"), ("statAccuracy", "Estimated")):
        SubElement(limits, name).text = text
    return renderer


def _paletted(pipe: Element, colours: ClassColours) -> None:
    palette = SubElement(_renderer(pipe, "paletted"), "colorPalette")
    for code, colour in colours.colours.items():
        label = f"{code} {colours.names[code]}"
        SubElement(palette, "paletteEntry", value=str(code), color=colour, label=label, alpha="255")


def _pseudocolour(pipe: Element, colours: ColourScale) -> None:
    renderer, stops = _renderer(pipe, "singlebandpseudocolor"), colours.stops(_STOPS)
    low, high = repr(colours.low), repr(colours.high)
    renderer.set("classificationMin", low)
    renderer.set("classificationMax", high)
    shader = SubElement(
        SubElement(renderer, "rastershader"), "colorrampshader", colorRampType="INTERPOLATED",
        classificationMode="1", clip="0", minimumValue=low, maximumValue=high, labelPrecision="4",
    )  # fmt: skip
    ramp = SubElement(shader, "colorramp", type="gradient", name="[source]")
    options = SubElement(ramp, "Option", type="Map")
    between = ":".join(f"{k / (_STOPS - 1):g};{_rgba(stops[k][1])}" for k in range(1, _STOPS - 1))
    texts = {"color1": _rgba(stops[0][1]), "color2": _rgba(stops[-1][1]), "discrete": "0", "rampType": "gradient"}
    for name, text in {**texts, "stops": between}.items():
        SubElement(options, "Option", name=name, type="QString", value=text)
    for value, colour in stops:
        SubElement(shader, "item", value=repr(value), label=f"{value:.4g}", color=colour, alpha="255")


def _rgba(colour: str) -> str:
    return ",".join(str(int(colour[place : place + 2], 16)) for place in (1, 3, 5)) + ",255"
