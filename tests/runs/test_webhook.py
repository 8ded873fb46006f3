import dataclasses
import json
from pathlib import Path

import pytest

from pipeline.errors import OutputError, PipelineError, SettingError
from pipeline.runs.summary import FAILED, MISSING, RunSummary
from pipeline.runs.webhook import is_news, post_run, slack_message, webhook_url
from pipeline.settings import WEBHOOK_VARIABLE, WebhookConfig
from tests.harness.listeners import listening
from tests.harness.runs import loaded, verified

PART = "T0SECRET/B0SECRET"
FAILED_RUN = loaded(outcome=FAILED, error="cannot connect to 10.0.0.7:9042")
MISSING_RUN = loaded(outcome=MISSING)


@pytest.mark.parametrize(
    ("when", "run", "before", "told"),
    [
        ("failure", FAILED_RUN, None, True),
        ("failure", MISSING_RUN, None, True),
        ("failure", loaded(), FAILED_RUN, False),
        ("recovery", FAILED_RUN, FAILED_RUN, True),
        ("recovery", loaded(), FAILED_RUN, True),
        ("recovery", loaded(), MISSING_RUN, True),
        ("recovery", loaded(), loaded(), False),
        ("recovery", loaded(), None, False),
        ("always", loaded(), loaded(), True),
    ],
)
def test_when_a_run_is_news(when: str, run: RunSummary, before: RunSummary | None, told: bool) -> None:  # noqa: FBT001 - a row of the table
    """Failures are always news; a success is if it follows a failure, or if all runs are."""
    assert is_news(run, before, WebhookConfig(when=when)) is told


def test_the_summary_is_posted_as_json() -> None:
    """The webhook is sent the run's fields, to the URL's own path."""
    with listening() as (address, got):
        post_run(f"http://{address}/hook/{PART}", loaded(), "json")
    [sent] = got
    assert (sent.method, sent.path) == ("POST", f"/hook/{PART}")
    said = json.loads(sent.text)
    assert said["date"] == "2026-11-28"
    assert said["rows_acknowledged"] == 998
    assert said["outcome"] == "loaded"
    names = {field.name for field in dataclasses.fields(RunSummary)}
    assert set(said) == names - {"requests"}


@pytest.mark.parametrize(
    ("run", "text"),
    [
        (loaded(), ":white_check_mark: shop.orders, 2026-11-28: 998 rows loaded in 6 s, 2 bad"),
        (verified(), ":white_check_mark: shop.orders, 2026-11-28: 998 rows verified in 1 s"),
        (
            loaded(outcome=FAILED, error="a <b> & c"),
            ":x: shop.orders, 2026-11-28: the load failed after 6 s: a &lt;b&gt; &amp; c",
        ),
        (
            loaded(outcome=MISSING),
            ":x: shop.orders, 2026-11-28: the input is not there yet: drop/2026-11-28/*.csv",
        ),
    ],
)
def test_slack_gets_a_sentence(run: RunSummary, text: str) -> None:
    """Slack's form is one text, with the signs escaped that Slack gives a meaning."""
    assert slack_message(run) == {"text": text}


def refused(url: str) -> str:
    """Return the message of a post that fails."""
    with pytest.raises(OutputError) as error:
        post_run(url, loaded(), "json")
    assert error.value.__cause__ is None
    return str(error.value)


def test_a_post_that_fails_does_not_tell_the_secret() -> None:
    """Whatever fails, the message has neither the URL nor a part of it; a redirect is not followed."""
    with listening(404) as (address, _):
        not_found = refused(f"http://{address}/{PART}")
    with listening() as (other, got), listening(302, f"http://{other}/") as (address, _):
        redirected = refused(f"http://{address}/{PART}")
        assert not got
    unreachable = refused(f"http://127.0.0.1:1/{PART}")
    assert "404" in not_found
    assert "302" in redirected
    assert "ConnectionError" in unreachable
    for message in (not_found, redirected, unreachable):
        assert "SECRET" not in message
        assert "127.0.0.1" not in message


def test_where_the_url_is_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file wins over the environment; without either there is no webhook."""
    monkeypatch.delenv(WEBHOOK_VARIABLE, raising=False)
    assert webhook_url(WebhookConfig()) == ""
    monkeypatch.setenv(WEBHOOK_VARIABLE, "https://example.com/env")
    assert webhook_url(WebhookConfig()) == "https://example.com/env"
    file = tmp_path / "url"
    file.write_text("https://example.com/file\n", encoding="utf-8")
    assert webhook_url(WebhookConfig(file=str(file))) == "https://example.com/file"


@pytest.mark.parametrize("content", [f"{PART}\n", "\n", None, b"\xff\n"])
def test_a_wrong_file_is_named_and_not_quoted(tmp_path: Path, content: str | bytes | None) -> None:
    """An absent, empty, undecodable or wrong file is named, without what it holds."""
    file = tmp_path / "url"
    if content is not None:
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(SettingError) as error:
        webhook_url(WebhookConfig(file=str(file)))
    assert str(file) in str(error.value)
    assert "SECRET" not in str(error.value)


def test_one_of_three_times_or_an_error() -> None:
    """A time or a form that is not known is refused by name."""
    with pytest.raises(PipelineError, match="when is 'never'"):
        WebhookConfig(when="never")
    with pytest.raises(PipelineError, match="form is 'teams'"):
        WebhookConfig(form="teams")
