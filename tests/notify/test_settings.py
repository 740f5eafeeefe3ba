"""Who is notified: the environment before the configuration, of which what is broken costs a sentence."""

import json
import os
from pathlib import Path

import pytest

from cifar_tui.errors import BadInput
from cifar_tui.notify import wanted
from cifar_tui.notify.settings import EVENTS, OPT_IN, carry, read_settings

ADDRESS = "https://ntfy.sh/hidden"
OTHER = "https://hooks.slack.com/hidden"
USUAL = {*EVENTS} - {*OPT_IN}


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The configuration's file, of which nothing is there yet."""
    for name in wanted.VARIABLES:
        monkeypatch.setenv(name, "")
    monkeypatch.setattr(wanted, "config_folder", lambda: tmp_path)
    return tmp_path / "notify.json"


def write(file: Path, content: object, mode: int = 0o600) -> None:
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    file.chmod(mode)


def shown() -> tuple[list[str], str, set[str]]:
    found = read_settings()
    assert found.trouble == ""
    return [one.shown for one in found.addresses], found.command, {*EVENTS} - found.unwanted


def test_nobody_is_notified_without_being_asked_for() -> None:
    assert not read_settings().targets


def test_the_configuration_holds_where_nothing_is_typed(file: Path) -> None:
    write(file, {"notify": [ADDRESS, OTHER], "on_event": "mail me", "tell": "usual, best"})
    assert shown() == (["https://ntfy.sh/…", "https://hooks.slack.com/…"], "mail me", USUAL | {"best"})
    write(file, {"notify": ADDRESS, "tell": ["failed"]})
    assert shown() == (["https://ntfy.sh/…"], "", {"failed"})


def test_what_is_typed_holds_before_the_configuration(file: Path) -> None:
    write(file, {"notify": ADDRESS, "on_event": "mail me", "tell": "best"})
    carry([OTHER], None, None)
    assert shown() == (["https://hooks.slack.com/…"], "mail me", {"best"})
    carry(None, "call me", "usual,started")
    assert shown() == (["https://hooks.slack.com/…"], "call me", USUAL | {"started"})
    carry(["none"], "none", "")
    assert shown() == ([], "", USUAL)


def test_several_addresses_are_carried_in_one_variable() -> None:
    carry([ADDRESS, OTHER], None, None)
    assert os.environ["CIFAR_TUI_NOTIFY"] == f"{ADDRESS} {OTHER}"
    assert [one.service for one in read_settings().addresses] == ["ntfy", "slack"]


@pytest.mark.parametrize(
    ("notify", "tell", "words"),
    [
        (["hidden"], None, "The address of --notify"),
        (["https://ntfy.sh/a hidden"], None, "The address of --notify"),
        (None, "finished,lunch", "--tell takes usual and finished, failed, .*, not 'lunch'"),
    ],
)
def test_what_is_typed_wrongly_is_refused(notify: list[str] | None, tell: str | None, words: str) -> None:
    with pytest.raises(BadInput, match=words) as refused:
        carry(notify, None, tell)
    assert "hidden" not in str(refused.value)


def test_what_the_environment_has_wrongly_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIFAR_TUI_NOTIFY", "http://example.com/hidden")
    with pytest.raises(BadInput, match="not sent in the clear"):
        carry(None, None, None)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("hidden", "it is not JSON"),
        ("\x00\xff", "it is not JSON"),
        ('{"notify": "https://ntfy.sh/hidden"', "it is not JSON"),
        ("[" * 50_000, "not used"),
        (["hidden"], "it is no JSON object"),
        ({"notify": 7}, "notify is neither a text nor a list of texts"),
        ({"notify": "hidden"}, "The address of --notify"),
        ({"notify": "http://ntfy.sh/hidden"}, "not sent in the clear"),
        ({"on_event": ["a", "b"]}, "on_event is one command"),
        ({"tell": "lunch"}, "--tell takes usual"),
        ({"command": "hidden"}, "command is none of notify, on_event, tell"),
        ({"tell": "x" * 70_000}, "it is too large"),
    ],
)
def test_a_broken_file_is_named_in_a_sentence_and_what_is_typed_holds(file: Path, content: object, reason: str) -> None:
    write(file, content)
    found = read_settings()
    assert not found.targets
    assert found.trouble.startswith(f"{file} is not used: ")
    assert reason in found.trouble
    assert "hidden" not in found.trouble
    assert "\n" not in found.trouble
    carry([ADDRESS], None, None)
    assert read_settings().targets
    assert read_settings().trouble == found.trouble


def test_a_file_that_others_can_write_names_no_command_for_us(file: Path) -> None:
    write(file, {"on_event": "mail me"}, 0o620)
    found = read_settings()
    assert not found.targets
    assert "others can write it" in found.trouble


def test_a_file_that_others_can_read_is_used_with_a_warning(file: Path) -> None:
    write(file, {"notify": ADDRESS}, 0o644)
    found = read_settings()
    assert found.targets
    assert "chmod 600" in found.trouble
    write(file, {"on_event": "mail me"}, 0o644)
    assert read_settings().trouble == ""


def test_a_pipe_in_its_place_is_not_waited_for(file: Path) -> None:
    os.mkfifo(file)
    assert "it is not a regular file" in read_settings().trouble
