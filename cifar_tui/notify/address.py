"""An address that notifications are posted to: a secret, of which only scheme and host are ever shown."""

import base64
import ipaddress
import urllib.parse
from dataclasses import field
from typing import Literal, get_args

from cifar_tui.dataclass import dataclass
from cifar_tui.errors import BadInput
from cifar_tui.text import safe_text

Service = Literal["json", "ntfy", "slack", "discord"]
"""The form in which a server takes a notification."""
SERVICES: tuple[Service, ...] = get_args(Service)
HOSTS: dict[str, Service] = {
    "hooks.slack.com": "slack",
    "chat.googleapis.com": "slack",
    "discord.com": "discord",
    "discordapp.com": "discord",
    "ntfy.sh": "ntfy",
}
"""Services by their hosts; Google Chat takes what Slack does, and refuses more. Others are typed: `ntfy+https://…`."""
EXAMPLE = "as in https://ntfy.sh/a-topic-nobody-guesses"
SENDABLE = "/?:@!$&'()*+,;=-._~%"
"""Characters of a path and a query that are sent as they are."""


@dataclass(frozen=True, slots=True)
class Address:
    """A checked address. Its secret parts are in no `repr`."""

    shown: str
    """Scheme, host and port, and `/…` for the rest: all of it that may be shown."""
    service: Service
    """The form of what is posted."""
    secure: bool
    """True for https."""
    host: str
    """Host name or number."""
    port: int
    """Port."""
    target: str = field(repr=False)
    """Path and query."""
    authorization: str = field(repr=False)
    """The header that user and password of the address make; empty without them."""

    @property
    def loopback(self) -> bool:
        """True where the address is this machine."""
        return _is_loopback(self.host)


def parse_address(typed: str) -> Address:
    """Return the address. Raises BadInput, whose message does not hold it."""
    scheme, separator, rest = typed.strip().partition("://")
    service, _, protocol = scheme.lower().rpartition("+")
    try:
        parts = urllib.parse.urlsplit(f"{protocol}://{rest}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if not separator or not host or protocol not in ("http", "https") or any(one.isspace() for one in typed.strip()):
        raise BadInput(
            f"The address of --notify (or of CIFAR_TUI_NOTIFY) is not one: it is an https address, {EXAMPLE}."
        )
    if service not in ("", *SERVICES):
        raise BadInput(f"{safe_text(service, 20)}+{protocol} is no address: before the + stands {_listed(SERVICES)}.")
    if protocol == "http" and not _is_loopback(host):
        raise BadInput(
            f"Notifications are not sent in the clear: take https for {safe_text(host, 100)} (http is for this "
            "machine alone)."
        )
    named = f"[{host}]" if ":" in host else host
    target = urllib.parse.quote(parts.path or "/", safe=SENDABLE)
    target += f"?{urllib.parse.quote(parts.query, safe=SENDABLE)}" if parts.query else ""
    return Address(
        shown=safe_text(f"{protocol}://{named}{f':{port}' if port else ''}/…", 120),
        service=service or HOSTS.get(host) or ("ntfy" if host.startswith("ntfy.") else "json"),  # type: ignore[arg-type] # checked above
        secure=protocol == "https",
        host=host,
        port=port or (443 if protocol == "https" else 80),
        target=target,
        authorization=_authorization(parts.username, parts.password),
    )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _authorization(user: str | None, password: str | None) -> str:
    if user is None and password is None:
        return ""
    both = f"{urllib.parse.unquote(user or '')}:{urllib.parse.unquote(password or '')}"
    return f"Basic {base64.b64encode(both.encode()).decode()}"


def _listed(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
