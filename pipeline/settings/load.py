"""How a load writes its rows."""

from dataclasses import dataclass

from pipeline.errors import SettingError
from pipeline.settings.declaration import require_at_least, require_one_of

METHODS = ("create", "prepared", "batch")
NULLS = ("unset", "write")


@dataclass(frozen=True, kw_only=True)
class LoadConfig:
    """How a load writes its rows, and what it puts up with.

    `batch_size_bytes` is the most that a batch of several rows has, as the server counts for its thresholds;
    the default is its stock `batch_size_warn_threshold`.
    `nulls` says what becomes of an empty field: the cell stays as it is (`unset`), or is deleted (`write`).
    `timestamp_us`, in microseconds since 1970, is the first row's write timestamp; 0 stands for the moment
    the load begins. `rows_per_s` 0 is no cap. `ttl_s` None leaves the rows' time to live to the table, and 0
    is none. `max_bad_rows` is a number or a percentage.

    Raises:
        SettingError: a value is out of range.
    """

    method: str = "batch"
    pool_size: int = 100
    batch_size_bytes: int = 5120
    nulls: str = "unset"
    ttl_s: int | None = None
    timestamp_us: int = 0
    rows_per_s: float = 0.0
    max_bad_rows: str = "0"
    retry_budget_s: float = 300.0

    def __post_init__(self) -> None:
        require_one_of("method", self.method, METHODS)
        require_one_of("nulls", self.nulls, NULLS)
        require_at_least("pool_size", self.pool_size, 1)
        require_at_least("batch_size_bytes", self.batch_size_bytes, 1)
        if self.ttl_s is not None:
            require_at_least("ttl_s", self.ttl_s, 0)
            if self.ttl_s > _TTL_MAX_S:
                raise SettingError(f"ttl_s is {self.ttl_s}; Cassandra's most is {_TTL_MAX_S}, 20 years")
            if self.method == "create" and self.ttl_s == 0:
                raise SettingError(
                    "method create cannot write ttl_s = 0; leave it empty, or use method batch or prepared"
                )
        require_at_least("timestamp_us", self.timestamp_us, 0)
        require_at_least("rows_per_s", self.rows_per_s, 0)
        require_at_least("retry_budget_s", self.retry_budget_s, 0)
        if self.method == "create" and self.nulls == "write":
            raise SettingError(
                "method create leaves nulls unset; nulls = write needs method batch or prepared"
            )


_TTL_MAX_S = 630_720_000
