"""The sections of luigi.cfg, and the library's settings made from them when a task needs them."""

import datetime as dt
import difflib
import warnings
from collections.abc import Iterable
from pathlib import Path

import luigi

from pipeline.embedded import ClusterSpec, Endpoint
from pipeline.embedded import endpoint as find_endpoint
from pipeline.errors import SettingError
from pipeline.rowfiles.formats import FILE_FORMATS
from pipeline.settings import (
    CONSISTENCY_LEVELS,
    METHODS,
    NULLS,
    ClusterConfig,
    KeyspaceConfig,
    TlsConfig,
)
from tasks.parameters import (
    Choice,
    Flag,
    Integer,
    Located,
    Number,
    OptionalInteger,
    PoolSize,
    Seconds,
    SettingParameter,
)
from tasks.sweeps import Duration, Latencies, PoolSizes


class Section(luigi.Config):
    """A section of luigi.cfg, whose errors name it."""

    @classmethod
    def get_param_values(cls, params: object, args: object, kwargs: object) -> object:
        """Return the settings as Luigi takes them, without its warning of unknown ones: they are refused.

        Raises:
            SettingError: a setting is of the wrong type or out of range.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", luigi.task.UnconsumedParameterWarning)
                return super().get_param_values(params, args, kwargs)
        except SettingError as error:
            raise SettingError(f"[{cls.get_task_family()}] {error}") from error


class cassandra(Section):  # noqa: N801 - the section's name
    """Where the cluster is, and what this project may do there."""

    contact_points = SettingParameter(default="")
    port = Integer(default=9042)
    datacentre = SettingParameter(default="")
    keyspace = SettingParameter(default="test")
    replication_factor = Integer(default=1, minimum=1)
    consistency_level = Choice(default="LOCAL_QUORUM", choices=CONSISTENCY_LEVELS)
    manage_schema = Flag(default=True, parsing=luigi.BoolParameter.EXPLICIT_PARSING)
    user = SettingParameter(default="")
    password_file = Located(default="")
    tls_ca_file = Located(default="")
    tls_certificate_file = Located(default="")
    tls_key_file = Located(default="")
    tls_check_hostname = Flag(default=True, parsing=luigi.BoolParameter.EXPLICIT_PARSING)
    connect_timeout_s = Seconds(default=10.0)
    request_timeout_s = Seconds(default=10.0)


class embedded(Section):  # noqa: N801 - as above
    """The Cassandra that is started when no contact point is named."""

    nodes = Integer(default=1, minimum=1)
    heap = SettingParameter(default="1G")
    port = Integer(default=0, minimum=0)


class generate(Section):  # noqa: N801 - as above
    """The fake rows."""

    rows = Integer(default=1000, minimum=1)
    seed = Integer(default=42)
    locale = SettingParameter(default="en_US")
    file_format = Choice(default="csv", choices=FILE_FORMATS)


class load(Section):  # noqa: N801 - as above
    """How a load drives the cluster."""

    method = Choice(default="batch", choices=METHODS)
    pool_size = PoolSize(default=100)
    batch_size_bytes = Integer(default=5120, minimum=1)
    processes = Integer(default=0, minimum=0)
    rows_per_s = Number(default=0.0)
    nulls = Choice(default="unset", choices=NULLS)
    ttl_s = OptionalInteger(default=None, minimum=0)
    max_bad_rows = SettingParameter(default="0")
    retry_budget_s = Number(default=300.0)


class timing(Section):  # noqa: N801 - as above
    """The sweep over injected latencies."""

    latencies_s = Latencies(default=(0.0, 0.001, 0.005, 0.010, 0.100))
    sync_repeats = Integer(default=3, minimum=1)
    async_repeats = Integer(default=5, minimum=1)


class experiment(Section):  # noqa: N801 - as above
    """The comparison of contenders, and the sweep over pool sizes."""

    time_budget = Duration(default=dt.timedelta(minutes=30))
    precision = Number(default=0.05)
    repeat_s = Number(default=5.0)
    pool_sizes = PoolSizes(default=(1, 3, 10, 30, 100, 200, 400))


class output(Section):  # noqa: N801 - as above
    """Where files go."""

    folder = Located(default="output")


def output_folder() -> Path:
    """Return the folder that holds every file this project writes."""
    return Path(output().folder)


def embedded_spec() -> ClusterSpec | None:
    """Return the embedded cluster that is meant, None where luigi.cfg names a cluster.

    Raises:
        SettingError: a setting is unknown, of the wrong type or out of range.
    """
    require_known_settings()
    if cassandra().contact_points.strip():
        return None
    section = embedded()
    return ClusterSpec(
        folder=output_folder() / "cassandra", nodes=section.nodes, heap=section.heap, port=section.port
    )


def cluster_config() -> ClusterConfig | None:
    """Return the cluster to talk to, None where it is the embedded one and that does not run.

    Raises:
        SettingError: a setting is unknown, of the wrong type or out of range.
    """
    section = cassandra()
    spec = embedded_spec()
    endpoint = (
        Endpoint(
            contact_points=tuple(host.strip() for host in section.contact_points.split(",")),
            port=section.port,
        )
        if spec is None
        else find_endpoint(spec.folder)
    )
    if endpoint is None:
        return None
    return ClusterConfig(
        contact_points=endpoint.contact_points,
        port=endpoint.port,
        datacentre=section.datacentre,
        consistency_level=section.consistency_level,
        user=section.user,
        password_file=section.password_file,
        tls=_tls(section),
        connect_timeout_s=section.connect_timeout_s,
        request_timeout_s=section.request_timeout_s,
    )


def keyspace_config() -> KeyspaceConfig:
    """Return the keyspace to load into.

    Raises:
        SettingError: a setting is of the wrong type or out of range.
    """
    section = cassandra()
    return KeyspaceConfig(
        name=section.keyspace,
        replication_factor=section.replication_factor,
        manage_schema=section.manage_schema,
    )


def require_known_settings() -> None:
    """Return if every setting in our sections of luigi.cfg is one of ours.

    Raises:
        SettingError: one is not, or a section's name is nearly one of ours.
    """
    config = luigi.configuration.get_config()
    ours = {section.get_task_family(): dict(section.get_params()) for section in SECTIONS}
    for name in config.sections():
        if name in ours:
            for setting in config.options(name):
                if setting not in ours[name]:
                    near = _nearest(setting, ours[name]) or f"; it has {', '.join(ours[name])}"
                    raise SettingError(f"[{name}] has no setting {setting!r}{near}")
        elif near := _nearest(name, ours):
            raise SettingError(f"no section is called [{name}]{near}")


def _tls(section: cassandra) -> TlsConfig | None:
    if not section.tls_ca_file:
        if section.tls_certificate_file or section.tls_key_file:
            raise SettingError(
                "tls_certificate_file or tls_key_file is set but tls_ca_file is not; name the CA"
            )
        return None
    return TlsConfig(
        ca_file=section.tls_ca_file,
        certificate_file=section.tls_certificate_file,
        key_file=section.tls_key_file,
        check_hostname=section.tls_check_hostname,
    )


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
    return f"; did you mean {near[0]!r}?" if near else ""


SECTIONS = (cassandra, embedded, generate, load, timing, experiment, output)
