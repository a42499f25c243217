"""What the page sends of what somebody says, checked, and stored in the name of their session."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from catalog.tap.errors import UsageError
from catalog.tasks.tasks import Task
from catalog.web.labelling.sessions import Sessions, Visitor
from catalog.web.pages import NotAllowedError

CANNOT_TELL = "?"
MAX_AT_ONCE = 200
_MAX_ID = 2**63 - 1
_RATINGS = range(6)
_REFUSALS = (psycopg.errors.NoDataFound, psycopg.errors.DataError, psycopg.errors.IntegrityError)
"""Errors of the database about what is said of a galaxy."""


@dataclass(frozen=True)
class SentLabel:
    """What somebody says of a galaxy.

    Attributes:
        object_id: object_id of the galaxy.
        value: A class of the task, a rating of 0 to 5, `?` for who cannot tell, or None to take it back.
        said_at: When it was said.
    """

    object_id: int
    value: str | float | None
    said_at: datetime


@dataclass(frozen=True)
class StoringResult:
    """What became of labels that were sent.

    Attributes:
        new: Number of labels that were new.
        refused: The galaxies of those that cannot be stored, with the reason.
    """

    new: int
    refused: dict[int, str]


def parse_sent_labels(task: Task, sent: object) -> list[SentLabel]:
    """Read what a script of the page sent.

    Raises:
        UsageError: It is no list of answers to this task.
    """
    if not isinstance(sent, list) or len(sent) > MAX_AT_ONCE:
        raise UsageError(f"expected a list of at most {MAX_AT_ONCE} answers")
    return [_parse(task, one) for one in sent]


def store_sent_labels(
    sessions: Sessions, visitor: Visitor, task: Task, labels: Sequence[SentLabel]
) -> StoringResult:
    """Store each, or say why not; what was stored already is left as it is.

    Raises:
        NotAllowedError: The person may not label, or the session has ended.
    """
    new, refused = 0, {}
    for label in labels:
        try:
            with sessions.as_labeller() as connection:
                new += _store(connection, visitor, task, label)
        except psycopg.errors.InsufficientPrivilege as error:
            raise NotAllowedError(error.diag.message_primary or "not allowed") from error
        except _REFUSALS as error:
            refused[label.object_id] = error.diag.message_primary or str(error).splitlines()[0]
    return StoringResult(new, refused)


def store_together(sessions: Sessions, visitor: Visitor, task: Task, labels: Sequence[SentLabel]) -> int:
    """Store all labels or none; gives how many were new.

    Raises:
        NotAllowedError: The person may not label, or the session has ended.
        UsageError: One of them cannot be stored.
    """
    try:
        with sessions.as_labeller() as connection:
            return sum(_store(connection, visitor, task, label) for label in labels)
    except psycopg.errors.InsufficientPrivilege as error:
        raise NotAllowedError(error.diag.message_primary or "not allowed") from error
    except _REFUSALS as error:
        raise UsageError(error.diag.message_primary or str(error).splitlines()[0]) from error


def tag_of(task: Task) -> str:
    """The tag on a galaxy of which somebody cannot tell the answer."""
    return f"cant_tell_{task.name}"


def _store(connection: psycopg.Connection, visitor: Visitor, task: Task, label: SentLabel) -> int:
    unclear = label.value == CANNOT_TELL
    answer = None if unclear or isinstance(label.value, float | int) else label.value
    rating = label.value if isinstance(label.value, float | int) else None
    row = connection.execute(
        "SELECT galcat_tap.say(%s, %s, %s::bigint, %s, %s::real, %s), "
        "galcat_tap.put_tag(%s, %s::bigint, %s, %s)",
        [
            *(visitor.token, task.name, label.object_id, answer, rating, label.said_at),
            *(visitor.token, label.object_id, tag_of(task), not unclear),
        ],
    ).fetchone()
    return int(row is not None and any(row))


def _parse(task: Task, one: object) -> SentLabel:
    if not isinstance(one, dict):
        raise UsageError("an answer is no object")
    identity, value, at = (one.get(name) for name in ("id", "value", "at"))
    if not (isinstance(identity, str) and identity.isascii() and identity.isdecimal() and len(identity) < 20):  # noqa: PLR2004 - digits
        raise UsageError(f"{str(identity)[:50]!r} is no object_id")
    if int(identity) > _MAX_ID:
        raise UsageError(f"{identity} is no object_id")
    return SentLabel(int(identity), _parse_value(task, value), _parse_time(at))


def _parse_value(task: Task, value: object) -> str | float | None:
    if value is None or value == CANNOT_TELL or (isinstance(value, str) and value in task.classes):
        return value
    is_true_or_false = isinstance(value, bool)  # which Python counts as 1 and 0
    if (
        task.kind == "interest"
        and isinstance(value, int | float)
        and value in _RATINGS
        and not is_true_or_false
    ):
        return float(value)
    expected = ", ".join(task.classes) or "0 to 5"
    raise UsageError(f"{str(value)[:50]!r} is no answer to task {task.name}: {expected}")


def _parse_time(at: object) -> datetime:
    """A time of the browser's clock, in milliseconds since 1970; one in the future becomes now."""
    if not isinstance(at, int | float) or isinstance(at, bool) or not 0 < at < 1e14:  # noqa: PLR2004 - the year 5138
        raise UsageError(f"{str(at)[:50]!r} is no time")
    return datetime.fromtimestamp(at / 1000, UTC)
