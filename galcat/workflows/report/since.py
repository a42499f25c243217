"""Reads since when a report is wanted: `yesterday`, `3 days`, a date or a time."""

import re
from datetime import UTC, datetime, timedelta

from galcat.errors import WorkflowError

_AGO = re.compile(r"(\d{1,4}) ?(hour|day|week)s?( ago)?")


def parse_since(text: str, now: datetime) -> datetime:
    """Read a moment.

    Args:
        text: `yesterday` or `today` (their midnight, UTC), `12 hours`, `3 days`, `2 weeks`, or a date or time
            in ISO 8601, UTC where it names no zone.
        now: The present, with a zone.

    Returns:
        The moment in UTC.

    Raises:
        WorkflowError: It is none, or lies in the future.
    """
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    words = text.strip().lower()
    if words in {"today", "yesterday"}:
        return midnight - timedelta(days=words == "yesterday")
    if ago := _AGO.fullmatch(words):
        return now.astimezone(UTC) - timedelta(**{f"{ago[2]}s": int(ago[1])})
    try:
        moment = datetime.fromisoformat(text.strip())
        moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise WorkflowError(f"{text!r} is no moment: expected yesterday, 3 days, or 2026-11-30") from None
    if moment > now:
        raise WorkflowError(f"{text!r} is still to come")
    return moment
