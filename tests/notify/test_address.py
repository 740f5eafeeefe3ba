"""Addresses are checked, shown without their secret, and posted to in the form their service takes."""

import base64
import email.header
import json

import pytest

from cifar_tui.errors import BadInput
from cifar_tui.notify.address import parse_address
from cifar_tui.notify.messenger import notification
from cifar_tui.notify.post import message

SENTENCE = "Finished 8 steps: <!channel> test accuracy 93 % & more"
FINISHED = notification("finished", {"run": "täst", "folder": "/runs/täst", "sentence": SENTENCE})


@pytest.mark.parametrize(
    ("typed", "shown", "service"),
    [
        ("https://ntfy.sh/secret", "https://ntfy.sh/…", "ntfy"),
        ("https://ntfy.example.com/secret", "https://ntfy.example.com/…", "ntfy"),
        ("ntfy+http://127.0.0.1:8080/secret", "http://127.0.0.1:8080/…", "ntfy"),
        ("https://hooks.slack.com/services/T/B/secret", "https://hooks.slack.com/…", "slack"),
        ("https://chat.googleapis.com/v1/spaces/A/messages?key=secret", "https://chat.googleapis.com/…", "slack"),
        ("slack+https://mattermost.example.com/hooks/secret", "https://mattermost.example.com/…", "slack"),
        ("https://discord.com/api/webhooks/1/secret", "https://discord.com/…", "discord"),
        ("https://user:secret@example.com:8443/a", "https://example.com:8443/…", "json"),
        ("http://[::1]:99/secret", "http://[::1]:99/…", "json"),
        ("http://localhost/secret", "http://localhost/…", "json"),
        (" HTTPS://example.com/secret\n", "https://example.com/…", "json"),
    ],
)
def test_an_address_is_shown_by_its_host_alone(typed: str, shown: str, service: str) -> None:
    address = parse_address(typed)
    assert (address.shown, address.service) == (shown, service)
    assert "secret" not in repr(address)
    assert base64.b64encode(b"user:secret").decode() not in repr(address)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "secret",
        "https://",
        "https:///secret",
        "ftp://example.com/secret",
        "http://example.com/secret",
        "http://127.0.0.1.example.com/secret",
        "https://example.com:99999/secret",
        "https://example.com:port/secret",
        "https://[::1/secret",
        "https://example.com/a secret",
        "https://example.com/a\r\nX-Header: secret",
        "teams+https://example.com/secret",
        "javascript://secret",
    ],
)
def test_what_is_no_address_is_refused_without_citing_it(typed: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse_address(typed)
    assert "secret" not in str(refused.value)
    assert str(refused.value).endswith(".")


def test_in_the_clear_nothing_is_sent_to_another_machine() -> None:
    with pytest.raises(BadInput, match=r"take https for example\.com"):
        parse_address("http://example.com/a")


def test_ntfy_gets_the_sentence_as_text_and_a_title_in_a_header() -> None:
    headers, body = message(parse_address("https://ntfy.sh/a"), FINISHED)
    assert body.decode() == SENTENCE
    assert headers["Content-Type"].startswith("text/plain")
    ((title, charset),) = email.header.decode_header(headers["Title"])
    assert title.decode(charset) == FINISHED["title"]
    assert headers["Priority"] == "default"
    failed = notification("failed", {"run": "a", "sentence": "It broke."})
    assert message(parse_address("https://ntfy.sh/a"), failed).headers["Priority"] == "high"


def test_slack_finds_nobody_to_call_in_a_sentence() -> None:
    body = json.loads(message(parse_address("https://hooks.slack.com/a"), FINISHED).body)
    assert body == {"text": f"{FINISHED['title']}: Finished 8 steps: &lt;!channel&gt; test accuracy 93 % &amp; more"}


def test_discord_gets_its_field_within_its_limit_and_calls_nobody() -> None:
    long = notification("failed", {"run": "a", "sentence": "@everyone " * 1_000})
    body = json.loads(message(parse_address("https://discord.com/api/webhooks/a"), long).body)
    assert set(body) == {"content", "allowed_mentions"}
    assert body["allowed_mentions"] == {"parse": []}
    assert len(body["content"]) <= 2_000


def test_any_other_webhook_gets_all_fields() -> None:
    headers, body = message(parse_address("https://user:pass%40word@example.com/a"), FINISHED)
    assert json.loads(body) == dict(FINISHED)
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"user:pass@word"


def test_a_name_that_would_break_a_line_stays_in_one() -> None:
    hostile = notification("failed", {"run": "a\r\nX-Header: b\x1b[2J", "sentence": "one\ntwo"})
    headers, body = message(parse_address("https://ntfy.sh/a"), hostile)
    ((title, _),) = email.header.decode_header(headers["Title"])
    shown = title.decode() if isinstance(title, bytes) else title
    assert not set("\r\n\x1b") & set(headers["Title"] + shown + body.decode())
