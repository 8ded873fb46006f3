"""How row files are read: their dialect, their compression, and which words are null in them."""

import codecs
from dataclasses import dataclass

from pipeline.errors import SettingError
from pipeline.settings.declaration import check_settings, setting

DIALECTS = ("rfc4180", "excel", "tsv", "postgres", "mysql", "cqlsh", "dsbulk")
FORMATS = ("csv", "parquet", "jsonl", "json")
COMPRESSIONS = ("none", "gzip", "zstd", "bzip2", "xz", "lz4")
NONE = "none"
_YES_OR_NO = ("true", "false")


@dataclass(frozen=True, kw_only=True)
class FilesConfig:
    """How row files are read. An empty setting is as the dialect has it.

    Raises:
        SettingError: a value is out of range.
    """

    format: str = setting(
        "",
        doc="the format of files, whatever the end of their names; empty: by that end",
        choices=("", *FORMATS),
    )
    dialect: str = setting(
        "",
        doc="the form of CSV files, which the settings below change one by one: see "
        "[loading.md](loading.md#dialects); empty: `tsv` for files that end in .tsv, else `rfc4180`",
        choices=("", *DIALECTS),
    )
    delimiter: str = setting("", doc=r"the character between fields, `\t` for the tabulator")
    quote: str = setting("", doc="the character around a field that has others of these in it, or `none`")
    escape: str = setting(
        "",
        doc="the character before one that is taken as it is; `none`: a quote in quotes is doubled",
    )
    header: str = setting(
        "",
        doc="`true`: the first row names the fields; `false`: it does not, and they are called 1, 2, …",
        choices=("", *_YES_OR_NO),
    )
    encoding: str = setting("", doc="how text is encoded, by Python's name: `utf-8`, `utf-16`, `cp1252`, …")
    comment: str = setting("", doc="the character that begins a line that is no row, or `none`")
    skip_rows: int = setting(0, doc="lines before the header that are passed over", minimum=0)
    trim: str = setting(
        "",
        doc="`true` or `false`: whether blanks around a field, outside of its quotes, are left out",
        choices=("", *_YES_OR_NO),
    )
    null_words: tuple[str, ...] = setting(
        (), doc=r"the words that are null, separated by commas, such as `NA,\N`; beside the empty field"
    )
    empty: str = setting(
        "",
        doc="`null`: a field without a character is null; `text`: it is the empty text",
        choices=("", "null", "text"),
    )
    quoted_nulls: str = setting(
        "", doc="`true` or `false`: whether a field in quotes may be null too", choices=("", *_YES_OR_NO)
    )
    short_rows: str = setting(
        "refuse",
        doc="a row with fewer fields than the header: `refuse` makes it a bad row, `fill` takes what it "
        "lacks for null",
        choices=("refuse", "fill"),
    )
    final_newline: str = setting(
        "",
        doc="a last line without a line break: `warn` loads it, `require` refuses the file",
        choices=("", "warn", "require"),
        is_significant=False,
    )
    flag_file: str = setting(
        "",
        doc="the name of a file, such as `_SUCCESS`, that says that the row files in its folder are "
        "complete: without it they are waited for; empty: there is none",
        is_significant=False,
    )
    compression: str = setting(
        "",
        doc="how files are compressed; empty: by the end of their names, such as .csv.gz",
        choices=("", *COMPRESSIONS),
    )

    def __post_init__(self) -> None:
        check_settings(self)
        for name in ("quote", "escape", "comment"):
            _require_ascii(name, getattr(self, name))
        if self.delimiter != r"\t" and len(self.delimiter) > 1:
            raise SettingError(rf"delimiter is {self.delimiter!r}; it must be one character, or \t")
        if self.encoding:
            _require_encoding(self.encoding)


def _require_ascii(name: str, value: str) -> None:
    if value not in {"", NONE} and not (len(value) == 1 and value.isascii() and value.isprintable()):
        raise SettingError(f"{name} is {value!r}; it must be one ASCII character, or {NONE}")


def _require_encoding(name: str) -> None:
    try:
        b"a".decode(codecs.lookup(name).name, "replace")
    except (LookupError, ValueError) as error:
        raise SettingError(
            f"encoding is {name!r}; it must be the name of a text encoding, such as utf-8, utf-16 or cp1252"
        ) from error
