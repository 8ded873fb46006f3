"""How a load writes its rows, and how many processes share it."""

from dataclasses import dataclass

from pipeline.errors import SettingError
from pipeline.settings.declaration import check_settings, setting

METHODS = ("create", "prepared", "batch")
NULLS = ("unset", "write")
JOURNALS = ("file", "cluster")
TTL_MAX_S = 630_720_000
_BATCH_MOST_ROWS = 65_535


@dataclass(frozen=True, kw_only=True)
class LoadConfig:
    """How a load writes its rows, and which failures it tolerates.

    `pool_size` is never `auto` here. The default of `batch_size_bytes` is the server's stock
    `batch_size_warn_threshold`. `ttl_s` None stands for the table's default.

    Raises:
        SettingError: a value is out of range.
    """

    method: str = setting(
        "batch",
        doc="`batch`: unlogged batches; `prepared`: a statement a row; `create`: a cqlengine call a row; "
        "see [loading.md](loading.md#three-methods)",
        choices=METHODS,
        is_significant=False,
    )
    pool_size: int = setting(
        100,
        doc="the most requests in flight, of all workers together; `auto`: what `RecommendPoolSize` found "
        "for the cluster's round trip",
        minimum=1,
        may_be_auto=True,
        is_significant=False,
    )
    batch_size_bytes: int = setting(
        5120,
        doc="the most that a batch of several rows has, as the server counts it for its "
        "`batch_size_warn_threshold`; see [loading.md](loading.md#larger-batches)",
        minimum=1,
        is_significant=False,
    )
    batch_rows: int = setting(
        _BATCH_MOST_ROWS,
        doc="the most rows of a batch, for servers that limit them",
        minimum=1,
        maximum=_BATCH_MOST_ROWS,
        maximum_is="the native protocol's most is 65535",
        is_significant=False,
    )
    rows_per_s: float = setting(
        0.0, doc="the most rows per second that a load writes; `0`: no cap", minimum=0, is_significant=False
    )
    nulls: str = setting(
        "unset",
        doc="an empty field leaves the cell as it is (`unset`), or deletes it (`write`)",
        choices=NULLS,
    )
    ttl_s: int | None = setting(
        None,
        doc="seconds until the rows expire; `0`: never, whatever the table's default; empty: the table's "
        "default",
        minimum=0,
        maximum=TTL_MAX_S,
        maximum_is=f"Cassandra's most is {TTL_MAX_S}, 20 years",
    )
    timestamp_us: int = setting(
        0,
        doc="the first row's write timestamp, in microseconds since 1970; `0`: the moment the load begins",
        minimum=0,
        is_in_file=False,
    )
    max_bad_rows: str = setting(
        "0",
        doc="how many bad rows a load may have: a number, or a percentage such as `1.5%`",
        is_significant=False,
    )
    journal: str = setting(
        "file",
        doc="where a load notes what is settled: `file`: in `output/checkpoints/`; `cluster`: in a table of "
        "the keyspace, so that any machine goes on with it; see "
        "[loading.md](loading.md#a-journal-for-any-machine)",
        choices=JOURNALS,
        is_significant=False,
    )
    journal_values: bool = setting(
        default=False,
        doc="whether a journal in the cluster has the values of bad rows too",
        is_significant=False,
        is_on_tasks=False,
    )
    retry_budget_s: float = setting(
        300.0,
        doc="seconds during which a request may be retried after transient failures",
        unit="seconds",
        minimum=0,
        is_significant=False,
        is_on_tasks=False,
    )

    def __post_init__(self) -> None:
        check_settings(self)
        if self.method == "create" and self.ttl_s == 0:
            raise SettingError(
                "method create cannot write ttl_s = 0; leave it empty, or use method batch or prepared"
            )
        if self.method == "create" and self.nulls == "write":
            raise SettingError(
                "method create leaves nulls unset; nulls = write needs method batch or prepared"
            )


@dataclass(frozen=True, kw_only=True)
class ProcessesConfig:
    """How many processes share a load. What a load writes does not depend on it.

    Raises:
        SettingError: a negative number.
    """

    processes: int = setting(
        0,
        doc="worker processes that share a load; `0`: one where the server is on this machine, else up to "
        "one a core",
        minimum=0,
        is_significant=False,
    )

    def __post_init__(self) -> None:
        check_settings(self)
