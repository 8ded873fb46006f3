"""The header of a row file, and what is wrong with one that does not fit: how, and what helps."""

import difflib
import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.cql.columns import Column
from pipeline.errors import RowFileError, abbreviated, suggestion
from pipeline.rowfiles.mapping import format_mapping, quoted
from pipeline.rowfiles.stores.paths import FilePath


@dataclass(frozen=True)
class Header:
    """The names of a file's fields; None where each row names its own.

    `is_text`: it is a line of text, which may be something else than a header. `is_given`: it stands in the
    file; else fields are numbered.
    """

    file: FilePath
    names: tuple[str, ...] | None
    is_text: bool
    is_given: bool = True


def wrong_header(header: Header, names: Sequence[str], columns: Sequence[Column]) -> RowFileError:
    """Return the error of a header whose names are not those of the columns."""
    wanted = ",".join(column.name for column in columns)
    return RowFileError(
        f"{header.file}: the header is {abbreviated(','.join(names))!r}; it must name each of {wanted!r} "
        f"once; {_what_is_wrong(names, columns, is_text=header.is_text)}"
    )


def without_header(header: Header, names: Sequence[str], columns: Sequence[Column]) -> RowFileError:
    """Return the error of a file without a header, where nothing says what its fields are."""
    pairs = dict(zip(names, (column.name for column in columns), strict=False))
    return RowFileError(
        f"{header.file}: it has no header, and nothing says which of its {len(names)} fields feeds which "
        f"column; use LoadTable and --mapping, such as {shlex.quote(format_mapping(pairs))}, or --match order"
    )


def wrong_order(header: Header, names: Sequence[str], columns: Sequence[Column]) -> RowFileError:
    """Return the error of a file that has not as many fields as the table has columns."""
    wanted = [column.name for column in columns]
    if twice := [name for name, count in Counter(header.names).items() if count > 1]:
        return RowFileError(
            f"{header.file}: the header names {abbreviated(twice[0])!r} several times; to read the fields by "
            "their order all the same, use --header false --skip-rows 1"
        )
    option = "--missing-columns skip" if len(names) < len(wanted) else "--surplus-fields skip"
    return RowFileError(
        f"{header.file}: {len(names)} fields for {len(wanted)} columns, which are in this order: "
        f"{abbreviated(','.join(wanted), 400)!r}; use --mapping, or {option} if the last ones may be left out"
    )


def wrong_mapping(header: Header, name: str, wanted_for: str, mapped: Sequence[str]) -> RowFileError:
    """Return the error of a header that has not the field that a mapping names, or has it several times."""
    names = header.names or ()
    if count := names.count(name):
        return RowFileError(
            f"{header.file}: the header names {abbreviated(name)!r} {count} times, which the mapping "
            f"wants for {wanted_for}; rename all but one"
        )
    meant = _what_was_meant(names, mapped, name, is_text=header.is_text)
    return RowFileError(
        f"{header.file}: no field {abbreviated(name)!r} in its header, which the mapping wants for "
        f"{wanted_for}; {meant}"
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
    options = _helping_options(header, columns)
    return f"{said}; correct the header, or use LoadTable and --mapping {abbreviated(example, 500)}{options}"


def _helping_options(header: Sequence[str], columns: Sequence[Column]) -> str:
    """Return the options with which the header would fit, for the end of a message."""
    folded = [name.casefold() for name in header]
    if len(set(folded)) < len(folded):
        return ""
    options = []
    there = set(header)
    if not all(column.name in there for column in columns if column.name.casefold() in folded):
        options.append("--match any_case")
    missing = [column for column in columns if column.name.casefold() not in folded]
    if any(column.is_key for column in missing):
        return ""
    known = {column.name.casefold() for column in columns}
    if missing:
        options.append("--missing-columns skip")
    if any(name not in known for name in folded):
        options.append("--surplus-fields skip")
    return f", or {' '.join(options)}" if options else ""


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


def _what_was_meant(header: Sequence[str], mapped: Sequence[str], name: str, *, is_text: bool) -> str:
    """Return a guess at the field that was meant, quoted as in a mapping."""
    if is_text and (hint := _not_a_header(header, mapped)):
        return hint
    near = difflib.get_close_matches(name, header, n=1)
    if not near or quoted(near[0]) == near[0]:
        return suggestion(name, header)
    return f"did you mean {abbreviated(quoted(near[0]))}, with its double quotes?"


def _not_a_header(header: Sequence[str], names: Sequence[str]) -> str:
    """Return why a file's first line is not a header; an empty text if it may be one."""
    if not header or set(header) & set(names):
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
