"""The sections of luigi.cfg, and the library's settings made from them when a task needs them."""

import dataclasses
import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import luigi

from pipeline import sections
from pipeline.embedded import ClusterSpec, Endpoint
from pipeline.embedded import endpoint as find_endpoint
from pipeline.errors import SettingError
from pipeline.settings import (
    ClusterConfig,
    EmbeddedConfig,
    KeyspaceConfig,
    ObjectsConfig,
    OutputConfig,
    TlsConfig,
)
from pipeline.settings.declaration import settings_of
from tasks.declared import section_class

C = TypeVar("C")

cassandra = section_class(sections.CASSANDRA, __name__)
embedded = section_class(sections.EMBEDDED, __name__)
generate = section_class(sections.GENERATE, __name__)
files = section_class(sections.FILES, __name__)
columns = section_class(sections.COLUMNS, __name__)
values = section_class(sections.VALUES, __name__)
objects = section_class(sections.OBJECTS, __name__)
load = section_class(sections.LOAD, __name__)
dask = section_class(sections.DASK, __name__)
spark = section_class(sections.SPARK, __name__)
timing = section_class(sections.TIMING, __name__)
experiment = section_class(sections.EXPERIMENT, __name__)
output = section_class(sections.OUTPUT, __name__)
metrics = section_class(sections.METRICS, __name__)
webhook = section_class(sections.WEBHOOK, __name__)
SECTIONS = (
    cassandra,
    embedded,
    generate,
    files,
    objects,
    columns,
    values,
    load,
    dask,
    spark,
    timing,
    experiment,
    output,
    metrics,
    webhook,
)


def build(config: type[C], task: luigi.Task | None = None, **given: object) -> C:
    """Return a `config` from the task's parameters and, for other settings, from luigi.cfg.

    `given` are values from neither. What only a task can have, and `task` has not, has its default.

    Raises:
        SettingError: a setting is of the wrong type or out of range.
    """
    [section] = [each for each in SECTIONS if config in each.declared.configs]
    parameters = {name for name, _ in task.get_params()} if task else set()
    values: dict[str, Any] = {
        each.field: getattr(task if each.name in parameters else section(), each.name)
        for each in settings_of(config)
        if each.field not in given and (each.is_in_file or each.name in parameters)
    }
    return config(**values, **given)


def output_folder() -> Path:
    """Return the folder that holds every file this project writes."""
    return Path(build(OutputConfig).folder)


def objects_config() -> ObjectsConfig:
    """Return how stores of objects are reached.

    Raises:
        SettingError: a setting is out of range.
    """
    return build(ObjectsConfig, retry_budget_s=load().retry_budget_s)


def embedded_spec() -> ClusterSpec | None:
    """Return the embedded cluster to use, None if luigi.cfg names a cluster.

    Raises:
        SettingError: a setting is unknown, of the wrong type or out of range.
    """
    require_known_settings()
    return embedded_spec_as_set()


def embedded_spec_as_set() -> ClusterSpec | None:
    """Return the embedded cluster to use as `embedded_spec` does, whatever else is in luigi.cfg.

    Raises:
        SettingError: a setting is of the wrong type or out of range.
    """
    if cassandra().contact_points or cassandra().secure_connect_bundle:
        return None
    return ClusterSpec(folder=output_folder() / "cassandra", **dataclasses.asdict(build(EmbeddedConfig)))


def cluster_config() -> ClusterConfig | None:
    """Return the cluster to use, None if it is the embedded one and does not run.

    Raises:
        SettingError: a setting is unknown, of the wrong type or out of range.
    """
    require_known_settings()
    return cluster_config_as_set()


def cluster_config_as_set() -> ClusterConfig | None:
    """Return the cluster to use as `cluster_config` does, whatever else is in luigi.cfg.

    Raises:
        SettingError: a setting is of the wrong type or out of range.
    """
    section = cassandra()
    spec = embedded_spec_as_set()
    endpoint = (
        Endpoint(
            contact_points=section.contact_points,
            port=section.port,
        )
        if spec is None
        else find_endpoint(spec.folder)
    )
    if endpoint is None:
        return None
    return build(ClusterConfig, contact_points=endpoint.contact_points, port=endpoint.port, tls=_tls(section))


def keyspace_config() -> KeyspaceConfig:
    """Return the keyspace to load into.

    Raises:
        SettingError: a setting is of the wrong type or out of range.
    """
    return build(KeyspaceConfig)


def require_known_settings() -> None:
    """Return if every setting in our sections of luigi.cfg is known.

    Raises:
        SettingError: a setting is unknown, or a section's name is nearly one of ours.
    """
    for error in unknown_settings():
        raise error


def unknown_settings() -> Iterator[SettingError]:
    """Yield an error for each unknown setting in our sections, and each section that is nearly ours."""
    config = luigi.configuration.get_config()
    ours = {section.get_task_family(): dict(section.get_params()) for section in SECTIONS}
    for name in config.sections():
        if name in ours:
            for setting in config.options(name):
                if setting not in ours[name]:
                    near = _nearest(setting, ours[name]) or f"; it has {', '.join(ours[name])}"
                    yield SettingError(f"[{name}] has no setting {setting!r}{near}")
        elif near := _nearest(name, ours) or _nearest_table(name):
            yield SettingError(f"no section is called [{name}]{near}")


def _tls(section: Any) -> TlsConfig | None:  # noqa: ANN401 - Luigi's attributes have no types
    files = (section.tls_ca_file, section.tls_certificate_file, section.tls_key_file)
    return build(TlsConfig) if any(files) else None


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
    return f"; did you mean {near[0]!r}?" if near else ""


def _nearest_table(name: str) -> str:
    kind, _, table = name.partition(" ")
    is_near = table and kind != "table" and _nearest(kind, ["table"])
    return f"; did you mean 'table {table}'?" if is_near else ""
