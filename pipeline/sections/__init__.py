"""The sections of luigi.cfg: which dataclasses hold the settings of each."""

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.datasets.settings import GenerateConfig
from pipeline.settings.cluster import ClusterConfig, EmbeddedConfig, KeyspaceConfig, TlsConfig
from pipeline.settings.columns import ColumnsConfig
from pipeline.settings.declaration import Setting, settings_of
from pipeline.settings.engines import DaskConfig, EngineConfig, SparkConfig
from pipeline.settings.files import FilesConfig
from pipeline.settings.load import LoadConfig, ProcessesConfig
from pipeline.settings.measure import ExperimentConfig, TimingConfig
from pipeline.settings.objects import ObjectsConfig
from pipeline.settings.output import OutputConfig
from pipeline.settings.telling import MetricsConfig, WebhookConfig
from pipeline.settings.values import ValuesConfig


@dataclass(frozen=True)
class Section:
    """A section: its name, what it is about, and the dataclasses that hold its settings."""

    name: str
    title: str
    configs: tuple[type, ...]

    def __iter__(self) -> Iterator[Setting]:
        """Yield its settings, those too that are parameters of tasks alone."""
        for config in self.configs:
            yield from settings_of(config)


CASSANDRA = Section(
    "cassandra",
    "where the cluster is, and what this project may do there",
    (ClusterConfig, TlsConfig, KeyspaceConfig),
)
EMBEDDED = Section(
    "embedded", "the Cassandra that is started when no contact point is named", (EmbeddedConfig,)
)
GENERATE = Section("generate", "the fake rows", (GenerateConfig,))
FILES = Section("files", "how row files are read", (FilesConfig,))
COLUMNS = Section("columns", "which field of row files feeds which column", (ColumnsConfig,))
VALUES = Section("values", "how values are written in row files of text", (ValuesConfig,))
OBJECTS = Section("objects", "where objects are; credentials are never settings", (ObjectsConfig,))
LOAD = Section(
    "load",
    "how a load writes, who does it, and which failures it tolerates",
    (LoadConfig, EngineConfig, ProcessesConfig),
)
DASK = Section("dask", "the engine Dask", (DaskConfig,))
SPARK = Section("spark", "the engine Spark", (SparkConfig,))
TIMING = Section("timing", "the sweep over injected latencies", (TimingConfig,))
EXPERIMENT = Section("experiment", "the contenders, and the sweep over pool sizes", (ExperimentConfig,))
OUTPUT = Section("output", "where files go, and how long they stay", (OutputConfig,))
METRICS = Section("metrics", "the last run of each table as metrics", (MetricsConfig,))
WEBHOOK = Section("webhook", "who is told of a run", (WebhookConfig,))
SECTIONS = (
    CASSANDRA,
    EMBEDDED,
    GENERATE,
    FILES,
    OBJECTS,
    COLUMNS,
    VALUES,
    LOAD,
    DASK,
    SPARK,
    TIMING,
    EXPERIMENT,
    OUTPUT,
    METRICS,
    WEBHOOK,
)
"""In the order in which luigi.cfg and docs/settings.md have them."""
