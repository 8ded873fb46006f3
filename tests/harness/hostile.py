"""Hostile row files: what a load can meet instead of a good row file, generated from a seed."""

import io
import random
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.harness.hostilejson import JSON_KINDS
from tests.harness.hostilerows import HALF, NAMES, key_of, rows_of

HEADER = ",".join(NAMES).encode() + b"\n"


def hostile_files(folder: Path, count: int, seed: int) -> list[Path]:
    """Write `count` files of user rows, most with a fault, and return them; a seed gives the same files.

    The kinds alternate, so that 200 files hold each kind several times; the file's name has the kind.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number in range(count):
        # A generator for each file: its content does not depend on the number of files before it.
        rng = random.Random(f"{seed}/{number}")  # noqa: S311 - repeatable, not secret
        kind = _KINDS[number % len(_KINDS)]
        suffix = next((end for end in ("parquet", "json") if kind.__name__.startswith(f"_{end}")), "csv")
        file = folder / f"{number:03}{kind.__name__}.{suffix}"
        file.write_bytes(kind(rng))
        files.append(file)
    return files


def _lines(rng: random.Random) -> list[bytes]:
    return [",".join(row).encode() + b"\n" for row in rows_of(rng)]


def _with_pieces(rng: random.Random, *pieces: bytes, most: int = 8) -> bytes:
    """Return good rows with pieces inserted at random bytes."""
    text = bytearray(b"".join(_lines(rng)))
    for _ in range(rng.randint(1, most)):
        at = rng.randrange(len(text))
        text[at:at] = rng.choice(pieces)
    return HEADER + bytes(text)


def _good(rng: random.Random) -> bytes:
    return HEADER + b"".join(_lines(rng))


def _nul_bytes(rng: random.Random) -> bytes:
    return _with_pieces(rng, b"\0", bytes(3))


def _byte_order_marks(rng: random.Random) -> bytes:
    return b"\xef\xbb\xbf" + _with_pieces(rng, b"\xef\xbb\xbf")


def _crlf(rng: random.Random) -> bytes:
    return _good(rng).replace(b"\n", b"\r\n")


def _lone_returns(rng: random.Random) -> bytes:
    if rng.random() < HALF:
        return _good(rng).replace(b"\n", b"\r")
    return _with_pieces(rng, b"\r", b"\r\r", b"\r\n", b"\n\r")


def _quotes(rng: random.Random) -> bytes:
    return _with_pieces(rng, b'"', b'""', b'","', b'"""', b'"\n"', b',"', b'",', b"'", b'\\"')


def _nested_quotes(rng: random.Random) -> bytes:
    text = "x"
    for _ in range(rng.randint(2, 14)):
        text = '"' + text.replace('"', '""') + rng.choice(['"', '"', '"', ""])
    return _good(rng) + f"{key_of(rng)},{text},y\n".encode() + b"".join(_lines(rng))


def _quoted_line_breaks(rng: random.Random) -> bytes:
    lines = [
        f'{key_of(rng)},"a{rng.choice(["", chr(13)])}\n{"b" * rng.randrange(9)}",\n'.encode()
        for _ in range(50)
    ]
    rng.shuffle(lines)
    return HEADER + b"".join(lines[: rng.randint(1, 50)]) + _with_pieces(rng, b'"')[len(HEADER) :]


def _ten_megabytes(rng: random.Random) -> bytes:
    value = rng.choice([b"x", b"\xc3\xa9", b'""', b"a\n"]) * (10_000_000 // 2)
    quote = b'"' if value[:1] in b'"a' else b""
    return _good(rng) + key_of(rng).encode() + b"," + quote + value + quote + b",\n" + b"".join(_lines(rng))


def _endless_quote(rng: random.Random) -> bytes:
    lines = _lines(rng) * 1000
    lines[rng.randrange(len(lines))] = f'{key_of(rng)},"Ada,x\n'.encode()
    return HEADER + b"".join(lines)


def _endless_line(rng: random.Random) -> bytes:
    return _good(rng) + rng.choice([b",", b"x", b"x,"]) * rng.randint(1, 1 << 19) + b"\n"


def _not_utf8(rng: random.Random) -> bytes:
    return _with_pieces(rng, b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe9t\xe9")


def _utf16(rng: random.Random) -> bytes:
    return _good(rng).decode().encode(rng.choice(["utf-16", "utf-16-le", "utf-16-be", "utf-32"]))


def _truncated(rng: random.Random) -> bytes:
    text = _good(rng)
    return text[: rng.randrange(len(text))]


def _empty(_: random.Random) -> bytes:
    return b""


def _header_only(rng: random.Random) -> bytes:
    return rng.choice([HEADER, HEADER[:-1], HEADER.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + HEADER])


def _wrong_header(rng: random.Random) -> bytes:
    headers = [
        b"\n",
        b"id,name\n",
        b'"user_id,first_name,last_name\n',
        b"user_id;first_name;last_name\n",
        b",,\n",
    ]
    return rng.choice([*headers, HEADER.upper(), HEADER[:-1] + b",more\n", b"\xff" + HEADER]) + _good(rng)


def _wrong_widths(rng: random.Random) -> bytes:
    return _with_pieces(rng, b",", b"\n", b",,", b"\n\n", b",\n")


def _wrong_values(rng: random.Random) -> bytes:
    lines = _lines(rng) + [
        rng.choice([b",a,b\n", b"nonsense,a,b\n", b" ,a,b\n", b"1,2,3\n"]) for _ in range(5)
    ]
    rng.shuffle(lines)
    return HEADER + b"".join(lines)


def _random_bytes(rng: random.Random) -> bytes:
    return rng.choice([b"", HEADER]) + rng.randbytes(rng.randint(1, 4000)) + rng.choice([b"", b"\n"])


def _random_letters(rng: random.Random) -> bytes:
    return HEADER + bytes(rng.choices(b'a,",\n\r', k=rng.randint(1, 4000))) + b"\n"


def _parquet_good(rng: random.Random) -> bytes:
    columns = [list(values) for values in zip(*rows_of(rng), strict=True)]
    return _parquet(rng, pa.table(columns, NAMES))


def _parquet_bits(rng: random.Random) -> bytes:
    content = bytearray(_parquet_good(rng))
    for _ in range(rng.choice([1, 1, 2, 20])):
        # Half of the changes are in the metadata, which is at the end.
        at = rng.randrange(len(content)) if rng.random() < HALF else -rng.randrange(1, min(900, len(content)))
        content[at] ^= 1 << rng.randrange(8)
    return bytes(content)


def _parquet_truncated(rng: random.Random) -> bytes:
    content = _parquet_good(rng)
    return content[: rng.randrange(len(content))] + rng.choice([b"", b"", b"PAR1"])


def _parquet_types(rng: random.Random) -> bytes:
    size = rng.randint(1, 30)
    kinds: list[pa.Array] = [
        pa.array(range(size)),
        pa.array([[at] for at in range(size)]),
        pa.array([{"a": at} for at in range(size)]),
        pa.array([rng.randbytes(16) for _ in range(size)], pa.binary(16)),
        pa.array([rng.randbytes(rng.randrange(9)) for _ in range(size)], pa.binary()),
        pa.array([rng.randbytes(3) for _ in range(size)], pa.binary()).view(pa.string()),
        pa.array([rng.randrange(-(1 << 31), 1 << 31) for _ in range(size)], pa.int32()).view(pa.date32()),
        pa.array([rng.randrange(-(1 << 63), 1 << 63) for _ in range(size)]).view(pa.timestamp("us")),
        pa.nulls(size),
        pa.array([None, *("" for _ in range(size - 1))], pa.large_string()),
        pa.array([float("nan")] * size),
    ]
    keys = pa.array([key_of(rng) for _ in range(size)])
    key = rng.choice([keys, keys, rng.choice(kinds)])
    return _parquet(rng, pa.table([key, rng.choice(kinds), rng.choice(kinds)], NAMES))


def _parquet_no_rows(rng: random.Random) -> bytes:
    return _parquet(rng, pa.table([pa.array([], pa.string())] * 3, NAMES))


def _parquet_dictionaries(rng: random.Random) -> bytes:
    columns = [pa.array(values).dictionary_encode() for values in zip(*rows_of(rng), strict=True)]
    return _parquet(rng, pa.table(columns, NAMES))


def _parquet_wrong_fields(rng: random.Random) -> bytes:
    keys = [key_of(rng) for _ in range(9)]
    names = rng.choice(
        [["user_id", "first_name", "first_name"], ["a", "b", "c"], ["user_id", "first_name", "x.last_name"]]
    )
    return _parquet(rng, pa.table([keys, keys, keys], names))


def _parquet(rng: random.Random, table: pa.Table) -> bytes:
    file = io.BytesIO()
    pq.write_table(
        table,
        file,
        compression=rng.choice(["none", "snappy", "zstd"]),
        use_dictionary=rng.random() < HALF,
        row_group_size=rng.choice([7, 1000]),
        write_page_checksum=rng.random() < HALF,
    )
    return file.getvalue()


_KINDS: list[Callable[[random.Random], bytes]] = [
    _good,
    _nul_bytes,
    _byte_order_marks,
    _crlf,
    _lone_returns,
    _quotes,
    _nested_quotes,
    _quoted_line_breaks,
    _ten_megabytes,
    _endless_quote,
    _endless_line,
    _not_utf8,
    _utf16,
    _truncated,
    _empty,
    _header_only,
    _wrong_header,
    _wrong_widths,
    _wrong_values,
    _random_bytes,
    _random_letters,
    _parquet_good,
    _parquet_bits,
    _parquet_truncated,
    _parquet_types,
    _parquet_no_rows,
    _parquet_dictionaries,
    _parquet_wrong_fields,
    _parquet_bits,
    _quotes,
    _random_letters,
    *JSON_KINDS,
]
