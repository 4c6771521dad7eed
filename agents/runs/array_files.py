"""NumPy arrays, records included, in an .npz that holds no pickles and allocates no more than it holds."""

import io
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import numpy as np

_MAX_HEADER = 1 << 20  # NumPy's default of 10,000 is too short for a record of some hundred fields


def write_arrays(file: IO[bytes], arrays: Mapping[str, np.ndarray]) -> None:
    """Writes an .npz of `arrays`, uncompressed, readable by `numpy.load`.

    Raises:
        TypeError: an array holds Python objects, which only pickle could save.
    """
    for name, array in arrays.items():  # np.savez would pickle such an array without a word
        if array.dtype.hasobject:
            raise TypeError(
                f"state[{name!r}] is {array.dtype}; expected an array without objects: convert it"
            )
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, _without_padding(array), allow_pickle=False)


def used_bytes(dtype: np.dtype) -> np.ndarray:
    """Returns (itemsize,) bool: which bytes of a record belong to its fields; the others are padding."""
    used = np.full(dtype.itemsize, dtype.fields is None)
    for field, offset, *_ in (dtype.fields or {}).values():
        base = field.base
        used[offset : offset + field.itemsize] = np.tile(used_bytes(base), field.itemsize // base.itemsize)
    return used


def _without_padding(array: np.ndarray) -> np.ndarray:
    """Returns the array with zeros between its fields, where NumPy's copies leave what memory held before."""
    used = used_bytes(array.dtype)
    if used.all():
        return array
    lines = np.ascontiguousarray(array).view(np.uint8).reshape(-1, array.dtype.itemsize)
    return np.where(used, lines, np.uint8(0)).view(array.dtype).reshape(array.shape)


def read_arrays(source: Path | io.BytesIO) -> dict[str, np.ndarray]:
    """Returns the arrays of an .npz; record dtypes keep their alignment, which compiled kernels rely on.

    Raises:
        ValueError, and others of zipfile's and NumPy's: the file is not such an .npz.
    """
    try:
        size = source.stat().st_size if isinstance(source, Path) else len(source.getbuffer())
        with zipfile.ZipFile(source) as archive:
            return {
                info.filename.removesuffix(".npy"): _read_array(archive, info, size)
                for info in archive.infolist()
            }
    except zipfile.BadZipFile as error:
        raise ValueError(str(error)) from error


def _read_array(archive: zipfile.ZipFile, info: zipfile.ZipInfo, archive_bytes: int) -> np.ndarray:
    """Reads one array, if what its header claims fits into the file: NumPy allocates before it reads."""
    headers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    with archive.open(info) as member:
        version = np.lib.format.read_magic(member)
        shape, _, dtype = headers[version](member, max_header_size=_MAX_HEADER)
    claimed = math.prod(shape) * dtype.itemsize
    if info.compress_type != zipfile.ZIP_STORED or claimed > archive_bytes:
        raise ValueError(f"{info.filename} claims {claimed} bytes in a file of {archive_bytes}")
    with archive.open(info) as member:
        array = np.lib.format.read_array(member, allow_pickle=False, max_header_size=_MAX_HEADER)
    return array.view(_with_alignment(array.dtype))


def _with_alignment(dtype: np.dtype) -> np.dtype:
    """The same fields and offsets, flagged as aligned where they are: .npy does not store the flag."""
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return np.dtype((_with_alignment(base), shape))
    fields = dtype.fields
    if dtype.names is None or fields is None:
        return dtype
    try:
        aligned = np.dtype(
            [(str(name), _with_alignment(field[0])) for name, field in fields.items()], align=True
        )
    except (TypeError, ValueError):
        return dtype
    return aligned if aligned == dtype else dtype
