"""Write timestamps: the first row has the first timestamp of the load, each later row a later one."""

from collections.abc import Iterator

import pytest
from cassandra.cluster import Session

from pipeline.embedded import Endpoint
from pipeline.settings import ColumnsConfig
from tests.harness.loads import Loads, loads_into

TIMESTAMP_US = 1_700_000_000_000_000


@pytest.fixture(scope="module")
def loads(tmp_path_factory: pytest.TempPathFactory, endpoint: Endpoint, cql: Session) -> Iterator[Loads]:
    """Return the loads into a keyspace of this module."""
    with loads_into("t_timestamps", tmp_path_factory.mktemp("timestamps"), endpoint, cql) as loads:
        yield loads


@pytest.mark.parametrize(
    "texts",
    [
        ['id,"v\n1"\n', 'id,"v\n1"\n1,a\n2,"b\nb"\n3,c\n', 'id,"v\n1"\n4,d\n\n\n'],
        ['"v\r\n1",id\r\n', '"v\r\n1",id\r\na,1\r\n"b\r\nb",2\r\nc,3\r\n', '"v\r\n1",id\r\nd,4\r\n'],
    ],
    ids=["LF", "CRLF"],
)
def test_the_first_row_has_the_first_timestamp(loads: Loads, texts: list[str]) -> None:
    """A header of several lines, or a first file without rows, does not change the first timestamp."""
    table = loads.create("late", "id int PRIMARY KEY, v text")
    files = [loads.folder / f"{at}.csv" for at in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text, encoding="utf-8", newline="")
    name = "v\r\n1" if "\r" in texts[0] else "v\n1"
    loads.run(
        loads.job(
            table,
            files,
            columns=ColumnsConfig(mapping=(("id", "id"), (name, "v"))),
            timestamp_us=TIMESTAMP_US,
        )
    )
    found = {row["id"]: row["at"] - TIMESTAMP_US for row in loads.rows(table, "id, writetime(v) AS at")}
    assert found == {1: 0, 2: 0, 3: 0, 4: 4}
