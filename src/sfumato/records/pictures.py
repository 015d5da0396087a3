"""The text inside a PNG or GIF, found without decoding a pixel; a file that was cut short is told.

Formats: https://www.w3.org/TR/png-3/ and https://www.w3.org/Graphics/GIF/spec-gif89a.txt.
"""

import struct
import zlib
from pathlib import Path
from typing import IO

from sfumato.records.arrays import PROVENANCE

_PNG = b"\x89PNG\r\n\x1a\n"


def picture_text(path: str | Path) -> str:
    """Return the provenance that a picture carries; empty, if it carries none.

    Raises:
        ValueError: if the file does not go on to its end as the format says.
        OSError: if it cannot be read.
    """
    path = Path(path)
    with path.open("rb") as file:
        if file.read(len(_PNG)) == _PNG:
            return _png_text(file)
        file.seek(0)
        return _gif_text(file)


def _png_text(file: IO[bytes]) -> str:
    """Yield the chunks: length, kind, data, checksum."""
    found = ""
    while True:
        length, kind = struct.unpack(">I4s", _read(file, 8))
        if kind in _TEXTS:
            data = _read(file, length)
            if zlib.crc32(kind + data) != struct.unpack(">I", _read(file, 4))[0]:
                raise ValueError("its text is not what was written")
            keyword, _, rest = data.partition(b"\0")
            if keyword == PROVENANCE.encode("latin-1"):
                found = _decoded(kind, rest)
            continue
        file.seek(length, 1)
        _read(file, 4)
        if kind == b"IEND":
            return found


def _decoded(kind: bytes, rest: bytes) -> str:
    try:
        return _TEXTS[kind](rest)
    except zlib.error as error:
        raise ValueError(f"its text cannot be decompressed: {error}") from None


def _international(rest: bytes) -> str:
    """Return the text of a chunk iTXt, after its keyword."""
    compressed, (_, _, text) = rest[0], rest[2:].split(b"\0", 2)
    return (zlib.decompress(text) if compressed else text).decode()


_TEXTS = {
    b"tEXt": lambda rest: rest.decode("latin-1"),
    b"zTXt": lambda rest: zlib.decompress(rest[1:]).decode("latin-1"),
    b"iTXt": _international,
}
"""How the text of each kind of chunk is read, after its keyword."""


def _gif_text(file: IO[bytes]) -> str:
    """Yield the blocks: extensions, one of which may be a comment, and images."""
    screen = _read(file, 13)
    _skip_colours(file, screen[10])
    found = ""
    while (kind := _read(file, 1)) != b"\x3b":  # the trailer
        if kind == b"\x21":
            label = _read(file, 1)
            data = _sub_blocks(file)
            found = data.decode() if label == b"\xfe" else found
        elif kind == b"\x2c":
            _skip_colours(file, _read(file, 9)[8])
            _read(file, 1)
            _sub_blocks(file)
        else:
            raise ValueError("it holds a block of no known kind")
    return found


def _skip_colours(file: IO[bytes], flags: int) -> None:
    if flags & 0x80:
        _read(file, 3 << (1 + (flags & 7)))


def _sub_blocks(file: IO[bytes]) -> bytes:
    blocks = []
    while length := _read(file, 1)[0]:
        blocks.append(_read(file, length))
    return b"".join(blocks)


def _read(file: IO[bytes], length: int) -> bytes:
    data = file.read(length)
    if len(data) < length:
        raise ValueError("it was cut short")
    return data
