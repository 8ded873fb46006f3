"""What the bytes of a file tell: its format, how it is packed, and how its text is encoded."""

import codecs
from collections.abc import Iterator
from contextlib import contextmanager

from charset_normalizer import from_bytes

from pipeline.rowfiles.compression import unpacked
from pipeline.rowfiles.formats import compression_of, has_format
from pipeline.rowfiles.opening import open_content
from pipeline.rowfiles.stores.paths import FilePath
from pipeline.suggest.notes import Notes

SAMPLE_BYTES = 4 << 20


def compression_in(file: FilePath, notes: Notes) -> str:
    """Return how a file is packed; an empty text where its name says it."""
    with open_content(file) as content:
        begin = content.read(6)
    found = next((name for magic, name in _PACKED.items() if begin.startswith(magic)), "none")
    if found == compression_of(file):
        return ""
    notes.reason(
        f"its first bytes are those of a file packed by {found}" if found != "none" else "it is not packed"
    )
    return found


def format_in(file: FilePath, begin: bytes, notes: Notes) -> str:
    """Return the format of a file whose unpacked content begins so; an empty text where its name says it."""
    if has_format(file):
        return ""
    text = begin.lstrip(codecs.BOM_UTF8).lstrip()
    found = "csv"
    if begin.startswith(b"PAR1"):
        found = "parquet"
    elif text[:1] in {b"{", b"["}:
        found = "jsonl" if text.startswith(b"{") and b"}\n{" in text.replace(b"\r", b"") else "json"
    notes.reason(f"its name says no format; its content is {found}")
    return found


@contextmanager
def unpacked_content(file: FilePath, compression: str) -> Iterator[Iterator[bytes]]:
    """Open a file and yield its content in blocks, unpacked."""
    with open_content(file) as content:
        yield unpacked(file, content, compression)


def beginning(file: FilePath, compression: str) -> bytes:
    """Return the first bytes of a file, unpacked."""
    begin = bytearray()
    with unpacked_content(file, compression) as blocks:
        for block in blocks:
            begin += block
            if len(begin) >= SAMPLE_BYTES:
                break
    return bytes(begin[:SAMPLE_BYTES])


def encoding_of(file: FilePath, compression: str, notes: Notes) -> str:
    """Return the encoding of a text by Python's name; an empty text for UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    before, size_bytes = b"", 0
    with unpacked_content(file, compression) as blocks:
        for block in blocks:
            if not size_bytes and block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                notes.reason("it begins with the byte order mark of UTF-16")
                return "utf-16"
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                around = before + block
                at = max(0, len(before) + error.start - _CONTEXT_BYTES)
                return _best_of(around[at : at + 2 * _CONTEXT_BYTES], notes)
            before, size_bytes = block, size_bytes + len(block)
            if size_bytes > _SEARCHED_BYTES:
                break
    return ""


def _best_of(sample: bytes, notes: Notes) -> str:
    beyond_ascii = [each for each in sample.decode(_COMMON, errors="replace") if not each.isascii()]
    name = _COMMON
    if sum(each in _WESTERN for each in beyond_ascii) < _MOST * len(beyond_ascii):
        found = from_bytes(sample).best()
        name = codecs.lookup(found.encoding).name if found else _COMMON
        # What is a control character in Latin-1 is a letter or a quote in Windows-1252.
        name = _COMMON if name in {"iso8859-1", "ascii", "utf-8"} else name
    notes.doubt(f"it is not UTF-8; {name} is a guess: look at letters beyond A to Z")
    return name


_COMMON = "cp1252"
_WESTERN = set(map(chr, range(0xDF, 0x100))) - {"\xf7"}
_WESTERN |= {each.upper() for each in _WESTERN} | set(
    "\u2018\u2019\u201c\u201d\u2013\u2014\u2026\u20ac\xb0\xa3\xab\xbb\xb7\xba\xaa\xa9\xae\xa7\xa0"
)
"""Letters and signs of western Europe, of which nearly all is that Windows-1252 text has beyond ASCII."""
_MOST = 0.9
_CONTEXT_BYTES = 64 << 10
_SEARCHED_BYTES = 256 << 20
_PACKED = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x04\x22\x4d\x18": "lz4",
}
