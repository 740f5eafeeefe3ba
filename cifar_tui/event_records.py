"""Events as the records of a journal and a socket, and back."""

from collections.abc import Mapping

from cifar_tui import (
    checkpoint_events,  # noqa: F401 - so that its events are known by name
    layer_events,  # noqa: F401
    serialization,
)
from cifar_tui.events import KINDS, Event


def event_to_record(event: Event) -> serialization.Record:
    """Return the event as plain data for one JSON line."""
    return {"event": type(event).__name__, **serialization.to_record(event)}


def event_from_record(record: object) -> Event:
    """Return the event that a record was made from. Raises ValueError, with the reason, on anything else."""
    kind = KINDS.get(str(record.get("event"))) if isinstance(record, Mapping) else None
    if kind is None:
        raise ValueError("an unknown event")
    return serialization.from_record(kind, record)
