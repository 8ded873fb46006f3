"""Arrow's file system of each kind of store. To import this module takes a while; few loads need it.

Credentials are taken as each store's own tools take them: Arrow looks for them in the environment, in a
profile, and in the role of the machine.
"""

import functools
import os
from collections.abc import Callable, Mapping
from datetime import timedelta

import pyarrow as pa
from pyarrow import fs

from pipeline.errors import RowFileError, abbreviated
from pipeline.rowfiles.stores.paths import ObjectPath
from pipeline.settings.objects import ObjectsConfig


def location_of(path: ObjectPath) -> tuple[fs.FileSystem, str]:
    """Return the file system of an object, and its path there.

    Raises:
        RowFileError: this machine lacks what the store needs.
    """
    try:
        store = _filesystem_of(path.scheme, path.authority, path.config)
    except (OSError, pa.ArrowException) as error:
        raise RowFileError(
            f"cannot reach {path.scheme}://{path.authority}: {abbreviated(str(error), 400)}; see "
            "docs/loading.md for what the store needs"
        ) from error
    if path.scheme == "hdfs":
        return store, f"/{path.key}"
    return store, f"{path.authority.partition('@')[0]}/{path.key}".rstrip("/")


@functools.cache
def _filesystem_of(scheme: str, authority: str, config: ObjectsConfig) -> fs.FileSystem:
    return _MAKE[scheme](authority, config)


def _s3(authority: str, config: ObjectsConfig) -> fs.FileSystem:
    del authority
    scheme, host = _endpoint(config)
    return fs.S3FileSystem(
        region=config.region or None,
        scheme=scheme or "https",
        endpoint_override=host or None,
        connect_timeout=_CONNECT_TIMEOUT_S,
        # On Linux: how long a connection may bring nothing.
        request_timeout=_STALLED_S,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=1),
    )


def _google(authority: str, config: ObjectsConfig) -> fs.FileSystem:
    del authority
    scheme, host = _endpoint(config)
    return fs.GcsFileSystem(
        scheme=scheme or "https",
        endpoint_override=host or None,
        # Another store at this place is an emulator, and knows no credentials of Google's.
        anonymous=bool(host),
        retry_time_limit=timedelta(seconds=_STALLED_S),
    )


def _azure(authority: str, config: ObjectsConfig) -> fs.FileSystem:
    scheme, host = _endpoint(config)
    account = authority.partition("@")[2].partition(".")[0]
    services = ("blob_storage", "dfs_storage") if host else ()
    other = {f"{each}_authority": host for each in services} | {f"{each}_scheme": scheme for each in services}
    # The variable of Azure's command line; without it Arrow asks for a login, a managed identity, and others.
    return fs.AzureFileSystem(account, account_key=os.environ.get("AZURE_STORAGE_KEY"), **other)


def _hadoop(authority: str, config: ObjectsConfig) -> fs.FileSystem:
    del config
    host, _, port = authority.partition(":")
    return fs.HadoopFileSystem(host, int(port or 0))


def _endpoint(config: ObjectsConfig) -> tuple[str, str]:
    scheme, _, host = config.endpoint.rstrip("/").partition("://")
    return scheme, host


_MAKE: Mapping[str, Callable[[str, ObjectsConfig], fs.FileSystem]] = {
    "s3": _s3,
    "gs": _google,
    "abfss": _azure,
    "hdfs": _hadoop,
}
_CONNECT_TIMEOUT_S = 10
_STALLED_S = 20
