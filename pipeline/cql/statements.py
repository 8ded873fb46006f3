"""CQL statements that a user gives in a file."""

import re

from pipeline.errors import SettingError, abbreviated


def table_created_by(statement: str) -> tuple[str, str]:
    """Return keyspace and table of a CREATE TABLE.

    Raises:
        SettingError: it is another statement, or names no keyspace.
    """
    found = _CREATE_TABLE.match(statement)
    if found is None:
        raise SettingError(
            f"{abbreviated(statement.strip())!r} is not CREATE TABLE keyspace.table (...); write it so"
        )
    keyspace, table = (
        name[1:-1].replace('""', '"') if name.startswith('"') else name.lower() for name in found.groups()
    )
    return keyspace, table


_NAME = r'("(?:[^"]|"")+"|[A-Za-z]\w*)'
_CREATE_TABLE = re.compile(
    rf"(?:\s|--[^\n]*\n)*CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?{_NAME}\s*\.\s*{_NAME}\s*\(", re.IGNORECASE
)
