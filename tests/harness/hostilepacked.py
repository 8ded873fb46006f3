"""Hostile packed files: CSV and JSON Lines in every compression, most with damage.

All have checksums, so that damage gives no rows, or the very rows that were packed.
"""

import bz2
import gzip
import itertools
import json
import lzma
import random
from collections.abc import Callable, Mapping
from functools import partial

from pipeline.rowfiles.dialect import Dialect
from tests.harness.checksums import lz4_frame, zstd_frame
from tests.harness.hostilefile import BAD, GOOD, REFUSED, Hostile, Kind, Row
from tests.harness.hostilerows import HALF, NAMES, rows_of

Packer = Callable[[bytes], bytes]

PACKERS: Mapping[str, tuple[str, Packer]] = {
    "gzip": ("gz", partial(gzip.compress, mtime=0)),
    "zstd": ("zst", zstd_frame),
    "bzip2": ("bz2", bz2.compress),
    "xz": ("xz", lzma.compress),
    "lz4": ("lz4", lz4_frame),
}
"""The end of a packed file's name, and what packs, by compression."""

Damage = Callable[[random.Random, Packer, bytes], bytes]
"""Packs some content, and does something to it."""


def _content(rng: random.Random, end: str) -> tuple[bytes, list[Row]]:
    """Return good rows as text, and what they mean."""
    rows = rows_of(rng, 25)
    if end == "csv":
        text = "".join(",".join(row) + "\n" for row in [NAMES, *rows])
        return text.encode(), [tuple(value or None for value in row) for row in rows]
    text = "".join(json.dumps(dict(zip(NAMES, row, strict=True))) + "\n" for row in rows)
    return text.encode(), [tuple(row) for row in rows]


def _whole(_: random.Random, pack: Packer, content: bytes) -> bytes:
    return pack(content)


def _members(rng: random.Random, pack: Packer, content: bytes) -> bytes:
    """Pack pieces of it, some of them empty, one after another."""
    cuts = sorted(rng.choices(range(len(content) + 1), k=rng.randint(1, 4)))
    ends = itertools.pairwise([0, *cuts, len(content)])
    return b"".join(pack(content[start:end]) for start, end in ends)


def _empty_members(rng: random.Random, pack: Packer, content: bytes) -> bytes:
    return pack(b"") * rng.randint(1, 3) + pack(content) + pack(b"") * rng.randint(1, 300)


def _nothing(rng: random.Random, pack: Packer, _: bytes) -> bytes:
    return rng.choice([b"", pack(b""), pack(b"") * 3, pack(b"\n\n"), pack(b"\xef\xbb\xbf")])


def _cut(rng: random.Random, pack: Packer, content: bytes) -> bytes:
    packed = pack(content)
    return packed[: rng.choice([rng.randrange(len(packed)), -rng.randint(1, 12), rng.randint(0, 12)])]


def _flipped(rng: random.Random, pack: Packer, content: bytes) -> bytes:
    packed = bytearray(pack(content))
    for _ in range(rng.choice([1, 1, 2, 9])):
        packed[rng.randrange(len(packed))] ^= 1 << rng.randrange(8)
    return bytes(packed)


def _flipped_member(rng: random.Random, pack: Packer, content: bytes) -> bytes:
    """Damage the second of two members, often in its first bytes."""
    half = rng.randrange(len(content))
    second = bytearray(pack(content[half:]))
    second[rng.choice([rng.randrange(len(second)), rng.randrange(12)])] ^= 1 << rng.randrange(8)
    return pack(content[:half]) + bytes(second)


def _wrong_checksum(rng: random.Random, pack: Packer, content: bytes) -> bytes:
    """Take the end, where each format has checksums, from other content of the same size."""
    at = rng.randrange(len(content))
    other = pack(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    packed = pack(content)
    size = {b"\xfd7": 28, b"\x1f\x8b": 8}.get(packed[:2], 4)
    return packed[:-size] + other[-size:]


def _rubbish(rng: random.Random, pack: Packer, content: bytes) -> bytes:
    packed = pack(content)
    rubbish = [b"?", b"\n", rng.randbytes(rng.randint(1, 99)), content, packed[: rng.randint(1, 30)]]
    rubbish += [bytes(rng.choice([1, 2, 3, 5])), bytes(4) + b"?" * 40]
    return packed + rng.choice(rubbish)


def _zeros(rng: random.Random, pack: Packer, content: bytes) -> bytes:
    return pack(content) + bytes(4 * rng.choice([1, 128])) + rng.choice([b"", pack(b"")])


def _other_compression(rng: random.Random, pack: Packer, content: bytes) -> bytes:
    others = [other for _, other in PACKERS.values() if other != pack]
    return rng.choice([content, *(other(content) for other in others)])


def _archive(rng: random.Random, pack: Packer, content: bytes) -> bytes:
    _, other = rng.choice(list(PACKERS.values()))
    return pack(other(content))


_DAMAGES: Mapping[str, tuple[Damage, frozenset[str]]] = {
    "whole": (_whole, frozenset({GOOD})),
    "members": (_members, frozenset({GOOD})),
    "empty members": (_empty_members, frozenset({GOOD})),
    "nothing": (_nothing, frozenset({REFUSED})),
    "cut": (_cut, frozenset({REFUSED})),
    "flipped": (_flipped, frozenset({GOOD, REFUSED})),
    "flipped member": (_flipped_member, frozenset({GOOD, REFUSED})),
    "wrong checksum": (_wrong_checksum, frozenset({REFUSED})),
    "rubbish": (_rubbish, frozenset({REFUSED})),
    "zeros": (_zeros, frozenset({GOOD, REFUSED})),
    "other compression": (_other_compression, frozenset({REFUSED})),
    # As JSON Lines it is nothing but bad rows.
    "archive": (_archive, frozenset({BAD, REFUSED})),
}
"""What is done to packed content, and what may come of it."""


def _packed(damage: Damage, outcomes: frozenset[str], compression: str, rng: random.Random) -> Hostile:
    suffix, pack = PACKERS[compression]
    end = "csv" if rng.random() < HALF else "jsonl"
    content, rows = _content(rng, end)
    return Hostile(
        content=damage(rng, pack, content),
        end=f"{end}.{suffix}",
        dialect=Dialect(compression=compression),
        rows=rows if GOOD in outcomes else [],
        outcomes=outcomes,
    )


def _bomb(compression: str, rng: random.Random) -> Hostile:
    """Return a file of some kB that has, as its first line or another, one of 100 MB of a letter."""
    suffix, pack = PACKERS[compression]
    end = "csv" if rng.random() < HALF else "jsonl"
    is_first = rng.random() < HALF
    content, rows = _content(rng, end)
    # Members that are alike are packed once.
    member = pack(rng.choice([b"a", b" ", b",", b"{"]) * 100_000)
    is_read = end == "csv" and not is_first
    return Hostile(
        content=(b"" if is_first else pack(content)) + member * 1000 + pack(b"\n"),
        end=f"{end}.{suffix}",
        dialect=Dialect(compression=compression),
        rows=rows if is_read else [],
        outcomes=frozenset({BAD if is_read else REFUSED}),
    )


PACKED_KINDS: Mapping[str, Kind] = {
    f"{compression} {name}": partial(_packed, damage, outcomes, compression)
    for name, (damage, outcomes) in _DAMAGES.items()
    for compression in PACKERS
}
BOMB_KINDS: Mapping[str, Kind] = {
    f"{compression} bomb": partial(_bomb, compression) for compression in PACKERS
}
