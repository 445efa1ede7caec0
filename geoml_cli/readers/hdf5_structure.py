"""Check of an HDF5 file's structure: older metadata has no checksums, and what it leads to may be another's bytes."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from geoml_cli.errors import DataError

_FIX = "It is damaged: fetch it again."


class _Piece(NamedTuple):
    start: int
    size: int
    name: str


def check_hdf5(path: Path) -> None:
    """Refuse a file whose arrays lie outside of it or over each other, or that lacks chunks.

    Raises:
        DataError: It is so.
    """
    import h5py

    pieces: list[_Piece] = []

    def visit(name: str, item: Any) -> None:  # noqa: ANN401  h5py is untyped
        if isinstance(item, h5py.Dataset):
            pieces.extend(_pieces(item, name, str(path)))

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    end, size, before = 0, path.stat().st_size, ""
    for piece in sorted(pieces):
        if piece.start + piece.size > size:
            raise DataError(f"is damaged: {piece.name} reaches beyond its end", where=str(path), fix=_FIX)
        if piece.start < end:
            raise DataError(f"is damaged: {piece.name} and {before} overlap", where=str(path), fix=_FIX)
        end, before = piece.start + piece.size, piece.name


def _pieces(dataset: Any, name: str, location: str) -> list[_Piece]:  # noqa: ANN401
    """Return what is stored of a dataset."""
    if dataset.chunks is None:
        offset = dataset.id.get_offset()
        return [] if offset is None else [_Piece(int(offset), int(dataset.id.get_storage_size()), name)]
    listed: dict[tuple[int, ...], _Piece] = {}
    dataset.id.chunk_iter(
        lambda chunk: listed.update({chunk.chunk_offset: _Piece(int(chunk.byte_offset), int(chunk.size), name)})
    )
    _refuse_lost_chunks(dataset, listed, f"{location}, variable {name}")
    return list(listed.values())


def _refuse_lost_chunks(dataset: Any, listed: dict[tuple[int, ...], _Piece], location: str) -> None:  # noqa: ANN401
    import h5py

    sides = [range(0, length, side) for length, side in zip(dataset.shape, dataset.chunks, strict=True)]
    absent = sum(place not in listed for place in product(*sides))
    # Writers may leave chunks out, which stand for the fill value that the file then declares.
    declared = dataset.id.get_create_plist().fill_value_defined() == h5py.h5d.FILL_VALUE_USER_DEFINED
    if absent and not declared:
        raise DataError(f"{absent} of its chunks are missing", where=location, fix=_FIX)


def check_found(dataset: Any, axis: int | None = None, steps: slice = slice(None)) -> None:  # noqa: ANN401
    """Look up the chunks of some steps of an array, as reading does.

    A library that does not find a chunk, because the index was damaged, gives fill values, or whatever lies in memory,
    and says nothing. Chunks that the index lists must be found.

    Args:
        dataset: Of h5py.
        axis: That of the steps; None looks up all chunks.
        steps: Of that axis.

    Raises:
        DataError: A chunk cannot be found.
    """
    if dataset.chunks is None:
        return
    places: list[tuple[int, ...]] = []
    dataset.id.chunk_iter(lambda chunk: places.append(chunk.chunk_offset))
    first, last, _ = (0, 1, 1) if axis is None else steps.indices(dataset.shape[axis])
    for place in places:
        touched = axis is None or (place[axis] < last and place[axis] + dataset.chunks[axis] > first)
        if touched and not _is_found(dataset, place):
            raise DataError(f"its chunk at {list(place)} cannot be found", fix=_FIX)


def _is_found(dataset: Any, place: tuple[int, ...]) -> bool:  # noqa: ANN401
    try:
        dataset.id.read_direct_chunk(place)
    except (OSError, RuntimeError):
        return False
    return True
