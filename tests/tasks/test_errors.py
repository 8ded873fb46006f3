import re

import pytest
from cassandra.cluster import Session

from tests.harness.refusals import ID, SCHEDULING_ERROR, TASK_FAILED, UNHANDLED, Refusals
from tests.harness.workspace import Workspace, before_end


@pytest.mark.parametrize(
    ("section", "settings", "message"),
    [
        ("cassandra", {"conect_timeout_s": 3}, "no setting 'conect_timeout_s'; did you mean 'connect_timeou"),
        ("cassandra", {"port": "abc"}, r"\[cassandra\] port is 'abc'; it must be a whole number"),
        (
            "cassandra",
            {"consistency_level": "MOST"},
            "consistency_level is 'MOST'; it must be one of ONE, TW",
        ),
        ("cassandra", {"keyspace": "Bad-Name"}, "keyspace is 'Bad-Name'; it must be 1 to 48 of A-Z"),
        ("cassandra", {"tls_ca_file": "no.pem"}, "cannot use the TLS files no.pem: .*; they must be PEM"),
        ("cassandra", {"user": "ada"}, "user is 'ada' but there is no password; set CASSANDRA_PASSWORD or p"),
        (
            "cassandra",
            {"user": "ada", "password_file": "no/such/file"},
            "cannot read password_file no/such/file: No such file or directory; name a file",
        ),
    ],
)
def test_a_wrong_setting_is_refused(
    refusals: Refusals, section: str, settings: dict[str, object], message: str
) -> None:
    """A wrong setting in luigi.cfg ends the command at scheduling, with its name, value and remedy."""
    refusals.configure(**{section: settings})
    refusals.refused("SetupKeyspace", code=SCHEDULING_ERROR, message=message)


def test_a_misspelt_section_is_refused(refusals: Refusals) -> None:
    """A section whose name is similar to one of ours is an error; it is not ignored."""
    with (refusals.folder / "luigi.cfg").open("a", encoding="utf-8") as file:
        file.write("\n[casandra]\nport = 9042\n")
    refusals.refused(
        "SetupKeyspace", code=SCHEDULING_ERROR, message=r"no section is called \[casandra\]; did you mean 'ca"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("LoadUsers --rows ten", "rows is 'ten'; it must be a whole number"),
        ("LoadUsers --rows 0", "rows is 0; it must be at least 1"),
        ("LoadUsers --date nonsense", "date is 'nonsense'; it must be a date such as 2026-11-22"),
        ("LoadUsers --pool-size 0", "pool_size is 0; it must be at least 1"),
        ("TimingReport --latencies-s=-0.5", "latencies_s is -0.5; it must be at least 0"),
    ],
)
def test_a_wrong_parameter_is_refused(refusals: Refusals, words: str, message: str) -> None:
    """A wrong parameter ends the command before any task runs, with its name, value and remedy."""
    refusals.refused(*words.split(), code=UNHANDLED, message=message)


def test_a_wrong_default_of_a_parameter_names_its_section(refusals: Refusals) -> None:
    """A parameter whose default in luigi.cfg is wrong is refused under the name of its section."""
    refusals.configure(generate={"rows": "ten"})
    refusals.refused("LoadUsers", code=UNHANDLED, message=r"\[generate\] rows is 'ten'; it must be a whole")


def test_an_absent_keyspace_that_is_not_ours_to_create(refusals: Refusals, cql: Session) -> None:
    """With manage_schema = false the message holds the missing CQL; after it is run, the setup succeeds."""
    refusals.configure(cassandra={"keyspace": "t_errors_unmanaged", "manage_schema": "false"})
    done = refusals.luigi("SetupKeyspace")
    message = r"keyspace t_errors_unmanaged is absent and manage_schema is false; have it created: (.*)"
    refusals.require_refusal(done, code=TASK_FAILED, message=message)
    try:
        cql.execute(re.findall(message, done.stdout)[0])
        done = refusals.luigi("SetupKeyspace")
        message = r"table t_errors_unmanaged.user is absent and manage_schema is false; have it created: CREA"
        refusals.require_refusal(done, code=TASK_FAILED, message=message)
        found = cql.execute("SELECT * FROM system_schema.tables WHERE keyspace_name = 't_errors_unmanaged'")
        assert not list(found)
    finally:
        cql.execute("DROP KEYSPACE IF EXISTS t_errors_unmanaged")


def test_a_table_with_other_columns_is_refused(workspace: Workspace, cql: Session) -> None:
    """A table that differs from its model is refused with every difference, and is not changed."""
    cql.execute(
        f"CREATE KEYSPACE {workspace.keyspace} "
        "WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}"
    )
    cql.execute(
        f"CREATE TABLE {workspace.keyspace}.user "
        "(user_id uuid, first_name int, extra text, PRIMARY KEY (user_id, extra))"
    )
    cql.execute(f"INSERT INTO {workspace.keyspace}.user (user_id, extra) VALUES ({ID}, 'x')")
    done = workspace.luigi("LoadUsers")
    assert done.returncode == TASK_FAILED, done.stdout
    assert "Traceback" not in done.stdout
    for difference in (
        f"table {workspace.keyspace}.user is not what its model says",
        "column extra is text, the model has none",
        "column first_name is int, the model has text",
        "column last_name is absent, the model has text",
        "its clustering key is (extra), the model has ()",
        "alter the table or the model, or drop the table with --drop",
    ):
        assert before_end(done.stdout).count(difference) == 1, done.stdout
    [row] = cql.execute(f"SELECT * FROM {workspace.keyspace}.user")
    assert set(row) == {"user_id", "first_name", "extra"}


def test_a_misspelt_task_is_refused(refusals: Refusals) -> None:
    """An unknown task is refused in one line, with the closest name."""
    refusals.refused("LoadUser", code=1, message="No task LoadUser. Did you mean")


def test_an_unknown_locale_is_refused(refusals: Refusals) -> None:
    """A locale that Faker lacks leaves no file."""
    refusals.refused(
        "GenerateUsers",
        "--locale",
        "xx_YY",
        code=TASK_FAILED,
        message="locale is 'xx_YY': .*; use one that Faker has, such as en_US",
    )
