"""Which field of a row file feeds which column, and what is wrong with a header that does not fit."""

import difflib
import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.cql.columns import Column
from pipeline.errors import RowFileError, SettingError, abbreviated, suggestion
from pipeline.rowfiles.mapping import format_mapping, quoted
from pipeline.settings.values import ValuesConfig


@dataclass(frozen=True)
class Field:
    """A field of a row file that is loaded: the column that it feeds, and its name in the header.

    `is_mapped`: a mapping names it, and the file may have other fields. `values` is how its values are
    written.
    """

    column: Column
    name: str
    is_mapped: bool = False
    values: ValuesConfig = field(default_factory=ValuesConfig)


def match_fields(
    file: Path,
    header: Sequence[str],
    columns: Sequence[Column],
    mapping: Mapping[str, str],
    *,
    is_text: bool,
    has_header: bool = True,
) -> list[Field]:
    """Return the fields to load, in the order of the table's columns.

    Without a mapping, the header must name each column once, in any order. With one, field to column, only
    the fields that it names are loaded, and the header may name any others. `is_text` says that the header is
    a line of text, which may be something else than a header. Without a header fields are numbered,
    and a mapping must name them.

    Raises:
        RowFileError: the header is not what the table, or the mapping, needs.
        SettingError: the mapping names an unknown column, or one column twice, or leaves out a key column.
    """
    if mapping:
        fields = _mapped_fields(columns, mapping)
        _require_mapped(file, header, fields, is_text=is_text)
        return fields
    names = [column.name for column in columns]
    if not has_header:
        pairs = dict(zip(header, names, strict=False))
        raise RowFileError(
            f"{file}: it has no header, and nothing says which of its {len(header)} fields feeds which "
            f"column; use LoadTable and --mapping, such as {shlex.quote(format_mapping(pairs))}"
        )
    if sorted(header) != sorted(names):
        raise RowFileError(
            f"{file}: the header is {abbreviated(','.join(header))!r}; it must name each of "
            f"{','.join(names)!r} once; {_what_is_wrong(header, columns, is_text=is_text)}"
        )
    return [Field(column, column.name) for column in columns]


def name_fields(columns: Sequence[Column], mapping: Mapping[str, str]) -> list[Field]:
    """Return the fields to load from a file whose rows each name their own, in the order of the columns.

    Raises:
        SettingError: the mapping does not fit the table.
    """
    return _mapped_fields(columns, mapping) if mapping else [Field(column, column.name) for column in columns]


def _mapped_fields(columns: Sequence[Column], mapping: Mapping[str, str]) -> list[Field]:
    known = [column.name for column in columns]
    field_of: dict[str, str] = {}
    for source, name in mapping.items():
        if name not in known:
            raise SettingError(
                f"mapping: field {abbreviated(source)!r} is to feed column {abbreviated(name)!r}, which is "
                f"not there; {suggestion(name, known)}"
            )
        if name in field_of:
            raise SettingError(
                f"mapping: column {name!r} is fed by both {abbreviated(field_of[name])!r} and "
                f"{abbreviated(source)!r}; keep one"
            )
        field_of[name] = source
    for column in columns:
        if column.is_key and column.name not in field_of:
            raise SettingError(
                f"mapping: no field feeds column {column.name!r}, which is in the primary key; add one"
            )
    return [
        Field(column, field_of[column.name], is_mapped=True) for column in columns if column.name in field_of
    ]


def _require_mapped(file: Path, header: Sequence[str], fields: Sequence[Field], *, is_text: bool) -> None:
    for wanted in fields:
        count = list(header).count(wanted.name)
        if count == 0:
            meant = _what_was_meant(header, fields, wanted.name, is_text=is_text)
            raise RowFileError(
                f"{file}: no field {abbreviated(wanted.name)!r} in its header, which the mapping wants for "
                f"column {wanted.column.name!r}; {meant}"
            )
        if count > 1:
            raise RowFileError(
                f"{file}: the header names {abbreviated(wanted.name)!r} {count} times, which the mapping "
                f"wants for column {wanted.column.name!r}; rename all but one"
            )


def other_delimiter(delimiter: str) -> str:
    """Return the advice for a CSV file with another delimiter than it is read with."""
    return (
        f"its delimiter seems to be {delimiter!r}; read it with --delimiter {shlex.quote(_shown(delimiter))}"
    )


def _shown(delimiter: str) -> str:
    return r"\t" if delimiter == "\t" else delimiter


def _what_is_wrong(header: Sequence[str], columns: Sequence[Column], *, is_text: bool) -> str:
    names = [column.name for column in columns]
    if is_text and (hint := _not_a_header(header, names)):
        return hint
    counts = Counter(header)
    faults = {
        "missing": [name for name in names if name not in counts],
        "surplus": [name for name in counts if name not in names],
        "more than once": [name for name, count in counts.items() if count > 1],
        "with blanks around it": [name for name in counts if name != name.strip()],
    }
    said = "; ".join(f"{what}: {_listed(found)}" for what, found in faults.items() if found)
    if header and (header[0] == "" or any(map(_PANDAS_INDEX.fullmatch, faults["surplus"]))):
        said += "; pandas writes its index so unless told index=False"
    elif header and header[-1] == "" and is_text:
        said += "; its first line ends with a comma"
    example = shlex.quote(format_mapping(_likely_mapping(counts, columns)))
    return f"{said}; correct the header, or use LoadTable and --mapping {abbreviated(example, 500)}"


def _likely_mapping(counts: Mapping[str, int], columns: Sequence[Column]) -> dict[str, str]:
    """Return the mapping that was probably meant; what feeds a key column in it may be left to the user."""
    usable = [name for name, count in counts.items() if count == 1]
    names = {column.name for column in columns}
    mapping: dict[str, str] = {}
    for column in columns:
        alike = [name for name in usable if name not in names and _letters(name) == _letters(column.name)]
        if column.name in usable:
            mapping[column.name] = column.name
        elif alike and alike[0] not in mapping:
            mapping[alike[0]] = column.name
        elif column.is_key:
            mapping[f"FIELD OF {column.name}"] = column.name
    return mapping


def _what_was_meant(header: Sequence[str], fields: Sequence[Field], name: str, *, is_text: bool) -> str:
    """Return a guess at the field that was meant, quoted as in a mapping."""
    if is_text and (hint := _not_a_header(header, [field.name for field in fields])):
        return hint
    near = difflib.get_close_matches(name, header, n=1)
    if not near or quoted(near[0]) == near[0]:
        return suggestion(name, header)
    return f"did you mean {abbreviated(quoted(near[0]))}, with its double quotes?"


def _not_a_header(header: Sequence[str], names: Sequence[str]) -> str:
    """Return why a file's first line is not a header; an empty text if it may be one."""
    if set(header) & set(names):
        return ""
    delimiter = next((each for each in ";\t|" if each in header[0]), "")
    if delimiter and len(header[0].split(delimiter)) > len(header):
        return other_delimiter(delimiter)
    if header[0].startswith(("#", "//", "--")):
        return "its first line seems to be a comment; remove it, or pass it over with --skip-rows 1"
    known = {_letters(name) for name in names}
    if len(header) > 1 and not any(_letters(name) in known for name in header):
        return (
            "none of them is in it: if the file has no header, read it with --header false; if these are its "
            "names, use LoadTable and --mapping 'FIELD=COLUMN, …'"
        )
    return ""


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name).casefold()


def _listed(names: Sequence[str]) -> str:
    return abbreviated(", ".join(map(repr, names)), 200)


_PANDAS_INDEX = re.compile(r"__index_level_\d+__|Unnamed: 0")
