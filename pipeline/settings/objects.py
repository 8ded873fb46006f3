"""Where objects are: the store that s3://, gs:// and other URIs mean. Credentials are never settings."""

import re
from dataclasses import dataclass

from pipeline.errors import SettingError
from pipeline.settings.declaration import check_settings, setting


@dataclass(frozen=True, kw_only=True)
class ObjectsConfig:
    """Where objects are. `retry_budget_s` is for how long a request to the store may be retried.

    Raises:
        SettingError: the endpoint is no URL of a host.
    """

    endpoint: str = setting(
        "",
        doc="the URL of a store that is not the cloud's own, such as `http://minio:9000`; empty: the cloud's",
        is_significant=False,
    )
    region: str = setting(
        "",
        doc="the region of an S3 bucket, such as `eu-central-1`; empty: as AWS's tools take it, from "
        "`AWS_REGION` or the profile",
        is_significant=False,
    )
    retry_budget_s: float = 300.0

    def __post_init__(self) -> None:
        check_settings(self)
        # Without the value, which may have a password in it.
        if self.endpoint and not re.fullmatch(r"https?://[^/@?#\s]+/?", self.endpoint):
            raise SettingError(
                "endpoint must be a URL of a host, such as http://minio:9000, without a path, and without "
                "credentials: those are taken from the environment, a profile or a role"
            )
