"""A webhook that is told of runs: their summary as JSON, or a text for Slack.

Its URL is a secret, because whoever has it may write there. No message of ours contains it.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from pipeline.errors import OutputError, SettingError
from pipeline.runs.summary import FAILED, MISSING, RunSummary
from pipeline.settings import WEBHOOK_VARIABLE, WebhookConfig
from pipeline.workers.codec import to_json_values


def is_news(run: RunSummary, before: RunSummary | None, config: WebhookConfig) -> bool:
    """Tell whether a run is to be told, after the last run of its kind into the same table."""
    if config.when == "always" or not run.is_success:
        return True
    return config.when == "recovery" and before is not None and not before.is_success


def webhook_url(config: WebhookConfig) -> str:
    """Return the URL of the webhook; empty if there is none.

    Raises:
        SettingError: its file cannot be read, or what it says is not a URL.
    """
    where, url = f"the environment variable {WEBHOOK_VARIABLE}", os.environ.get(WEBHOOK_VARIABLE, "")
    if config.file:
        where = f"[webhook] file {config.file}"
        try:
            url = Path(config.file).read_text(encoding="utf-8").partition("\n")[0].strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = (error.strerror or "it cannot be opened") if isinstance(error, OSError) else "not UTF-8"
            raise SettingError(
                f"cannot read {where}: {reason}; name a file that this user may read, with the URL as its "
                "first line"
            ) from None
        if not url:
            raise SettingError(f"{where}: its first line is empty; write the URL there")
    if url and not _is_url(url):
        raise SettingError(f"{where} is not a URL that begins with http:// or https://")
    return url


def post_run(url: str, run: RunSummary, form: str) -> None:
    """Tell the webhook of a run.

    Raises:
        OutputError: it does not take it within a few seconds.
    """
    body = slack_message(run) if form == "slack" else summary_of(run)
    try:
        answer = requests.post(url, json=body, timeout=_TIMEOUTS_S, allow_redirects=False)
    except requests.RequestException as error:
        # The error's own text has the URL.
        raise OutputError(f"the webhook was not told of the run: {type(error).__name__}; {_ADVICE}") from None
    if not answer.ok or answer.is_redirect:
        raise OutputError(f"the webhook was not told of the run: it answers {answer.status_code}; {_ADVICE}")


def summary_of(run: RunSummary) -> dict[str, Any]:
    """Return the summary of a run as JSON values; how long its requests took is in the metrics alone."""
    values: dict[str, Any] = to_json_values(run)
    del values["requests"]
    return values


def slack_message(run: RunSummary) -> Mapping[str, str]:
    """Return a run as a message in Slack's form."""
    what = "verification" if run.is_verification else "load"
    if run.outcome == MISSING:
        text = f"{run.table_name}, {run.date}: the input is not there yet: {run.input}"
    elif run.outcome == FAILED:
        text = f"{run.table_name}, {run.date}: the {what} failed after {run.seconds:.0f} s: {run.error}"
    elif run.is_verification:
        text = f"{run.table_name}, {run.date}: {run.rows_verified} rows verified in {run.seconds:.0f} s"
    else:
        text = f"{run.table_name}, {run.date}: {run.rows_acknowledged} rows loaded in {run.seconds:.0f} s"
        text += f", {run.rows_bad} bad" if run.rows_bad else ""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"text": f"{':white_check_mark:' if run.is_success else ':x:'} {escaped}"}


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


_TIMEOUTS_S = (3.05, 5.0)
"""Until the connection stands, and then until the answer begins."""

_ADVICE = "check the webhook's URL, and that this machine reaches it"
