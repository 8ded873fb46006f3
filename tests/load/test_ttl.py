"""The time to live: the table's default, none, or ttl_s; beyond the server's last expiry it is refused."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cassandra.cluster import Session

from pipeline.embedded import Endpoint
from pipeline.errors import SettingError, SettingRefusedError
from pipeline.settings import LoadConfig
from tests.harness.loads import USERS, Loads, loads_into
from tests.harness.workspace import Workspace

KEYSPACE = "t_ttl"
MOST_S = 630_720_000
END_S = 2**31 - 2
"""The last second in which rows can expire, since 1970, while the server stays compatible with 4.x."""
DAY_S = 86_400
ROW = ("00000000-0000-0000-0000-000000000001", "Ada", "Lovelace")


@pytest.fixture(scope="module")
def loads(tmp_path_factory: pytest.TempPathFactory, endpoint: Endpoint, cql: Session) -> Iterator[Loads]:
    """Return the loads into a keyspace of this module."""
    with loads_into(KEYSPACE, tmp_path_factory.mktemp("ttl"), endpoint, cql) as loads:
        yield loads


@pytest.fixture
def file(loads: Loads) -> Path:
    """Return a file with one user, whose table is empty."""
    loads.create_users()
    return loads.write("rows.csv", "user_id,first_name,last_name", [ROW])


@pytest.mark.parametrize("method", ["batch", "prepared", "create"])
def test_a_time_to_live_beyond_the_servers_end_of_time_is_no_bad_row(
    loads: Loads, file: Path, method: str
) -> None:
    """A ttl_s that ends after 2038 ends the load and is named, whatever the budget of bad rows."""
    load = loads.job("user", [file], dataset=USERS, max_bad_rows="100%", ttl_s=MOST_S, method=method)
    with pytest.raises(SettingRefusedError, match=r"exceeds maximum supported expiration date.*lower ttl_s"):
        loads.run(load)
    assert not loads.rows("user")
    assert not loads.rows("load_marker")


def test_a_time_to_live_goes_up_to_the_servers_end_of_time(loads: Loads, file: Path) -> None:
    """Up to a day before that limit rows are loaded and expire then; a day after it they are refused."""
    left_s = END_S - int(time.time())
    with pytest.raises(SettingRefusedError, match="lower ttl_s"):
        loads.run(loads.job("user", [file], max_bad_rows="100%", ttl_s=left_s + DAY_S))
    loads.run(loads.job("user", [file], ttl_s=left_s - DAY_S))
    [row] = loads.rows("user", "TTL(last_name) AS ttl")
    assert left_s - DAY_S - 600 < row["ttl"] <= left_s - DAY_S


def test_a_default_time_to_live_beyond_it_is_named(loads: Loads, file: Path) -> None:
    """If the table's default exceeds the limit, the message names it; with ttl_s = 0 the rows are loaded."""
    loads.execute(f"ALTER TABLE {KEYSPACE}.user WITH default_time_to_live = {MOST_S}")
    with pytest.raises(SettingRefusedError, match=r"default ttl of .*default_time_to_live of the table"):
        loads.run(loads.job("user", [file], max_bad_rows="100%"))
    loads.run(loads.job("user", [file], ttl_s=0))
    assert loads.rows("user", "TTL(last_name) AS ttl") == [{"ttl": None}]


def test_a_time_to_live_is_kept_by_time_windows_too(loads: Loads) -> None:
    """In a table with TimeWindowCompactionStrategy rows expire after ttl_s, or the table's default."""
    windows = "{'class': 'TimeWindowCompactionStrategy'}"
    table = loads.create("windows", "k int PRIMARY KEY, v text")
    loads.execute(
        f"ALTER TABLE {KEYSPACE}.{table} WITH compaction = {windows} AND default_time_to_live = 7200"
    )
    loads.run(loads.job(table, [loads.write("own.csv", "k,v", [(1, "a")])]))
    loads.run(loads.job(table, [loads.write("asked.csv", "k,v", [(2, "a")])], ttl_s=3600))
    ttl = {row["k"]: row["ttl"] for row in loads.rows(table, "k, TTL(v) AS ttl")}
    assert 3600 < ttl[1] <= 7200
    assert 0 < ttl[2] <= 3600


def test_what_cassandra_never_takes_is_refused_before_it_is_asked(workspace: Workspace) -> None:
    """More than twenty years, or a negative number, ends a run at once, with the setting and its bound."""
    assert LoadConfig(ttl_s=MOST_S).ttl_s == MOST_S
    with pytest.raises(SettingError, match=f"ttl_s is {MOST_S + 1}; Cassandra's most is {MOST_S}, 20 years"):
        LoadConfig(ttl_s=MOST_S + 1)
    done = workspace.luigi("LoadTable", "--table", "t", "--input", "t.csv", "--ttl-s", "-1")
    assert done.returncode != 0
    assert "ttl-s" in done.stdout or "ttl_s" in done.stdout
