"""inet."""

import ipaddress
import socket
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from cassandra import cqltypes

from pipeline.cql.bytearrays import fixed_width, offsets_and_bytes, require, require_text
from pipeline.cql.types.cqltype import CqlType


def _parse_inet(text: str) -> str:
    """Return the address as the server keeps it and the driver writes it."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise ValueError(f"expected {_EXPECTED}") from None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id:
            raise ValueError("Cassandra keeps no scope of an address; leave out what follows %")
        address = address.ipv4_mapped or address
    return socket.inet_ntop(socket.AF_INET if address.version == _IPV4 else socket.AF_INET6, address.packed)


def _inets(values: pa.Array) -> pa.BinaryArray:
    """Serialise IPv4 addresses; an IPv6 address raises ValueError."""
    require_text(values)
    offsets, letters = offsets_and_bytes(values)
    digits = letters - ord("0")
    is_point = letters == ord(".")
    points = np.flatnonzero(is_point)
    require(bool((is_point | (digits <= 9)).all() and len(points) == 3 * len(values)))  # noqa: PLR2004 - IPv4
    rows = points.reshape(-1, 3)
    starts = np.column_stack([offsets[:-1], rows + 1])
    ends = np.column_stack([rows, offsets[1:]])
    sizes = ends - starts
    require(bool(((sizes >= 1) & (sizes <= 3)).all()))  # noqa: PLR2004 - as above
    require(not ((sizes > 1) & (digits[starts] == 0)).any())
    octets = digits[ends - 1].astype(np.int64)
    octets += np.where(sizes > 1, 10 * digits[ends - 2].astype(np.int64), 0)
    octets += np.where(sizes > 2, 100 * digits[ends - 3].astype(np.int64), 0)  # noqa: PLR2004 - as above
    require(bool((octets <= 255).all()))  # noqa: PLR2004 - as above
    return fixed_width(octets.astype(np.uint8))


_IPV4 = 4
_EXPECTED = "an IPv4 address such as 10.0.0.1 or an IPv6 address such as ::1"
"""Python's `ipaddress` takes the forms of RFC 4291 and of dots, and no others."""


TYPES: Mapping[str, CqlType] = {
    "inet": CqlType(
        parse=_parse_inet,
        format=str,
        arrow=pa.string(),
        driver=cqltypes.InetAddressType,
        example='"10.0.0.1"',
        encode=_inets,
    )
}
