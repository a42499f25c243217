"""The galaxies that somebody is asked about next."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import psycopg

from catalog.errors import CatalogError
from catalog.releases.releases import current_release
from catalog.tap.service import Service
from catalog.tasks.agreement import list_unasked_gold
from catalog.tasks.ranking import draw_unlabelled
from catalog.tasks.tasks import Task
from catalog.web.labelling.sent_labels import tag_of
from catalog.web.page_services import NextBatch, NextGalaxy

_AT_RANDOM = "random galaxies, to look at; who may label gets those that teach the model most"
_UNLEARNT = "random galaxies: this service learns nothing from labels by itself"
_EMPTY = "the catalogue is empty"


class NextGalaxies:
    """Chooses by what was handed to the page, or at random where nothing was.

    Args:
        service: The service whose database is asked.
        choose: Chooses by the labels of this moment; see `PageServices`.
    """

    def __init__(self, service: Service, choose: Callable[[str, int], NextBatch] | None) -> None:
        self._service = service
        self._choose = choose

    def choose(self, task: Task, n: int, name: str, skipped: Sequence[int]) -> NextBatch:
        """Choose the next galaxies of a task for somebody.

        Args:
            task: The question that is asked.
            n: How many galaxies are wanted.
            name: Name of who is asked; empty for nobody.
            skipped: Galaxies to leave out, which the person has just seen.

        Raises:
            CatalogError: There is nothing to choose from.
        """
        if self._choose is None:
            return replace(self.draw_at_random(task, n, name, skipped), reason=_UNLEARNT)
        with self._service.connections.writer() as writer:
            out = {*skipped, *_read_unclear(writer, task, name)}
        batch = self._choose(task.name, n + len(out))
        kept = [one for one in batch.galaxies if one.object_id not in out][:n]
        return NextBatch(self._mix_gold(task, kept, n, name, out), batch.reason)

    def draw_at_random(self, task: Task, n: int, name: str, skipped: Sequence[int]) -> NextBatch:
        """Draw random galaxies without a label, for who only looks: nothing is learnt and nothing written.

        Args:
            task: The question that is asked.
            n: How many galaxies are wanted.
            name: Name of who is asked; empty for nobody.
            skipped: Galaxies to leave out.

        Raises:
            CatalogError: There is nothing to choose from.
        """
        with self._service.connections.writer() as writer:
            release = current_release(writer)
            if release is None:
                raise CatalogError(_EMPTY)
            out = {*skipped, *_read_unclear(writer, task, name)}
            drawn = draw_unlabelled(writer, task, release.release_id, n + len(out))
        kept = [NextGalaxy(one) for one in drawn if one not in out][:n]
        return NextBatch(self._mix_gold(task, kept, n, name, out), _AT_RANDOM)

    def _mix_gold(
        self, task: Task, batch: list[NextGalaxy], n: int, name: str, out: set[int]
    ) -> list[NextGalaxy]:
        """The batch with one gold-standard galaxy in it, unmarked and without the model's expectation."""
        if not name:
            return batch
        there = {one.object_id for one in batch}
        with self._service.connections.writer() as writer:
            left = [one for one in list_unasked_gold(writer, task, name) if one not in out | there]
        if not left:
            return batch
        kept = batch[: n - 1]
        place = left[0] % (len(kept) + 1)
        return [*kept[:place], NextGalaxy(left[0]), *kept[place:]]


def _read_unclear(connection: psycopg.Connection, task: Task, name: str) -> list[int]:
    """The galaxies of which the person could not tell the answer."""
    rows = connection.execute(
        "SELECT object_id FROM galcat.current_tag WHERE tag = %s AND labeller = %s", [tag_of(task), name]
    ).fetchall()
    return [int(row[0]) for row in rows]
