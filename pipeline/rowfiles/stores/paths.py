"""The paths of row files: those of this machine, and the URIs of objects."""

import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from pipeline.errors import RowFileError
from pipeline.settings.objects import ObjectsConfig

SCHEMES = ("s3", "gs", "abfss", "hdfs")


@dataclass(frozen=True, order=True)
class ObjectPath:
    """The URI of an object, and how its store is reached. A `Path` would make one slash of two.

    `sha256` is what identifies the object that is meant; empty: whichever is there.
    """

    uri: str
    config: ObjectsConfig = field(default_factory=ObjectsConfig, compare=False)
    sha256: str = ""

    def __str__(self) -> str:
        return self.uri

    @property
    def scheme(self) -> str:
        """The store's kind."""
        return self.uri.partition("://")[0]

    @property
    def authority(self) -> str:
        """What stands between the scheme and the first slash of the path: a bucket, a container, a host."""
        return self.uri.partition("://")[2].partition("/")[0]

    @property
    def key(self) -> str:
        """The path within the bucket, the container or the file system."""
        return self.uri.partition("://")[2].partition("/")[2]

    @property
    def parent(self) -> "ObjectPath":
        """The folder that it is in."""
        return ObjectPath(self.uri.rpartition("/")[0], self.config)

    def is_dir(self) -> bool:
        """Return whether it means a folder: with a slash at its end."""
        return self.uri.endswith("/")

    @property
    def name(self) -> str:
        """The last part of the path."""
        return PurePosixPath(self.key).name

    @property
    def suffix(self) -> str:
        """The end of the name, from its last dot."""
        return PurePosixPath(self.name).suffix

    @property
    def suffixes(self) -> list[str]:
        """The ends of the name."""
        return PurePosixPath(self.name).suffixes

    @property
    def stem(self) -> str:
        """The name without its last end."""
        return PurePosixPath(self.name).stem


FilePath = Path | ObjectPath
"""The path of a row file."""


def is_object(path: str) -> bool:
    """Return whether a path is the URI of objects."""
    return _SCHEME.match(path) is not None


def path_of(path: str, config: ObjectsConfig | None = None, sha256: str = "") -> FilePath:
    """Return a path for what a user has named.

    Raises:
        RowFileError: it is a URI of another kind of store, or one with credentials or options in it.
    """
    if not is_object(path):
        return Path(path)
    found = ObjectPath(path, config or ObjectsConfig(), sha256)
    if found.scheme not in SCHEMES:
        known = ", ".join(f"{scheme}://" for scheme in SCHEMES)
        raise RowFileError(
            f"cannot read objects of {found.scheme}://: there are {known}; copy the files to this machine, "
            "or to one of these stores"
        )
    container, has_account, account = found.authority.partition("@")
    is_azure = found.scheme == "abfss"
    # What is refused may be a secret, so that it is not repeated.
    if ":" in container if is_azure else has_account:
        raise RowFileError(
            f"the {found.scheme}:// path has a user or a key in it; take it out, and give credentials as the "
            "store's own tools take them: in the environment, a profile or a role"
        )
    if re.search(r"\?[^/]*=", found.uri):
        raise RowFileError(
            f"the {found.scheme}:// path has options behind a question mark; take them out: endpoint and "
            "region are settings of [objects], and credentials are taken from the environment, a profile or "
            "a role"
        )
    if not container or (is_azure and not account):
        form = "abfss://container@account.dfs.core.windows.net/path" if is_azure else "bucket/path"
        raise RowFileError(f"{path}: no {'account' if container else 'bucket'}; write it as {form}")
    return found


def absolute(path: str) -> str:
    """Return a path that means the same from any folder; a URI does."""
    return path if is_object(path) else str(Path(path).absolute())


def replaced(path: ObjectPath) -> RowFileError:
    """Return the error of an object that is no longer the one that was described."""
    return RowFileError(
        f"{path} was replaced while it was being read: its ETag or its size is another; run the task again "
        "when the object is complete"
    )


_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
