"""The article's method: a cqlengine call a row."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
from cassandra.cqlengine.models import Model

from pipeline.cql.arrowvalues import read_values
from pipeline.driver import columns_of
from pipeline.errors import SchemaError
from pipeline.load.encoded import RowRange
from pipeline.load.methods.protocol import Preparation, SplitLoad
from pipeline.requests.dispatch import Request
from pipeline.requests.nodes import Nodes
from pipeline.rowfiles.fields import Field
from pipeline.rowfiles.forms import rewritten


class CreatedRow(Request):
    """One row, written by `Model.create`."""

    rows = 1

    def __init__(
        self, load: SplitLoad, row_range: RowRange, at: int, create: Callable[[int], object]
    ) -> None:
        self._load = load
        self._row_range = row_range
        self._at = at
        self._create = create

    def attempt(self, nodes: Nodes, attempt: int) -> None:
        """Create the row; the driver chooses the node."""
        sent_at_s = time.monotonic()
        self._create(self._load.due_timestamp(self._row_range, attempt))
        nodes.tally.latencies.record(time.monotonic() - sent_at_s)

    def acknowledged(self) -> None:
        """Record the row as acknowledged."""
        self._load.acknowledged(1)

    def refused(self, error: Exception) -> Sequence[Request]:
        """Count the row as bad."""
        self._load.refused(self._at, error)
        return []


@dataclass(frozen=True, kw_only=True)
class ModelCreate:
    """The article's method: `Model.create` with each row's values by attribute, nulls left out."""

    model: type[Model]
    ttl_s: int | None
    fields: Sequence[Field]
    prefix = b""

    def requests(self, load: SplitLoad) -> Iterator[Request]:
        """Yield the requests of a split, one a row."""
        attributes = {column.db_field_name: name for name, column in columns_of(self.model).items()}
        columns = [
            list(_values(field, values.take(load.encoded.positions)))
            for field, values in zip(self.fields, load.split_rows.columns, strict=True)
        ]
        names = [attributes[field.column.name] for field in self.fields]
        for row_range in load.encoded.row_ranges:
            for at in range(row_range.start, row_range.stop):
                row = zip(names, (column[at] for column in columns), strict=True)
                values = {name: value for name, value in row if value is not None}
                yield CreatedRow(load, row_range, at, self._creating(values))

    def _creating(self, values: Mapping[str, object]) -> Callable[[int], object]:
        def create(timestamp_us: int) -> object:
            model = self.model.ttl(self.ttl_s) if self.ttl_s else self.model
            return model.timestamp(timestamp_us).create(**values)

        return create


def _values(field: Field, values: pa.Array) -> Iterator[object]:
    texts, _ = rewritten(field.column, values, field.values)
    return read_values(field.column.cql_type, texts)


def model_create(preparation: Preparation) -> ModelCreate:
    """Prepare the method `create`.

    Raises:
        SchemaError: the table has no model.
    """
    plan, model = preparation.plan, preparation.model
    if model is None:
        raise SchemaError(
            f"method create needs a dataset's model, and {plan.table} is named without one; "
            "use --method prepared or batch"
        )
    return ModelCreate(model=model, ttl_s=plan.load.config.ttl_s, fields=plan.fields)
