"""Rasters of several files: tiles of one export of Earth Engine, and virtual rasters (VRT).

Source: https://gdal.org/drivers/raster/vrt.html; developers.google.com/earth-engine/guides/exporting_images.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.etree import ElementTree

from geoml_cli.dataset.raw_files import not_permitted
from geoml_cli.errors import DataError
from geoml_cli.readers.band_tags import band_unit, colour_table
from geoml_cli.readers.raster_damage import raster_damage
from geoml_cli.readers.sidecars import sidecars
from geoml_cli.readers.tiles import Corner, check_tile
from geoml_cli.work.reasons import reason

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

_TILE = re.compile(r"(?P<name>.*?)-?(?P<row>\d{10})-(?P<column>\d{10})")
_HAS_DATA = 255  # of a mask
_DEEPEST = 8  # virtual rasters of virtual rasters
_KINDS = {
    "uint8": "Byte", "int8": "Int8", "uint16": "UInt16", "int16": "Int16", "uint32": "UInt32", "int32": "Int32",
    "uint64": "UInt64", "int64": "Int64", "float32": "Float32", "float64": "Float64", "complex_int16": "CInt16",
    "complex64": "CFloat32", "complex128": "CFloat64",
}  # fmt: skip


@dataclass(frozen=True)
class RasterFile:
    """A raster of one file, or of the tiles of one export.

    Attributes:
        path: The file; of tiles the one that they make up, NAME.tif, which does not exist.
        tiles: The tiles.
    """

    path: Path
    tiles: tuple[Path, ...] = ()

    def files(self) -> list[Path]:
        """Name all files whose content decides what is read: tiles, sources of a VRT, files next to them.

        Raises:
            DataError: A source of a VRT is missing, or a file may not be read.
        """
        own = list(self.tiles) or [self.path]
        for path in own:
            refuse_forbidden(path)
        paths = list(dict.fromkeys([*own, *(source for path in own for source in vrt_sources(path))]))
        return [*paths, *sorted({sidecar for path in paths for sidecar in sidecars(path)} - set(paths))]


class _Box(NamedTuple):
    """Place and size of a tile in its raster [pixels], and whether the file holds a mask of its own."""

    row: int
    column: int
    height: int
    width: int
    is_masked: bool


def all_files(rasters: Sequence[RasterFile]) -> list[Path]:
    """Name the files of several rasters, each once."""
    return list(dict.fromkeys(path for raster in rasters for path in raster.files()))


def refuse_forbidden(path: Path) -> None:
    """Refuse a file that may not be read.

    Raises:
        DataError: It may not.
    """
    if path.exists() and not os.access(path, os.R_OK):
        raise not_permitted(path)


def put_together(paths: Sequence[Path]) -> list[RasterFile]:
    """Group tiles `NAME-ROW-COLUMN.tif` of an export; other files stand for themselves.

    Raises:
        DataError: A tile is missing.
    """
    tiles: dict[Path, dict[tuple[int, int], Path]] = {}
    for path in paths:
        if match := _TILE.fullmatch(path.stem):
            whole = path.with_name((match["name"] or path.parent.name) + path.suffix)
            tiles.setdefault(whole, {})[int(match["row"]), int(match["column"])] = path
    for whole, by_corner in tiles.items():
        _refuse_gaps(whole, by_corner)
        if whole in paths:
            raise DataError(
                f"{whole.name} is there whole and as {len(by_corner)} tiles",
                where=str(whole.parent),
                fix="Keep the whole raster, or its tiles.",
            )
    alone = [RasterFile(path) for path in paths if not _TILE.fullmatch(path.stem)]
    grouped = [RasterFile(whole, tuple(by[corner] for corner in sorted(by))) for whole, by in tiles.items()]
    return sorted(alone + grouped, key=lambda raster: raster.path)


def _refuse_gaps(mosaic: Path, by_corner: dict[tuple[int, int], Path]) -> None:
    rows, columns = ({0, *(corner[axis] for corner in by_corner)} for axis in (0, 1))
    missing = sorted((row, column) for row in rows for column in columns if (row, column) not in by_corner)
    if missing:
        row, column = missing[0]
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise DataError(
            f"the tile {_tile_name(next(iter(by_corner.values())), row, column)} is missing{more}",
            where=str(mosaic.parent),
            fix=f"The {len(by_corner)} tiles of {mosaic.stem} are one raster: download the missing ones too.",
        )


def _tile_name(other: Path, row: int, column: int) -> str:
    """Name a tile as another one is named."""
    return f"{other.stem[: -len('-') - 20]}{row:010d}-{column:010d}{other.suffix}"


def tiles_as_vrt(tiles: Sequence[Path]) -> str:
    """Return a virtual raster of the tiles of an export, as XML.

    Raises:
        DataError: A tile is damaged, does not agree with the first, or lies elsewhere than its name says.
    """
    with _open_tile(tiles[0]) as first:
        root = _root(first)
        bands = [_band(root, first, index) for index in range(1, first.count + 1)]
        boxes = [_checked_box(path, first) for path in tiles]
    for (path, box), (index, band) in product(zip(tiles, boxes, strict=True), enumerate(bands, start=1)):
        _add_source(band, path, str(index), box)
    if any(box.is_masked for box in boxes):
        _add_masks(root, tiles, boxes)
    size = max(box.row + box.height for box in boxes), max(box.column + box.width for box in boxes)
    covered = sum(box.height * box.width for box in boxes)
    if covered != size[0] * size[1]:
        raise DataError(
            f"the {len(tiles)} tiles do not cover their raster: {covered} of {size[0] * size[1]} pixels",
            where=str(tiles[0].parent),
            fix="Download all tiles of the export again.",
        )
    root.set("rasterYSize", str(size[0]))
    root.set("rasterXSize", str(size[1]))
    return ElementTree.tostring(root, encoding="unicode")


def _open_tile(path: Path) -> DatasetReader:
    import rasterio

    with raster_damage(path):
        return rasterio.open(path)


def _checked_box(path: Path, first: DatasetReader) -> _Box:
    """Return the place and size of a tile in its raster [pixels]."""
    from rasterio.enums import MaskFlags

    match = _TILE.fullmatch(path.stem)
    assert match is not None, "only tiles are put together"
    row, column = int(match["row"]), int(match["column"])
    with _open_tile(path) as tile, raster_damage(path):
        check_tile(tile, first, Corner(row, column))
        masked = tile.mask_flag_enums[0] == [MaskFlags.per_dataset]
        return _Box(row, column, tile.height, tile.width, masked)


def _root(file: DatasetReader) -> ElementTree.Element:
    root = ElementTree.Element("VRTDataset")
    ElementTree.SubElement(root, "SRS").text = file.crs.to_wkt() if file.crs else ""
    ElementTree.SubElement(root, "GeoTransform").text = ", ".join(map(repr, file.transform.to_gdal()))
    return root


def _band(root: ElementTree.Element, file: DatasetReader, index: int) -> ElementTree.Element:
    place = index - 1
    band = ElementTree.SubElement(root, "VRTRasterBand", dataType=_KINDS[file.dtypes[place]], band=str(index))
    described: dict[str, Any] = {
        "Description": file.descriptions[place],
        "UnitType": band_unit(file, index) or None,
        "NoDataValue": file.nodatavals[place],
        "Offset": file.offsets[place],
        "Scale": file.scales[place],
        "ColorInterp": file.colorinterp[place].name.capitalize(),
    }
    for name, value in described.items():
        if value is not None:
            ElementTree.SubElement(band, name).text = value if isinstance(value, str) else repr(float(value))
    if found := colour_table(file, index):
        table = ElementTree.SubElement(band, "ColorTable")
        for colour in found.values():
            ElementTree.SubElement(table, "Entry", {f"c{place}": str(part) for place, part in enumerate(colour, 1)})
    return band


def _add_source(band: ElementTree.Element, path: Path, index: str, box: _Box) -> ElementTree.Element:
    source = ElementTree.SubElement(band, "SimpleSource")
    ElementTree.SubElement(source, "SourceFilename", relativeToVRT="0").text = str(path.resolve())
    ElementTree.SubElement(source, "SourceBand").text = index
    size = {"xSize": str(box.width), "ySize": str(box.height)}
    ElementTree.SubElement(source, "SrcRect", {"xOff": "0", "yOff": "0"} | size)
    ElementTree.SubElement(source, "DstRect", {"xOff": str(box.column), "yOff": str(box.row)} | size)
    return source


def _add_masks(root: ElementTree.Element, tiles: Sequence[Path], boxes: Sequence[_Box]) -> None:
    """Mask each tile by its own mask; GDAL makes one of the first band's no-data value where a file holds none."""
    mask = ElementTree.SubElement(ElementTree.SubElement(root, "MaskBand"), "VRTRasterBand", dataType="Byte")
    for path, box in zip(tiles, boxes, strict=True):
        source = _add_source(mask, path, "mask,1", box)
        if not box.is_masked:
            source.tag = "ComplexSource"
            ElementTree.SubElement(source, "ScaleOffset").text = str(_HAS_DATA)
            ElementTree.SubElement(source, "ScaleRatio").text = "0"


def vrt_sources(path: Path, depth: int = 0) -> Iterator[Path]:
    """Name the files that a virtual raster reads, and those that they read; nothing for other files.

    Raises:
        DataError: One is missing, or the file cannot be read.
    """
    if path.suffix.lower() != ".vrt" or not path.is_file():
        return
    try:
        named = [one for one in ElementTree.parse(path).iter() if one.tag in ("SourceFilename", "SourceDataset")]
    except (ElementTree.ParseError, OSError, ValueError) as error:
        raise DataError(
            f"is damaged or not a raster ({reason(error)})", where=str(path), fix="Get the file again."
        ) from error
    for text, relative in dict.fromkeys((one.text or "", one.get("relativeToVRT", "0")) for one in named):
        source = path.parent / text if relative == "1" else Path(text)
        if not source.is_file() and (":" in text or text.startswith("/vsi") or not text):
            continue  # a part of another format, or a place that is no file
        if not source.is_file():
            raise DataError(
                f"its source {text} is missing",
                where=str(path),
                fix="Put the file there, or make the virtual raster again (gdalbuildvrt).",
            )
        refuse_forbidden(source)
        yield Path(os.path.normpath(source))
        if depth < _DEEPEST:
            yield from vrt_sources(source, depth + 1)
