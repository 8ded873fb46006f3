"""Settings as values: frozen, checked when built, and without any secret in them."""

from pipeline.settings.cluster import (
    CONSISTENCY_LEVELS,
    PASSWORD_VARIABLE,
    ClusterConfig,
    KeyspaceConfig,
    TlsConfig,
)
from pipeline.settings.declaration import require_at_least, require_one_of
from pipeline.settings.load import METHODS, NULLS, LoadConfig

__all__ = [
    "CONSISTENCY_LEVELS",
    "METHODS",
    "NULLS",
    "PASSWORD_VARIABLE",
    "ClusterConfig",
    "KeyspaceConfig",
    "LoadConfig",
    "TlsConfig",
    "require_at_least",
    "require_one_of",
]
