import tempfile
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from cassandra.cluster import Session
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from pipeline.cql.columns import Column, Row
from pipeline.cql.types import canonical
from pipeline.rowfiles.files import write_rows
from tests.harness.rowfiles import FORMATS, read
from tests.harness.values import SCALARS as VALUES

PROVE = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
# An empty text is null in a row file; Cassandra stores timestamps in milliseconds.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
ASCII = st.text(st.characters(max_codepoint=127), min_size=1)
MOMENTS = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)).map(  # noqa: DTZ001 - naive is UTC
    lambda moment: moment - timedelta(microseconds=moment.microsecond % 1000)
)
SCALARS: dict[str, st.SearchStrategy[object]] = {
    **{name: values for name, values in VALUES.items() if name != "duration"},
    "text": TEXT,
    "varchar": TEXT,
    "ascii": ASCII,
    "timestamp": MOMENTS,
    "date": st.dates(),
    "time": st.times(),
}
ELEMENTS = {
    **SCALARS,
    "text": st.just("") | TEXT,
    "varchar": st.just("") | TEXT,
    "ascii": st.just("") | ASCII,
}


def _has_one_nan(value: Mapping[object, object]) -> bool:
    """Return whether a map has at most one NaN as a key: to the server all of them are the same key."""
    return sum(key != key for key in value) < 2  # noqa: PLR0124 - only NaN differs from itself


COLLECTIONS: dict[str, st.SearchStrategy[object]] = {
    **{f"list<{name}>": st.lists(values, max_size=4) for name, values in ELEMENTS.items()},
    **{f"set<{name}>": st.sets(values, max_size=4) for name, values in ELEMENTS.items()},
    **{
        f"map<{name}, {name}>": st.dictionaries(values, values, max_size=4).filter(_has_one_nan)
        for name, values in ELEMENTS.items()
    },
    "map<text, frozen<list<int>>>": st.dictionaries(TEXT, st.lists(SCALARS["int"], max_size=3), max_size=3),
    "list<frozen<map<text, double>>>": st.lists(st.dictionaries(TEXT, st.floats(), max_size=2), max_size=3),
}
EVERY_TYPE = {**SCALARS, **COLLECTIONS}
COLUMNS = [
    Column("id", "int", is_key=True),
    *(Column(f"c{at}", name, is_key=False) for at, name in enumerate(EVERY_TYPE)),
]
ROWS = st.lists(
    st.tuples(SCALARS["int"], *(st.none() | values for values in EVERY_TYPE.values())), min_size=1, max_size=4
)
# The driver reads it back with an error of two microseconds.
FAR_BACK = datetime(205, 3, 9, 3, 42, 56, 18_000)  # noqa: DTZ001 - naive is UTC


def row_of(values: Mapping[str, object]) -> Row:
    """Return a row with these values in columns of these types, null in all others."""
    return (1, *(values.get(name) for name in EVERY_TYPE))


def same(row: Row) -> Row:
    """Return a row in a form in which rows of any origin can be compared."""
    return tuple(canonical(value) for value in row)


@FORMATS
@PROVE
@given(rows=ROWS)
def test_what_is_written_reads_back(file_format: str, rows: list[Row]) -> None:
    """Every value of every type, alone and in lists, sets and maps, reads back equal; null stays null."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, f"rows.{file_format}")
        assert write_rows(file, COLUMNS, rows) == len(rows)
        assert list(map(same, read(file, COLUMNS))) == list(map(same, rows))


@FORMATS
def test_what_is_read_is_what_the_server_keeps(cql: Session, tmp_path: Path, file_format: str) -> None:
    """Values of all types that are read from a row file and inserted are read back equal from the server."""
    keyspace = f"t_rowfiles_{file_format}"
    cql.execute(
        f"CREATE KEYSPACE {keyspace} WITH replication = "
        "{'class': 'SimpleStrategy', 'replication_factor': 1}"
    )
    try:
        types = ", ".join(f"{column.name} {column.type_name}" for column in COLUMNS)
        cql.execute(f"CREATE TABLE {keyspace}.every_type ({types}, PRIMARY KEY (id))")
        names = [column.name for column in COLUMNS]
        insert = cql.prepare(
            f"INSERT INTO {keyspace}.every_type ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        )
        found = cql.prepare(f"SELECT {', '.join(names)} FROM {keyspace}.every_type WHERE id = ?")

        # Without shrinking, which takes minutes against a server.
        @settings(PROVE, max_examples=20, phases=[Phase.explicit, Phase.reuse, Phase.generate])
        @given(rows=ROWS)
        @example(rows=[row_of({"timestamp": FAR_BACK, "map<timestamp, timestamp>": {FAR_BACK: FAR_BACK}})])
        def prove(rows: list[Row]) -> None:
            file = tmp_path / f"rows.{file_format}"
            write_rows(file, COLUMNS, rows)
            for row in read(file, COLUMNS):
                cql.execute(insert, row)
                kept = cql.execute(found, [row[0]]).one()
                assert tuple(canonical(kept[name]) for name in names) == same(row)

        prove()
    finally:
        cql.execute(f"DROP KEYSPACE {keyspace}")
