"""Settings as values: frozen, checked when built, and without any secret in them.

Each setting is declared once, as a field of a dataclass. Luigi's sections and parameters, luigi.cfg and
docs/settings.md follow from the declaration.
"""

from pipeline.settings.cluster import (
    CONSISTENCY_LEVELS,
    EMBEDDED_VERSIONS,
    PASSWORD_VARIABLE,
    ClusterConfig,
    EmbeddedConfig,
    KeyspaceConfig,
    TlsConfig,
)
from pipeline.settings.columns import ColumnsConfig
from pipeline.settings.declaration import require_at_least, require_one_of
from pipeline.settings.engines import ENGINES, DaskConfig, EngineConfig, SparkConfig
from pipeline.settings.files import FilesConfig
from pipeline.settings.load import METHODS, NULLS, LoadConfig, ProcessesConfig
from pipeline.settings.measure import ExperimentConfig, TimingConfig
from pipeline.settings.objects import ObjectsConfig
from pipeline.settings.output import OutputConfig
from pipeline.settings.telling import WEBHOOK_VARIABLE, MetricsConfig, WebhookConfig
from pipeline.settings.values import ValuesConfig

__all__ = [
    "CONSISTENCY_LEVELS",
    "EMBEDDED_VERSIONS",
    "ENGINES",
    "METHODS",
    "NULLS",
    "PASSWORD_VARIABLE",
    "WEBHOOK_VARIABLE",
    "ClusterConfig",
    "ColumnsConfig",
    "DaskConfig",
    "EmbeddedConfig",
    "EngineConfig",
    "ExperimentConfig",
    "FilesConfig",
    "KeyspaceConfig",
    "LoadConfig",
    "MetricsConfig",
    "ObjectsConfig",
    "OutputConfig",
    "ProcessesConfig",
    "SparkConfig",
    "TimingConfig",
    "TlsConfig",
    "ValuesConfig",
    "WebhookConfig",
    "require_at_least",
    "require_one_of",
]
