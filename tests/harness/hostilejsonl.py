"""Hostile JSON Lines, most with a fault; some are packed, some are in another encoding."""

import gzip
import json
import random
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from pipeline.rowfiles.dialect import Dialect
from tests.harness.hostilefile import BAD, GOOD, REFUSED, Hostile, Kind, Row, with_pieces
from tests.harness.hostilerows import HALF, NAMES, key_of, rows_of


def _lines(rng: random.Random) -> list[bytes]:
    return [_line(rng, row) for row in rows_of(rng, 25)]


def _line(rng: random.Random, row: list[str]) -> bytes:
    members = list(zip(NAMES, row, strict=True))
    rng.shuffle(members)
    return json.dumps(dict(members), ensure_ascii=rng.random() < HALF).encode() + b"\n"


def _among(rng: random.Random, *others: bytes) -> Hostile:
    """Return good lines with some others among them, often of one kind alone."""
    kinds = rng.sample(others, k=min(len(others), rng.choice([1, 1, 9])))
    lines = _lines(rng) + [line + b"\n" for line in rng.choices(kinds, k=rng.randint(1, 6))]
    rng.shuffle(lines)
    return _file(rng, b"".join(lines))


def _file(rng: random.Random, content: bytes) -> Hostile:
    """Return a file, one in four packed."""
    if rng.randrange(4):
        return Hostile(content=content, end="jsonl")
    dialect = Dialect(compression="gzip")
    return Hostile(content=gzip.compress(content, mtime=0), end="jsonl.gz", dialect=dialect)


def _good(rng: random.Random) -> Hostile:
    rows = rows_of(rng, 25)
    hostile = _file(rng, b"".join(_line(rng, row) for row in rows))
    return replace(hostile, rows=[tuple(row) for row in rows], outcomes=frozenset({GOOD}))


def _escaped_keys(rng: random.Random) -> Hostile:
    """Return good rows in whose keys and values every letter is an escape."""

    def escaped(text: str) -> str:
        units = text.encode("utf-16-be")
        return '"' + "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2)) + '"'

    rows = rows_of(rng, 25)
    members = [[f"{escaped(name)}:{escaped(row[at])}" for at, name in enumerate(NAMES)] for row in rows]
    hostile = _file(rng, "".join(f"{{{','.join(of_row)}}}\n" for of_row in members).encode())
    return replace(hostile, rows=[tuple(row) for row in rows], outcomes=frozenset({GOOD}))


def _pieces(rng: random.Random) -> Hostile:
    pieces = [letter.to_bytes() for letter in b'{}[]",:\\ \n\r\t1ae-.+/\0\x0b\x7f\xff']
    pieces += [b'\\"', b"\\u", b"\\u0000", b"\\ud83d", b"null", b"\n\n", b"}{", b"}\n{", b"\xef\xbb\xbf"]
    return _file(rng, with_pieces(rng, b"".join(_lines(rng)), pieces))


def _cut(rng: random.Random) -> Hostile:
    content = b"".join(_lines(rng))
    return _file(rng, content[: rng.randrange(len(content))])


def _nested(rng: random.Random) -> Hostile:
    """Return values in brackets, some of them in more than any parser takes."""

    def line(depth: int, opens: bytes, closes: bytes) -> bytes:
        return b'{"first_name":' + opens * depth + b"1" + closes * depth + b"}"

    brackets = [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":', b"}]"), (b"[", b""), (b"[", b"}")]
    return _among(rng, *(line(rng.choice([9, 300, 20_000]), *pair) for pair in brackets), b"[" * 100_000)


def _keys_twice(rng: random.Random) -> Hostile:
    return _among(
        rng,
        b'{"user_id":1,"user_id":1}',
        b'{"user_id":1,"first_name":"a","first_name":null}',
        b'{"user_id":1,"\\u0075ser_id":2}',
        b'{"\\u0075ser_id":1,"\\u0075ser_id":2}',
        b'{"user_id":1,"User_id":2}',
        b'{"user_id":1,"more":2,"more":3}',
        b'{"user_id":1,"first_name":{"user_id":2}}',
        b'{"user_id":1,"first_name":{"a":1,"a":2}}',
        b'{"user_id":1,"first_name":"\\"user_id\\":2"}',
    )


def _numbers(rng: random.Random) -> Hostile:
    digits = bytes(rng.choices(b"0123456789", k=rng.choice([20, 400, 5000, 100_000])))
    numbers = [b"1" + digits, b"-1." + digits, b"1e" + digits, b"0.1e-999999", b"-0", b"1E+5", b"9" * 4301]
    numbers += [b"NaN", b"Infinity", b"-Infinity", b"nan", b"01", b"1.", b".5", b"+1", b"-", b"0x1F", b"1e"]
    numbers += [b"1_000", b"true", b"True", b"tr", b"nul", b"undefined", b"1 2", "\u0661\u00bd".encode()]
    return _among(rng, *(b'{"first_name":%b}' % number for number in numbers))


def _strings(rng: random.Random) -> Hostile:
    """Return strings that are not UTF-8, have half a letter, a control character, or no end."""
    texts = [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\\ud800", b"\\udc00\\ud800", b"\0"]
    texts += [b"\\ud800\\u0041", b"\\ud83d\\ude00", b"\\u0000", b"\t", b"\x1f", b"\x7f", b"\\x41", b"\\u12"]
    texts += [b"\\", b"\\u00zz", b"\\'", b"\r", b"\xe2\x80\xa8", b"\xef\xbb\xbf", b"\\/", b'\\"', b'a"']
    members = [b'{"first_name":"%b"}' % text for text in texts]
    members += [b'{"%b":1}' % text for text in texts] + [b'{"last_name":["%b"]}' % text for text in texts]
    members += [b'{"first_name":"a', b'{"first_name":"a\\"}', b'{"first_name', b'"', b"{'user_id':1}"]
    return _among(rng, *members)


def _structures(rng: random.Random) -> Hostile:
    """Return lines that are not one object: several, a part of one, an array of some, another value."""
    row = b'{"user_id":"%b"}' % key_of(rng).encode()
    lines = [row * 2, row + b" " + row, row + b"," + row, b"[%b]" % row, b"[%b,%b]" % (row, row), row[:-1]]
    lines += [row + b"}", row[1:], b"[1,2,3]", b"[]", b"{}", b"null", b"1", b'"a"', b",", b"{" * 9, b"{1:2}"]
    lines += [b'{"user_id":1,}', b'{,"user_id":1}', b'{"user_id" 1}', b'{"user_id"::1}', b'{"user_id":}']
    return _among(rng, *lines, row + b"//comment", b"/**/" + row, b"#comment")


def _blanks(rng: random.Random) -> Hostile:
    """Return lines of blanks, before and behind an object, and behind the last one."""
    row = b'{"user_id":"%b"}' % key_of(rng).encode()
    blanks = [b"", b" ", b"\t", b"\r", b"\r\r", b"\x0b", b"\x0c", b"\0", b"\xc2\xa0", b"\xef\xbb\xbf"]
    hostile = _among(rng, *blanks, *(blank + row for blank in blanks), *(row + blank for blank in blanks))
    return hostile if hostile.end != "jsonl" else replace(hostile, content=hostile.content + b"\r\n\n \n" * 3)


def _line_ends(rng: random.Random) -> Hostile:
    """Return CRLF, which is good; or nothing but CR, with which all of the file is one line."""
    end = rng.choice([b"\r\n", b"\r\n", b"\r", b"\n\r", b"\r\r\n"])
    return _file(rng, b"".join(_lines(rng)).replace(b"\n", end))


def _marks(rng: random.Random) -> Hostile:
    """Return byte-order marks at the beginning, and before another line."""
    mark = b"\xef\xbb\xbf"
    lines = _lines(rng)
    at = rng.randrange(len(lines))
    lines[at] = mark + lines[at]
    return _file(rng, rng.choice([b"", mark, mark * 2]) + b"".join(lines))


def _large(rng: random.Random) -> Hostile:
    """Return a value of 10 MB, good or without its end."""
    value = rng.choice([b"x", b"\xc3\xa9", b'\\"', b"\\u00e9", b"]}", b"\\\\", b"\xff"])
    end = rng.choice([b'"}', b'"}', b'"', b""])
    large = b'{"first_name":"' + value * (10_000_000 // len(value)) + end + b"\n"
    return Hostile(content=b"".join([*_lines(rng), large, *_lines(rng)]), end="jsonl")


def _letters(rng: random.Random) -> Hostile:
    return _file(rng, bytes(rng.choices(b'{}[]",:\\ \n\r1a', k=rng.randint(1, 4000))) + b"\n")


def _bytes(rng: random.Random) -> Hostile:
    return _file(rng, rng.choice([b"", *_lines(rng)]) + rng.randbytes(rng.randint(1, 4000)))


def _encoded(encoding: str, rng: random.Random) -> Hostile:
    """Return text in an encoding: good, cut, or with bytes in it that the encoding has not."""
    content = b"".join(_lines(rng)).decode().encode(encoding, "replace")
    pieces = [b"\xff", b"\x81", b"\x00\xd8", b"\n", b'"']
    content = rng.choice([content, with_pieces(rng, content, pieces, 3), content[:-1], content[:-3]])
    return Hostile(content=content, end="jsonl", dialect=Dialect(encoding=encoding))


def _other_encoding(rng: random.Random) -> Hostile:
    """Return text that is in another encoding than the one that it is read in."""
    content = b"".join(_lines(rng)).decode().encode(rng.choice(["utf-16", "utf-16-le", "utf-32"]))
    return replace(_file(rng, content), rows=list[Row](), outcomes=frozenset({BAD, REFUSED}))


_KINDS: Mapping[str, Kind] = {
    "good": _good,
    "escaped keys": _escaped_keys,
    "pieces": _pieces,
    "cut": _cut,
    "nested": _nested,
    "keys twice": _keys_twice,
    "numbers": _numbers,
    "strings": _strings,
    "structures": _structures,
    "blanks": _blanks,
    "line ends": _line_ends,
    "marks": _marks,
    "large": _large,
    "letters": _letters,
    "bytes": _bytes,
    "other encoding": _other_encoding,
    **{encoding: partial(_encoded, encoding) for encoding in ("utf-16", "cp1252", "shift_jis", "utf-8-sig")},
}
JSON_LINES_KINDS: Mapping[str, Kind] = {f"JSON Lines {name}": kind for name, kind in _KINDS.items()}
