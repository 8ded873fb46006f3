"""The list of published data files: where each is, and the answers about its columns.

files.toml says at its top what each key means.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from cattrs import Converter

LIST = Path(__file__).with_name("files.toml")


@dataclass(frozen=True)
class Package:
    """One version of a package, and which of its archives is meant."""

    registry: Literal["pypi", "npm"]
    name: str
    version: str
    archive: Literal["wheel", "sdist"]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True)
class PublishedFile:
    """One data file in a package, and the answers about its columns."""

    name: str
    registry: Literal["pypi", "npm"]
    package: str
    version: str
    member: str
    sha256: str
    licence: str
    format: Literal["csv", "tsv", "jsonl", "json", "parquet"]
    rows: int
    kept_aside: bool
    primary_key: tuple[str, ...]
    notes: str
    columns: dict[str, str]
    archive: Literal["wheel", "sdist"] = "wheel"
    bad_rows: int = 0
    settings: dict[str, str] = field(default_factory=dict)
    also: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def source(self) -> Package:
        """The package that has the file."""
        return Package(self.registry, self.package, self.version, self.archive)


def published_files(*, kept_aside: bool = False) -> Sequence[PublishedFile]:
    """Return the files of the list, in its order: those for every day, or those that are kept aside.

    Raises:
        cattrs.errors.BaseValidationError: an entry lacks a key, has an unknown one or a wrong value.
    """
    entries = tomllib.loads(LIST.read_text(encoding="utf-8"))["file"]
    files = Converter(forbid_extra_keys=True).structure(entries, list[PublishedFile])
    return [file for file in files if file.kept_aside is kept_aside]
