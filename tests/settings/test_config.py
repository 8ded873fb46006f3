from collections.abc import Callable

import pytest

from pipeline.errors import SettingError
from pipeline.settings import ClusterConfig, KeyspaceConfig, TlsConfig, require_at_least, require_one_of


def cluster(**settings: object) -> ClusterConfig:
    """Return valid settings of a cluster, except for the ones given."""
    return ClusterConfig(**{"contact_points": ("host",), **settings})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: cluster(contact_points=()), "contact_points is empty; name at least one host"),
        (lambda: cluster(contact_points=("a", "")), r"contact_points is 'a,'; .* empty name"),
        (lambda: cluster(port=0), "port is 0; it must be at least 1"),
        (lambda: cluster(port=65_536), "port is 65536; the highest is 65535"),
        (
            lambda: cluster(consistency_level="quorum"),
            "consistency_level is 'quorum'; it must be one of ONE,",
        ),
        (lambda: cluster(connect_timeout_s=0), "connect_timeout_s is 0; it must be at least 0.001"),
        (lambda: cluster(request_timeout_s=-1), "request_timeout_s is -1; it must be at least 0.001"),
        (lambda: cluster(request_timeout_s=float("nan")), "request_timeout_s is nan; it must be at least"),
        (lambda: cluster(connect_timeout_s=float("inf")), "connect_timeout_s is inf; it must be finite"),
        (lambda: cluster(password_file="p.txt"), "password_file is .p.txt. but user is not set"),  # noqa: S106 - a path
        (lambda: KeyspaceConfig(name=""), "keyspace is ''; it must be 1 to 48"),
        (lambda: KeyspaceConfig(name="sales-db"), "keyspace is 'sales-db'; it must be"),
        (lambda: KeyspaceConfig(name="a" * 49), "it must be 1 to 48"),
        (lambda: KeyspaceConfig(name="test\n"), "keyspace is .*; it must be"),
        (lambda: KeyspaceConfig(name="test; DROP KEYSPACE test"), "keyspace is .*; it must be"),
        (lambda: KeyspaceConfig(replication_factor=0), "replication_factor is 0; it must be at least 1"),
        (
            lambda: TlsConfig(ca_file="ca", key_file="k"),
            "tls_key_file is set but tls_certificate_file is not",
        ),
        (lambda: TlsConfig(ca_file="ca", certificate_file="c"), "tls_certificate_file is set but tls_key_fi"),
        (
            lambda: require_one_of("colour", "blue", ("red", "green")),
            "colour is 'blue'; .* one of red, green",
        ),
        (lambda: require_at_least("rows", 0, 1), "rows is 0; it must be at least 1"),
    ],
)
def test_a_wrong_value_is_refused(build: Callable[[], object], message: str) -> None:
    """A settings object cannot be built with a wrong value: the message has setting, value and remedy."""
    with pytest.raises(SettingError, match=message):
        build()


def test_the_limits_themselves_are_allowed() -> None:
    """The smallest and the largest allowed values are allowed."""
    assert cluster(port=1).port == 1
    assert cluster(port=65_535, connect_timeout_s=0.001, request_timeout_s=0.001).port == 65_535
    assert KeyspaceConfig(name="a" * 48).replication_factor == 1
    assert KeyspaceConfig(name="SalesDB").name == "SalesDB"
    assert KeyspaceConfig(name="9lives").name == "9lives"
    assert TlsConfig(ca_file="ca", certificate_file="c", key_file="k").check_hostname


def test_settings_cannot_be_changed_and_hold_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """A settings object is frozen, so checked values stay valid; its repr shows no password."""
    monkeypatch.setenv("CASSANDRA_PASSWORD", "hush-hush")
    settings = cluster(user="ada")
    with pytest.raises(AttributeError):
        settings.port = 0  # type: ignore[misc]
    assert "hush-hush" not in repr(settings)
