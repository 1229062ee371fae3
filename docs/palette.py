"""A screenshot becomes a third of its size: the 256 commonest colours are kept, others become the nearest.

It reads what browsers write: PNG with 8 bits for each of red, green, blue and perhaps alpha, not interlaced.
"""

import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_CHANNELS: Final = {2: 3, 6: 4}


def smaller(png: bytes) -> bytes:
    """The same picture with a palette. Raises ``ValueError`` for a form that it does not read."""
    chunks = dict(_chunks(png))
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    if depth != 8 or kind not in _CHANNELS or interlaced:
        raise ValueError("not a picture that a browser writes")
    rows = [_colours(row, _CHANNELS[kind]) for row in _rows(chunks[b"IDAT"], width, height, _CHANNELS[kind])]
    counts = Counter(colour for row in rows for colour in row)
    palette = [colour for colour, _ in counts.most_common(256)]
    index = {colour: number for number, colour in enumerate(palette)}
    for colour in counts:
        if colour not in index:
            index[colour] = min(range(len(palette)), key=lambda n: _apart(palette[n], colour))
    data = b"".join(b"\0" + bytes(index[colour] for colour in row) for row in rows)
    return _SIGNATURE + b"".join(
        _chunk(name, body)
        for name, body in (
            (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            (b"PLTE", b"".join(palette)),
            (b"IDAT", zlib.compress(data, 9)),
            (b"IEND", b""),
        )
    )


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each chunk's name and body; those of one name (IDAT) as one."""
    found: dict[bytes, bytes] = {}
    place = len(_SIGNATURE)
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        name, body = png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        found[name] = found.get(name, b"") + body
        place += length + 12
    yield from found.items()


def _rows(data: bytes, width: int, height: int, step: int) -> Iterator[bytes]:
    """The rows without their filters (PNG, third edition, §9.2)."""
    raw, size = zlib.decompress(data), width * step
    above = bytes(size)
    for number in range(height):
        start = number * (size + 1)
        above = _unfiltered(raw[start], bytearray(raw[start + 1 : start + 1 + size]), above, step)
        yield above


def _unfiltered(kind: int, row: bytearray, above: bytes, step: int) -> bytes:
    for place in range(len(row)):
        left = row[place - step] if place >= step else 0
        up, corner = above[place], above[place - step] if place >= step else 0
        guess = (0, left, up, (left + up) // 2, _paeth(left, up, corner))[kind] if kind else 0
        row[place] = (row[place] + guess) & 255
    return bytes(row)


def _paeth(left: int, up: int, corner: int) -> int:
    whole = left + up - corner
    return min((left, up, corner), key=lambda value: abs(whole - value))


def _colours(row: bytes, step: int) -> list[bytes]:
    return [row[start : start + 3] for start, _ in pairwise(range(0, len(row) + step, step))]


def _apart(one: bytes, other: bytes) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
