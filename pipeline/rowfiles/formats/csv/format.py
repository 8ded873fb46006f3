"""CSV as a format of row files.

The last line of a CSV file ends with a line break. Otherwise a file cut off in the middle of a value would
load as if it were whole.
"""

import bisect
import contextlib
import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from io import BufferedReader
from pathlib import Path

import pyarrow as pa

from pipeline.cql.columns import Column, Row
from pipeline.cql.types import CqlType
from pipeline.errors import RowFileError
from pipeline.rowfiles.fields import Field
from pipeline.rowfiles.formats.csv.reader import Header, find_splits, read_split, rows_of, text_of
from pipeline.rowfiles.formats.csv.rows import TextFile
from pipeline.rowfiles.formats.csv.writer import lines_of, row_line
from pipeline.rowfiles.formats.protocol import Columns, FileFormat, SourceRow
from pipeline.rowfiles.opening import open_regular
from pipeline.rowfiles.splitrows import SplitRows
from pipeline.rowfiles.splits import FileContent, SourceFile, Split


class Csv(FileFormat):
    """CSV files, whose names end in .csv."""

    name = "csv"
    has_lines = True
    is_joinable = True

    def describe(self, file: Path, content: BufferedReader) -> FileContent:
        """Return the digest, the header and the splits, found in one pass."""
        source = TextFile(file, content)
        sha256 = hashlib.sha256()
        names: tuple[str, ...] = ()
        splits: list[Split] = []
        fault, hashed_bytes = "", 0
        try:
            header = Header(source)
        except RowFileError as error:
            fault = str(error)
        else:
            names = header.names
            sha256.update(source.window(0, header.end))
            hashed_bytes = header.end
            for split, text in find_splits(source, header):
                sha256.update(text)
                hashed_bytes += len(text)
                splits.append(split)
        content.seek(hashed_bytes)
        while block := content.read(_BLOCK_BYTES):
            sha256.update(block)
        return FileContent(sha256=sha256.hexdigest(), header=names, splits=tuple(splits), fault=fault)

    def read(self, file: SourceFile, fields: Sequence[Field], splits: Iterable[Split]) -> Iterator[SplitRows]:
        """Yield the rows of some splits; each is found by its position."""
        path = Path(file.path)
        with open_regular(path) as content:
            source = TextFile(path, content)
            for split in splits:
                yield read_split(source, split, file.content.header, fields)

    def rejected(
        self, file: SourceFile, fields: Sequence[Field], lines: Collection[int]
    ) -> Iterator[SourceRow]:
        """Yield the header, then the rows that begin on some lines, as the very bytes of the file."""
        del fields
        path = Path(file.path)
        ordered = sorted(lines)
        with open_regular(path) as content:
            source = TextFile(path, content)
            header = Header(source)
            yield SourceRow([name.encode() for name in header.names], header.text)
            for split in file.content.splits:
                first = bisect.bisect_left(ordered, split.first_line)
                if first == bisect.bisect_left(ordered, split.first_line + split.line_count):
                    continue
                for row in rows_of(source, split, len(header.names)):
                    if row.line in lines:
                        yield SourceRow(row.fields, text_of(source, row))

    def write(self, path: Path, columns: Sequence[Column], rows: Iterable[Row]) -> int:
        """Write a header and the rows, null as the empty field."""
        texts = [column.cql_type.format for column in columns]
        count = 0
        with path.open("wb") as file:
            file.write(row_line([column.name.encode() for column in columns]))
            for row in rows:
                values = zip(texts, row, strict=True)
                file.write(
                    row_line([b"" if value is None else text(value).encode() for text, value in values])
                )
                count += 1
        return count

    def encode(self, kind: CqlType, values: Iterable[object]) -> pa.Array:
        """Return values as text, null as the empty text."""
        return pa.array(["" if value is None else kind.format(value) for value in values], pa.string())

    @contextlib.contextmanager
    def writing(
        self, path: Path, columns: Sequence[Column], *, has_header: bool
    ) -> Iterator[Callable[[Columns], object]]:
        """Open the file and write its header; yield what appends encoded rows as lines."""
        with path.open("wb") as file:
            if has_header:
                file.write(row_line([column.name.encode() for column in columns]))
            yield lambda block: file.write(lines_of(block))


_BLOCK_BYTES = 1 << 20
