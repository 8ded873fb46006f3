"""Where the runs of loads are told: metrics for a monitoring system, and a webhook."""

from dataclasses import dataclass

from pipeline.settings.declaration import check_settings, setting

WEBHOOK_VARIABLE = "LOAD_WEBHOOK_URL"
"""The environment variable with a webhook's URL, which is a secret."""


@dataclass(frozen=True, kw_only=True)
class MetricsConfig:
    """Where metrics go."""

    folder: str = setting(
        "",
        doc="the folder for the metrics of each table, a `.prom` file in Prometheus' text format; empty: "
        "`metrics/` in the output folder; see [operating.md](operating.md#metrics)",
        is_path=True,
    )
    pushgateway: str = setting(
        "", doc="the address of a Pushgateway, such as `push.example.com:9091`, to push them to as well"
    )


@dataclass(frozen=True, kw_only=True)
class WebhookConfig:
    """Who is told of a run, when, and how.

    Raises:
        SettingError: a value is not one of its choices.
    """

    file: str = setting(
        "",
        doc=f"a file whose first line is the URL of a webhook, a secret; else the environment variable "
        f"`{WEBHOOK_VARIABLE}` is read; without either, nothing is sent",
        is_path=True,
    )
    when: str = setting(
        "recovery",
        doc="`failure`: runs that fail, or whose input is missing; `recovery`: also the first success after "
        "one; `always`: every run",
        choices=("failure", "recovery", "always"),
    )
    form: str = setting(
        "json",
        doc="`json`: the summary of the run; `slack`: a text as Slack's incoming webhooks take it",
        choices=("json", "slack"),
    )

    def __post_init__(self) -> None:
        check_settings(self)
