import pytest

from pipeline.errors import (
    AbsentInputError,
    BadRowsError,
    PipelineError,
    RequestError,
    RowFileError,
    SettingError,
    UnreachableError,
    VerificationError,
)
from pipeline.runs.wording import told_of

VALUE = "s3cret-4711"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            BadRowsError(
                f"3 bad rows, where max_bad_rows is 0: /drop/o.csv:17: column total: '{VALUE}' is not "
                "a valid int; /out/bad_rows.csv says what is wrong; mend the rows in /out/rejected.csv"
            ),
            "3 bad rows, where max_bad_rows is 0: /drop/o.csv:17: column total; bad_rows.csv and the log",
        ),
        (
            BadRowsError(f"1 bad rows, where max_bad_rows is 0: /drop/o.json:1 (row 3): {VALUE}: a: b"),
            "1 bad rows, where max_bad_rows is 0: /drop/o.json:1 (row 3); bad_rows.csv and the log",
        ),
        (
            BadRowsError(
                "none of 5 rows was loaded, so the load is not finished: no row is whole; the first: "
                f"/drop/o.csv:2: column note: {VALUE}; correct the rows"
            ),
            "none of 5 rows was loaded, so the load is not finished: no row is whole; the first: /drop/",
        ),
        (BadRowsError(VALUE), "bad rows; bad_rows.csv and the log"),
        (RowFileError(f"/drop/o.csv:4: the quote of {VALUE} is not closed"), "/drop/o.csv:4; the log"),
        (RowFileError(f"/drop/o.csv: no field '{VALUE} it's' in it"), "/drop/o.csv: no field … in it"),
        (
            VerificationError(f"shop.orders is not what was loaded: 2 of 9 rows differ: id {VALUE}: absent"),
            "shop.orders is not what was loaded: 2 of 9 rows differ; the log",
        ),
        (VerificationError(f"id = {VALUE}: two rows have one write timestamp"), "rows differ; the log"),
        (
            RequestError(f"cannot load into shop.orders: Invalid value '{VALUE}' it's 4711 for total"),
            "cannot load into shop.orders: Invalid value …s … for total",
        ),
        (KeyError(VALUE), "KeyError; the log of the run says more"),
    ],
)
def test_no_value_of_a_row_is_told(error: Exception, told: str) -> None:
    """Of each kind of error the place and the kind are told, and nothing that may be from a row."""
    assert told_of(error).startswith(told)
    assert "s3cret" not in told_of(error)
    assert "4711" not in told_of(error)


@pytest.mark.parametrize(
    "error",
    [
        SettingError("pool_size is '10x'; it must be a whole number"),
        UnreachableError("cannot connect to 10.0.0.7:9042: refused"),
        AbsentInputError("no row file matches drop/2026-11-28/*.csv"),
    ],
)
def test_what_is_not_of_rows_is_told_whole(error: PipelineError) -> None:
    """Errors on settings, nodes and absent files are told as they are: one can act on them."""
    assert told_of(error) == str(error)
