import uuid

import pytest
from cassandra.cluster import Session

from pipeline.errors import OutputError
from pipeline.verify.jobs import VerifiedRows
from tests.harness.values import SCALARS
from tests.harness.versions import supported
from tests.harness.workspace import Workspace
from tests.verify.loaded import Loaded

USERS = "user_id uuid PRIMARY KEY, first_name text, last_name text"
PEOPLE = "id int PRIMARY KEY, name text, town text, tags set<text>"
TEXTS = {
    "text": "é\0",
    "varchar": "Ada",
    "ascii": "Ada",
    "uuid": "7bc7ec13-661f-4403-b5d0-7027c2df2599",
    "timeuuid": "7bc7ec13-661f-1403-b5d0-7027c2df2599",
    "boolean": "true",
    "tinyint": "-1",
    "smallint": "-300",
    "int": "70000",
    "bigint": "-9223372036854775808",
    "varint": "170141183460469231731687303715884105728",
    "decimal": "1.500",
    "float": "NaN",
    "double": "-0.0",
    "timestamp": "1815-12-10T01:02:03.456Z",
    "date": "-5877641-06-23",
    "time": "01:02:03.123456789",
    "duration": "P1M2DT3H",
    "inet": "::1",
    "blob": "0x00ff",
    "list<int>": "[3, 1, 3]",
    "set<int>": "[3, -1, 2]",
    "set<text>": '["b", "", "a"]',
    "map<text, int>": '{"b": 1, "a": 2}',
    "map<int, frozen<set<text>>>": '{"2": ["b", "a"], "-1": []}',
    "frozen<set<uuid>>": '["7bc7ec13-661f-4403-b5d0-7027c2df2599", "13227bc9-2956-140e-a62f-30ab2850fa92"]',
    "frozen<list<int>>": "[]",
    "list<frozen<set<int>>>": "[[2, -1], []]",
    "tuple<int, text, frozen<set<int>>>": "[1, null, [2, -1]]",
    "address": '{"street": "x"}',
    "frozen<address>": '{"street": null, "number": null}',
    "vector<float, 2>": "[0.5, -1]",
    "vector<text, 2>": '["", "b"]',
    "vector<frozen<set<int>>, 2>": "[[2, -1], []]",
}


@pytest.mark.parametrize("exact", [False, True])
def test_what_changed_behind_its_back_is_named_by_key(
    workspace: Workspace,
    cql: Session,
    exact: bool,  # noqa: FBT001 - a case, not a switch
) -> None:
    """Of many rows, the changed one, the deleted one and, with `exact`, the added one are named."""
    table = Loaded(workspace, cql, USERS)
    rows = [(str(uuid.uuid4()), f"Ada {at}", 150 * "x") for at in range(20_000)]
    file = table.write("user_id,first_name,last_name", rows)
    table.load(file)
    counted = table.verify(file, exact=exact)
    assert counted == VerifiedRows(
        read=20_000,
        bad=0,
        distinct_keys=20_000,
        duplicate_keys=0,
        duplicates=(),
        present=20_000,
        in_table=20_000 if exact else None,
    )
    changed, deleted, added = rows[3][0], rows[19_998][0], uuid.uuid4()
    cql.execute(f"UPDATE {table.name} SET first_name = 'Byron' WHERE user_id = {changed}")
    cql.execute(f"DELETE FROM {table.name} WHERE user_id = {deleted}")
    cql.execute(f"INSERT INTO {table.name} (user_id) VALUES ({added})")
    differences = table.difference(file, exact=exact)
    assert differences.startswith(f"{3 if exact else 2} of 20000 rows differ: ")
    assert f"user_id='{changed}': first_name is 'Byron', the file has 'Ada 3'" in differences
    assert f"user_id='{deleted}': absent" in differences
    assert (f"user_id='{added}': in the table, in no file" in differences) == exact


def test_few_rows_are_found_in_a_table_with_many_others(workspace: Workspace, cql: Session) -> None:
    """A few rows are found among fifty times as many others, and the changed one is named."""
    table = Loaded(workspace, cql, USERS)
    rows = [(str(uuid.uuid4()), "Ada", "Lovelace") for _ in range(10_000)]
    table.load(table.write("user_id,first_name,last_name", rows))
    few = table.write("user_id,first_name,last_name", rows[:200], "few.csv")
    assert table.verify(few).present == 200
    cql.execute(f"UPDATE {table.name} SET first_name = null WHERE user_id = {rows[77][0]}")
    assert table.difference(few) == (
        f"1 of 200 rows differ: user_id='{rows[77][0]}': first_name is 'None', the file has 'Ada'"
    )


@pytest.mark.parametrize("nulls", ["unset", "write"])
def test_of_several_rows_with_a_key_the_last_one_wins_a_cell(
    workspace: Workspace, cql: Session, nulls: str
) -> None:
    """They are counted, named and merged: a null is a value only with nulls = write."""
    table = Loaded(workspace, cql, PEOPLE)
    header = "id,name,town,tags"
    first = table.write(
        header, [("1", "Ada", "London", '["a"]'), ("2", "Eve", "Rome", None), ("1", "Bob", None, None)]
    )
    second = table.write(header, [("1", None, "Paris", "[]"), ("3", None, None, "[]")], "second.csv")
    table.load(first, second, nulls=nulls)
    [row] = cql.execute(f"SELECT name, town, tags FROM {table.name} WHERE id = 1")
    assert row == {"name": "Bob" if nulls == "unset" else None, "town": "Paris", "tags": None}
    for exact in (False, True):
        counted = table.verify(first, second, nulls=nulls, exact=exact)
        assert (counted.read, counted.distinct_keys, counted.present) == (5, 3, 3)
        assert (counted.duplicate_keys, counted.duplicates) == (1, ("id='1'",))
    cql.execute(f"UPDATE {table.name} SET name = 'Zoe', tags = {{'z'}} WHERE id = 1")
    kept = "'Bob'" if nulls == "unset" else "'None'"
    assert table.difference(first, second, nulls=nulls) == (
        f"1 of 3 rows differ: id='1': name is 'Zoe', the file has {kept}, "
        """tags is '["z"]', the file has '[]'"""
    )


def test_a_field_left_open_is_right_whatever_the_cell_has(workspace: Workspace, cql: Session) -> None:
    """A null is not compared, unless nulls are written or the table must hold nothing else."""
    table = Loaded(workspace, cql, PEOPLE)
    file = table.write("id,name,town,tags", [("1", "Ada", None, None)])
    table.load(file)
    assert table.verify(file, exact=True).present == 1
    cql.execute(f"UPDATE {table.name} SET town = 'Rome' WHERE id = 1")
    assert table.verify(file).present == 1
    wrong = "1 of 1 rows differ: id='1': town is 'Rome', the file has 'None'"
    assert table.difference(file, nulls="write") == wrong
    assert table.difference(file, exact=True) == wrong


def test_every_type_is_compared_by_its_value(workspace: Workspace, cql: Session) -> None:
    """A loaded value is equal in any order in which the server returns a set, and no other value is equal."""
    assert SCALARS.keys() <= TEXTS.keys()
    texts = {name: TEXTS[name] for name in supported(cql, TEXTS)}
    names = [f"c{at}" for at in range(len(texts))]
    columns = ", ".join(f"{name} {type_name}" for name, type_name in zip(names, texts, strict=True))
    key = "id frozen<set<int>>"
    table = Loaded(workspace, cql, f"{key} PRIMARY KEY, {columns}", "address (street text, number int)")
    file = table.write(
        ",".join(["id", *names]),
        [
            ("[2, -1, 1]", *texts.values()),
            ("[-1, 1, 2, 2]", *texts.values()),
            ("[3]", *(None for _ in names)),
        ],
    )
    table.load(file)
    for exact in (False, True):
        counted = table.verify(file, exact=exact)
        assert (counted.present, counted.duplicate_keys) == (2, 1)
    at = dict(zip(texts, names, strict=True))
    cql.execute(
        f"UPDATE {table.name} SET {at['decimal']} = 1.5, {at['double']} = 0.0, "
        f"{at['set<int>']} = {at['set<int>']} + {{7}}, {at['address']} = {{street: 'y'}} "
        "WHERE id = {-1, 1, 2}"
    )
    for exact in (False, True):
        assert table.difference(file, exact=exact) == (
            """1 of 2 rows differ: id='["-1", "1", "2"]': """
            f"{at['decimal']} is '1.5', the file has '1.500', {at['double']} is '0.0', the file has '-0.0', "
            f"""{at["set<int>"]} is '["-1", "2", "3", "7"]', the file has '["-1", "2", "3"]', """
            f"""{at["address"]} is '{{"street": "y", "number": null}}', """
            """the file has '{"street": "x", "number": null}'"""
        )


@pytest.mark.parametrize("exact", [False, True])
def test_clustering_keys_and_static_cells_are_told_apart(
    workspace: Workspace,
    cql: Session,
    exact: bool,  # noqa: FBT001 - a case, not a switch
) -> None:
    """A row is found by its whole key, a static cell by its partition, with the last value."""
    columns = "town text, street text, number int, mayor text static, owner text"
    table = Loaded(workspace, cql, f"{columns}, PRIMARY KEY ((town, street), number)")
    rows = [
        ("Rome", "Via", "1", "Ada", "Bob"),
        ("Rome", "Via", "2", None, "Eve"),
        ("Rome", "Corso", "1", "Zoe", "Eve"),
        ("Rome", "Via", "3", "Cleo", None),
    ]
    file = table.write("town,street,number,mayor,owner", rows)
    table.load(file)
    counted = table.verify(file, exact=exact)
    assert (counted.distinct_keys, counted.present, counted.duplicate_keys) == (4, 4, 0)
    cql.execute(f"UPDATE {table.name} SET mayor = 'Ada' WHERE town = 'Rome' AND street = 'Via'")
    assert table.difference(file, exact=exact) == (
        "1 of 2 rows differ: town='Rome', street='Via': mayor is 'Ada', the file has 'Cleo'"
    )
    cql.execute(f"DELETE FROM {table.name} WHERE town = 'Rome' AND street = 'Via' AND number = 2")
    assert table.difference(file, exact=exact) == (
        "1 of 4 rows differ: town='Rome', street='Via', number='2': absent"
    )


def test_bad_rows_are_counted_and_not_looked_for(workspace: Workspace, cql: Session) -> None:
    """Rows that cannot be parsed, have no key or a wrong value are bad; the others are present."""
    table = Loaded(workspace, cql, "id int PRIMARY KEY, age int")
    file = table.write("id,age", [("1", "36"), ("2", "x"), (None, "3"), ("y", "z"), ("5", "6")])
    file.write_text(file.read_text(encoding="utf-8") + "7,8,9\n", encoding="utf-8")
    table.load(file)
    counted = table.verify(file, exact=True)
    assert counted == VerifiedRows(
        read=6,
        bad=4,
        distinct_keys=2,
        duplicate_keys=0,
        duplicates=(),
        present=2,
        in_table=2,
    )


def test_keys_of_several_rows_are_merged_in_every_range(workspace: Workspace, cql: Session) -> None:
    """Of rows in many token ranges, those that occur twice are counted once, and a changed one is named."""
    table = Loaded(workspace, cql, USERS)
    rows = [(str(uuid.uuid4()), f"Ada {at}", "Lovelace") for at in range(20_000)]
    later = [(key, None, f"Byron {at}") for at, (key, _, _) in enumerate(rows[::100])]
    file = table.write("user_id,first_name,last_name", [*rows, *later])
    table.load(file)
    for exact in (False, True):
        counted = table.verify(file, exact=exact)
        assert (counted.read, counted.distinct_keys, counted.present) == (20_200, 20_000, 20_000)
        assert (counted.duplicate_keys, len(counted.duplicates)) == (200, 5)
    cql.execute(f"UPDATE {table.name} SET last_name = 'Lovelace' WHERE user_id = {rows[300][0]}")
    assert table.difference(file) == (
        f"1 of 20000 rows differ: user_id='{rows[300][0]}': last_name is 'Lovelace', the file has 'Byron 3'"
    )


def test_a_folder_that_cannot_be_written_ends_a_verification(workspace: Workspace, cql: Session) -> None:
    """The hashes of the rows are written beside the journals; the error names that folder."""
    table = Loaded(workspace, cql, USERS)
    file = table.write("user_id,first_name,last_name", [(str(uuid.uuid4()), "Ada", "Lovelace")])
    folder = workspace.folder / "checkpoints"
    folder.write_text("a file", encoding="utf-8")
    with pytest.raises(OutputError, match=rf"cannot write {folder}: File exists; check that"):
        table.verify(file)
