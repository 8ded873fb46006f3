"""What a text means is its type's grammar (docs/values.md), with the standard library as the oracle."""

import datetime as dt
import ipaddress
import re
import struct
import uuid
from collections.abc import Callable
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.cql.columns import Column
from pipeline.cql.encoding import encode_column, encode_values

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
STRANGE = "0123456789 \t+-_.,:/TtZzeEPxnaifNI{}()'%\uff11é"
KNOWN_TO_OTHERS = [
    *("20230808", "2023-W01-1", "2023-08-08T12", "2023-08-08 12:00:00,5", "2023-08-08T24:00:00", "+1"),
    *("1612010112345", "20230808120000Z", "2023-08-08x12:00", "2023-8-8", "2023-08-08T12:00:00+1"),
    *(
        "1_000",
        " 1",
        "1 ",
        "0x1f",
        "\uff11",
        "1e5",
        "infinity",
        "nan(1)",
        "NAN",
        "1.234,56",
        "1 000",
        "-",
        ".",
    ),
    *("TRUE ", "yes", "0xABC", "0x AB", "ABCD", "1.0", "00012", "-0", "1.", ".5", "1e", "--1", "1e400"),
]


def moment(text: str) -> bytes:
    """Return a timestamp as its milliseconds, 8 bytes."""
    form = r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d(?::?\d\d)?)?)?"
    found = re.fullmatch(form, text, re.ASCII)
    if not found:
        raise ValueError(text)
    day, clock, zone = found.groups()
    clock = (clock or "00:00") if (clock or "").count(":") == 2 else f"{clock or '00:00'}:00"
    clock, _, fraction = clock.partition(".")
    if zone and zone != "Z":
        zone = f"{zone[:3]}:{zone[3:].strip(':') or '00'}"
    at = dt.datetime.strptime(f"{day} {clock} {(zone or 'Z').replace('Z', '+00:00')}", "%Y-%m-%d %H:%M:%S %z")
    at = at.replace(microsecond=int(f"{fraction}000000"[:6]))
    return struct.pack(">q", (at - EPOCH) // dt.timedelta(milliseconds=1))


def day(text: str) -> bytes:
    """Return a date as its days, 1970 in the middle of 32 bits."""
    found = re.fullmatch(r"(\d{4}|[+-]\d{4,7})-(\d\d)-(\d\d)", text, re.ASCII)
    if not found or found[1] == "-0000" or found[1] == "0000":
        raise ValueError(text)
    # The calendar repeats every 400 years, which are 146,097 days.
    cycles, year = divmod(int(found[1]) - 2000, 400)
    days = (dt.date(2000 + year, int(found[2]), int(found[3])) - EPOCH.date()).days + cycles * 146_097
    return struct.pack(">I", days + (1 << 31))


def integer(text: str) -> bytes:
    """Return a whole number of 64 bits."""
    if not re.fullmatch(r"-?\d+", text, re.ASCII):
        raise ValueError(text)
    return struct.pack(">q", int(text))


def decimal(text: str) -> bytes:
    """Return a decimal as its scale, 4 bytes, and its digits in two's complement."""
    if not re.fullmatch(r"-?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,10})?", text, re.ASCII):
        raise ValueError(text)
    sign, digits, exponent = Decimal(text).as_tuple()
    unscaled = int("".join(map(str, digits))) * (-1 if sign else 1)
    width = ((unscaled if unscaled >= 0 else ~unscaled).bit_length()) // 8 + 1
    return struct.pack(">i", -int(exponent)) + unscaled.to_bytes(width, signed=True)


def double(text: str) -> bytes:
    """Return a number of 64 bits, which a text of digits is only within their range."""
    if not re.fullmatch(r"-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|NaN|nan|-?(Infinity|inf)", text, re.ASCII):
        raise ValueError(text)
    value = float(text)
    if value in {float("inf"), float("-inf")} and "inf" not in text.lower():
        raise ValueError(text)
    return struct.pack(">d", value)


def boolean(text: str) -> bytes:
    """Return a truth value."""
    return {"true": b"\1", "false": b"\0"}[text.lower()]


def blob(text: str) -> bytes:
    """Return bytes, two digits each."""
    if not re.fullmatch(r"0x([0-9a-fA-F]{2})*", text):
        raise ValueError(text)
    return bytes.fromhex(text[2:])


def identifier(text: str) -> bytes:
    """Return a UUID's bytes: all its dashes or none, both braces or neither."""
    with_dashes, without = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "[0-9a-f]{32}"
    if not re.fullmatch(rf"({with_dashes}|{without}|\{{({with_dashes}|{without})\}})", text.lower()):
        raise ValueError(text)
    return uuid.UUID(text).bytes


def time_of_day(text: str) -> bytes:
    """Return a time of day as its nanoseconds."""
    found = re.fullmatch(r"(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?", text, re.ASCII)
    if not found:
        raise ValueError(text)
    hour, minute, second = (int(part or 0) for part in found.groups()[:3])
    at = dt.timedelta(hours=hour, minutes=minute, seconds=second)
    dt.time(hour, minute, second)
    return struct.pack(">q", int(at.total_seconds()) * 10**9 + int((found[4] or "").ljust(9, "0")))


def address(text: str) -> bytes:
    """Return an address's bytes."""
    found = ipaddress.ip_address(text)
    if isinstance(found, ipaddress.IPv6Address):
        if found.scope_id:
            raise ValueError(text)
        return (found.ipv4_mapped or found).packed
    return found.packed


ORACLES: dict[str, tuple[Callable[[str], bytes], str]] = {
    "timestamp": (
        moment,
        (
            r"(19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]"
            r"([T ][0-2][0-9]:[0-5][0-9](:[0-5][0-9](\.[0-9]{1,7})?)?(Z|[+-][01][0-9](:?[0-5][0-9])?)?)?"
        ),
    ),
    "date": (day, r"([0-2][0-9]{3}|[+-][0-9]{4,7})-[01][0-9]-[0-3][0-9]"),
    "bigint": (integer, r"-?[0-9]{1,20}"),
    "decimal": (decimal, r"-?([0-9]{1,25}(\.[0-9]{0,20})?|\.[0-9]{1,20})([eE][+-]?[0-9]{1,3})?"),
    "double": (double, r"-?([0-9]{1,20}(\.[0-9]{0,20})?|\.[0-9]{1,5})([eE][+-]?[0-9]{1,3})?|NaN|-?Infinity"),
    "boolean": (boolean, r"[tT]rue|TRUE|false|FALSE"),
    "uuid": (identifier, r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-f]{32}|\{[0-9a-f]{32}\}"),
    "time": (time_of_day, r"[0-2][0-9]:[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?"),
    "inet": (address, r"[0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-f]{1,4}(:[0-9a-f]{1,4}){7}|::[0-9a-f]{1,4}"),
    "blob": (blob, r"0x([0-9a-fA-F]{2}){0,5}"),
}


@st.composite
def texts(draw: st.DrawFn, form: str) -> str:
    """Return a text in the grammar, or one that is a letter away from it, or one that other parsers take."""
    text = draw(st.from_regex(form, fullmatch=True))
    kind = draw(st.integers(0, 3))
    at = draw(st.integers(0, len(text)))
    letter = draw(st.sampled_from(STRANGE))
    if kind == 0:
        text = text[:at] + letter + text[at:]
    elif kind == 1:
        text = text[:at] + letter + text[at + 1 :]
    elif kind == 2:
        text = draw(st.sampled_from(KNOWN_TO_OTHERS))
    return text or letter


@pytest.mark.parametrize("type_name", ORACLES)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_text_is_what_its_grammar_says_or_refused(type_name: str, data: st.DataObject) -> None:
    """In columns and one by one: what the grammar accepts means what it says, all else is a bad row."""
    oracle, form = ORACLES[type_name]
    column = Column("value", type_name, is_key=False)
    drawn = data.draw(st.lists(texts(form), min_size=1, max_size=40))
    wanted: list[bytes | None] = []
    for text in drawn:
        try:
            wanted.append(oracle(text))
        except (ValueError, KeyError, OverflowError, ArithmeticError, struct.error):
            wanted.append(None)
    for encode in (encode_column, encode_values):
        encoded, reasons = encode(column, pa.array(drawn, pa.string()))
        found = dict(zip(drawn, encoded.to_pylist(), strict=True))
        assert found == dict(zip(drawn, wanted, strict=True)), encode.__name__
        assert {drawn[at] for at in reasons} == {
            text for text, value in zip(drawn, wanted, strict=True) if value is None
        }
