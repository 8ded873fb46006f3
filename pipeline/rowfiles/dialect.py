"""The form of a text file of rows: delimiter, quotes, encoding, and what is null in it."""

import codecs
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePath
from typing import Literal

from pipeline.errors import RowFileError, SettingError
from pipeline.rowfiles.formats import compression_of
from pipeline.rowfiles.opening import reading
from pipeline.rowfiles.stores.paths import ObjectPath
from pipeline.settings.files import NONE, FilesConfig
from pipeline.settings.values import USUAL, ValuesConfig

Escapes = Literal["any", "letters", "quotes", "twice"]
r"""What an escape does. `any`: the character after it is taken as it is, as Python's csv has it.
`letters`: so too, but `\n`, `\t` and others are the characters that MySQL's LOAD DATA takes them for.
`quotes`: it escapes a quote or itself, in quotes only, as DSBulk has it. `twice`: as `any`, of texts in which
backslashes are doubled and control characters are shown as Python shows them, as `cqlsh COPY TO` has it."""


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How a text file of rows is read.

    Without an `escape`, a quote in quotes is doubled. `nulls` are the fields that are null; in quotes only if
    `quoted_nulls`; so are the fields that a short row lacks, if `fills_short_rows`. `skipped_lines` stand
    before the header. An empty `quote`, `escape` or `comment` is none, an empty `format` that of the end of
    the file's name.
    """

    format: str = ""
    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    escapes: Escapes = "any"
    has_header: bool = True
    encoding: str = "utf-8"
    comment: str = ""
    skipped_lines: int = 0
    trim: bool = False
    nulls: tuple[str, ...] = ("",)
    quoted_nulls: bool = True
    fills_short_rows: bool = False
    requires_final_newline: bool = False
    compression: str = NONE

    @property
    def empty_is_null(self) -> bool:
        """Whether there is one form for null and the empty text."""
        return "" in self.nulls and (self.quoted_nulls or not self.quote)


PRESETS: Mapping[str, Dialect] = {
    "rfc4180": Dialect(),
    "excel": Dialect(delimiter=";"),
    "tsv": Dialect(delimiter="\t"),
    "postgres": Dialect(quoted_nulls=False),
    "mysql": Dialect(
        delimiter="\t", quote="", escape="\\", escapes="letters", has_header=False, nulls=("\\N",)
    ),
    "cqlsh": Dialect(escape="\\", escapes="twice", has_header=False),
    "dsbulk": Dialect(escape="\\", escapes="quotes", quoted_nulls=False),
}
"""The dialects by name. Sources: RFC 4180; Excel in countries with a decimal comma; PostgreSQL's COPY with
FORMAT csv; MySQL's SELECT … INTO OUTFILE; `cqlsh COPY TO`; DSBulk's `unload`."""

_VALUES: Mapping[str, ValuesConfig] = {
    "cqlsh": ValuesConfig(nested_form="cql", date_formats="iso|epoch_days"),
    "dsbulk": ValuesConfig(blob_form="base64", true_words=("1", "true"), false_words=("0", "false")),
}
"""How values are written in a dialect, where it is not the usual way."""


def dialect_of_file(file: PurePath | ObjectPath, config: FilesConfig) -> Dialect:
    """Return the dialect of a file: as settings describe it, or else as its name does.

    Raises:
        SettingError: the settings contradict each other.
    """
    preset = PRESETS[config.dialect or ("tsv" if _is_tsv(file) else "rfc4180")]
    dialect = replace(
        preset,
        format=config.format,
        delimiter=config.delimiter.replace("\\t", "\t") or preset.delimiter,
        quote=_character(config.quote, preset.quote),
        escape=_character(config.escape, preset.escape),
        has_header=_chosen(config.header, "true", default=preset.has_header),
        encoding=codecs.lookup(config.encoding or preset.encoding).name,
        comment=_character(config.comment, preset.comment),
        skipped_lines=config.skip_rows,
        trim=_chosen(config.trim, "true", default=preset.trim),
        nulls=_nulls(config, preset),
        quoted_nulls=_chosen(config.quoted_nulls, "true", default=preset.quoted_nulls),
        fills_short_rows=config.short_rows == "fill",
        requires_final_newline=config.final_newline == "require",
        compression=config.compression or compression_of(file),
    )
    _require_different(dialect)
    return dialect


def values_of_dialect(values: ValuesConfig, config: FilesConfig) -> ValuesConfig:
    """Return how values are written: as settings say, or else as the named dialect has it.

    Raises:
        SettingError: the settings contradict each other.
    """
    return values.over(_VALUES.get(config.dialect, USUAL)).over(USUAL)


def differences(dialect: Dialect) -> dict[str, object]:
    """Return what of a dialect changes the rows that are read, as far as it is not the default."""
    default = asdict(Dialect())
    return {
        name: value
        for name, value in asdict(dialect).items()
        if value != default[name] and name != "requires_final_newline"
    }


def dialect_beside(file: Path) -> Dialect | None:
    """Return the dialect that was written beside a file of rejected rows; None where there is none.

    Raises:
        RowFileError: it cannot be read.
    """
    beside = path_beside(file)
    if not beside.exists():
        return None
    with reading(beside):
        text = beside.read_text(encoding="utf-8")
    try:
        found = json.loads(text)
        return Dialect(**{**found, "nulls": tuple(found["nulls"])})
    except (ValueError, TypeError, KeyError) as error:
        raise RowFileError(f"{beside} is damaged: {error}; run the load again, or remove it") from error


def path_beside(file: Path) -> Path:
    """Return where the dialect of a file of rejected rows is."""
    return file.with_suffix(".json")


def _require_different(dialect: Dialect) -> None:
    special = {
        name: getattr(dialect, name)
        for name in ("delimiter", "quote", "escape", "comment")
        if getattr(dialect, name)
    }
    for name, character in special.items():
        others = [other for other, same in special.items() if same == character and other != name]
        if others:
            raise SettingError(f"{name} and {others[0]} are both {character!r}; they must differ")
        if character in "\r\n\0":
            raise SettingError(f"{name} is {character!r}, which ends a line; name another character")


def _is_tsv(file: PurePath | ObjectPath) -> bool:
    return ".tsv" in [suffix.lower() for suffix in file.suffixes[-2:]]


def _character(given: str, preset: str) -> str:
    return "" if given == NONE else given or preset


def _chosen(given: str, wanted: str, *, default: bool) -> bool:
    return given == wanted if given else default


def _nulls(config: FilesConfig, preset: Dialect) -> tuple[str, ...]:
    words = config.null_words or tuple(word for word in preset.nulls if word)
    empty_is_null = _chosen(config.empty, "null", default="" in preset.nulls)
    return tuple(sorted({*words, ""} if empty_is_null else {*words} - {""}))
