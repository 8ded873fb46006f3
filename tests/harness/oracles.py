"""The meaning of a text of each scalar type, by the standard library alone (docs/values.md)."""

import datetime as dt
import ipaddress
import re
import struct
import uuid
from collections.abc import Callable
from decimal import Decimal

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
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
    *("urn:uuid:123e4567-e89b-12d3-a456-426614174000", "{123e4567-e89b-12d3-a456-426614174000"),
    *("123e4567-e89b-12d3-a456-426614174000}", "::ffff:1.2.3.4%1", "01.2.3.4", "1.2.3.4/32", "Inf", "+inf"),
    "123e4567-e89b-42d3-a456-426614174000",
    *("24:00", "1200", "12:30Z", "12:30:00.1234567890", "P", "PT", "P1.5Y", "1d2y", "1.5h", "1\n", "true\n"),
    *("TRUE ", "yes", "0xABC", "0x AB", "ABCD", "1.0", "00012", "-0", "1.", ".5", "1e", "--1", "1e400"),
]


def moment(text: str) -> bytes:
    """Return the bytes of a timestamp: its milliseconds, 8 bytes."""
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
    """Return the bytes of a date: its days in 32 bits, with 1970 in the middle."""
    found = re.fullmatch(r"(\d{4}|[+-]\d{4,7})-(\d\d)-(\d\d)", text, re.ASCII)
    if not found or found[1] == "-0000":
        raise ValueError(text)
    # The calendar repeats every 400 years, which are 146,097 days.
    cycles, year = divmod(int(found[1]) - 2000, 400)
    days = (dt.date(2000 + year, int(found[2]), int(found[3])) - EPOCH.date()).days + cycles * 146_097
    return struct.pack(">I", days + (1 << 31))


def integer(form: str) -> Callable[[str], bytes]:
    """Return a serialiser of whole numbers in the `struct` format `form`."""

    def serialise(text: str) -> bytes:
        return struct.pack(form, whole(text))

    return serialise


def whole(text: str) -> int:
    """Return a whole number."""
    if not re.fullmatch(r"-?\d+", text, re.ASCII):
        raise ValueError(text)
    return int(text)


def twos_complement(number: int) -> bytes:
    """Return a whole number in two's complement, in as few bytes as possible."""
    width = (number if number >= 0 else ~number).bit_length() // 8 + 1
    return number.to_bytes(width, signed=True)


def decimal(text: str) -> bytes:
    """Return the bytes of a decimal: its scale, 4 bytes, and its digits in two's complement."""
    if not re.fullmatch(r"-?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,10})?", text, re.ASCII):
        raise ValueError(text)
    sign, digits, exponent = Decimal(text).as_tuple()
    unscaled = int("".join(map(str, digits))) * (-1 if sign else 1)
    return struct.pack(">i", -int(exponent)) + twos_complement(unscaled)


def double(text: str) -> bytes:
    """Return a number of 64 bits; digits beyond its range are refused."""
    if not re.fullmatch(r"-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|NaN|nan|-?(Infinity|inf)", text, re.ASCII):
        raise ValueError(text)
    value = float(text)
    if value in {float("inf"), float("-inf")} and "inf" not in text.lower():
        raise ValueError(text)
    return struct.pack(">d", value)


def single(text: str) -> bytes:
    """Return a number of 32 bits: the number of 64 bits, rounded."""
    return struct.pack(">f", struct.unpack(">d", double(text))[0])


def boolean(text: str) -> bytes:
    """Return a truth value."""
    return {"true": b"\1", "false": b"\0"}[text.lower()]


def blob(text: str) -> bytes:
    """Return bytes, two hexadecimal digits each."""
    if not re.fullmatch(r"0x([0-9a-fA-F]{2})*", text):
        raise ValueError(text)
    return bytes.fromhex(text[2:])


def identifier(text: str) -> bytes:
    """Return a UUID's bytes: with all of its dashes or none, both braces or neither."""
    with_dashes, without = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "[0-9a-f]{32}"
    if not re.fullmatch(rf"({with_dashes}|{without}|\{{({with_dashes}|{without})\}})", text.lower()):
        raise ValueError(text)
    return uuid.UUID(text).bytes


def timed_identifier(text: str) -> bytes:
    """Return the bytes of a UUID of version 1."""
    if uuid.UUID(bytes=identifier(text)).version != 1:
        raise ValueError(text)
    return identifier(text)


def time_of_day(text: str) -> bytes:
    """Return the bytes of a time of day: its nanoseconds."""
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


def duration(text: str) -> bytes:
    """Return the bytes of a duration: its months, days and nanoseconds, one vint each."""
    iso = "".join(rf"(?:(\d{{1,19}}){unit})?" for unit in "YMWD")
    clock = r"(?:(\d{1,19})H)?(?:(\d{1,19})M)?(?:(\d{1,19})(?:\.(\d{1,9}))?S)?"
    found = re.fullmatch(rf"(-?)P{iso}(?:T{clock})?", text, re.ASCII)
    if found and text[-1] not in "PT":
        numbers = [int(part or 0) for part in found.groups()[1:8]]
        numbers += [0, 0, int((found[9] or "").ljust(9, "0"))]
    else:
        units = ("y", "mo", "w", "d", "h", "m", "s", "ms", "[uµμ]s", "ns")
        form = "(-?)" + "".join(rf"(?:(\d{{1,19}}){unit})?" for unit in units)
        found = re.fullmatch(form, text, re.ASCII | re.IGNORECASE)
        if not found or not any(found.groups()[1:]):
            raise ValueError(text)
        numbers = [int(part or 0) for part in found.groups()[1:]]
    sizes = (12, 1, 7, 1, 3600 * 10**9, 60 * 10**9, 10**9, 10**6, 1000, 1)
    sums = [number * size for number, size in zip(numbers, sizes, strict=True)]
    sign = -1 if found[1] else 1
    months, days, nanoseconds = (sign * sum(part) for part in (sums[:2], sums[2:4], sums[4:]))
    struct.pack(">iiq", abs(months), abs(days), abs(nanoseconds))
    return vint(months) + vint(days) + vint(nanoseconds)


def vint(number: int) -> bytes:
    """Return a number in zigzag encoding; the first byte starts with one 1 bit for each byte after it."""
    zigzag = 2 * number if number >= 0 else -2 * number - 1
    more = min(8, max(0, zigzag.bit_length() - 1) // 7)
    first = (0xFF00 >> more & 0xFF) << 8 * more
    return (first | zigzag).to_bytes(more + 1)


ORACLES: dict[str, tuple[Callable[[str], bytes], str]] = {
    "timestamp": (
        moment,
        (
            r"(19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]"
            r"([T ][0-2][0-9]:[0-5][0-9](:[0-5][0-9](\.[0-9]{1,7})?)?(Z|[+-][01][0-9](:?[0-5][0-9])?)?)?"
        ),
    ),
    "date": (day, r"([0-2][0-9]{3}|[+-][0-9]{4,7})-[01][0-9]-[0-3][0-9]"),
    "tinyint": (integer(">b"), r"-?[0-9]{1,3}"),
    "smallint": (integer(">h"), r"-?[0-9]{1,5}"),
    "int": (integer(">i"), r"-?[0-9]{1,10}"),
    "bigint": (integer(">q"), r"-?[0-9]{1,20}"),
    "varint": (lambda text: twos_complement(whole(text)), r"-?[0-9]{1,30}"),
    "decimal": (decimal, r"-?([0-9]{1,25}(\.[0-9]{0,20})?|\.[0-9]{1,20})([eE][+-]?[0-9]{1,3})?"),
    "double": (double, r"-?([0-9]{1,20}(\.[0-9]{0,20})?|\.[0-9]{1,5})([eE][+-]?[0-9]{1,3})?|NaN|-?Infinity"),
    "float": (single, r"-?([0-9]{1,10}(\.[0-9]{0,9})?|\.[0-9]{1,5})([eE][+-]?[0-9]{1,2})?|NaN|-?Infinity"),
    "boolean": (boolean, r"[tT]rue|TRUE|false|FALSE"),
    "uuid": (identifier, r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-f]{32}|\{[0-9a-f]{32}\}"),
    "timeuuid": (
        timed_identifier,
        r"[0-9a-f]{8}-[0-9a-f]{4}-[14][0-9a-f]{3}-[89a-c][0-9a-f]{3}-[0-9a-f]{12}",
    ),
    "duration": (
        duration,
        (
            r"-?P([0-9]{1,9}Y)?([0-9]{1,3}M)?([0-9]{1,3}W)?([0-9]{1,11}D)?"
            r"(T([0-9]{1,7}H)?([0-9]{1,3}M)?([0-9]{1,3}(\.[0-9]{1,9})?S)?)?"
            r"|-?([0-9]{1,9}y)?([0-9]{1,3}MO)?([0-9]{1,3}d)?([0-9]{1,3}m)?([0-9]{1,3}ms)?([0-9]{1,3}[uµ]s)?"
        ),
    ),
    "text": (str.encode, r"[a-z0-9é\n ]{1,6}"),
    "varchar": (str.encode, r"[a-z0-9é\n ]{1,6}"),
    "ascii": (lambda text: text.encode("ascii"), r"[a-z0-9\n ]{1,6}"),
    "time": (time_of_day, r"[0-2][0-9]:[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?"),
    "inet": (address, r"[0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-f]{1,4}(:[0-9a-f]{1,4}){7}|::[0-9a-f]{1,4}"),
    "blob": (blob, r"0x([0-9a-fA-F]{2}){0,5}"),
}


def wanted(type_name: str, text: str) -> bytes | None:
    """Return the bytes of a text's value, None for a text without a value of the type."""
    try:
        return ORACLES[type_name][0](text)
    except (ValueError, KeyError, ArithmeticError, struct.error):
        return None
