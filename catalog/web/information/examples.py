"""Example pictures of each answer to a question of Galaxy Zoo, from the catalogue itself."""

import asyncio
import time

from starlette.requests import Request

from catalog.tap.service import Service
from catalog.web.answers import ask
from catalog.web.column_texts import UNASKED, Question

EXAMPLES = 4
"""Galaxies that show an answer."""
_KEPT_S = 3_600.0
Answers = list[dict[str, object]]


class ExamplePictures:
    """Finds the galaxies of which most volunteers would give an answer; keeps them for an hour.

    Args:
        service: The service whose database is asked.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._kept: dict[str, tuple[float, Answers]] = {}
        self._lock = asyncio.Lock()

    async def find(self, request: Request, question: Question) -> Answers:
        """Each answer's column and words, with the galaxies that show it best, the best first.

        A galaxy counts where the question reaches at least half of the volunteers; an answer that nobody
        would give as the likeliest has no examples.

        Raises:
            CatalogError: The database cannot be asked.
        """
        async with self._lock:  # a page with ten questions asks one after the other
            at, found = self._kept.get(question.key, (0.0, []))
            if not found or time.monotonic() - at > _KEPT_S:
                found = [await self._answer(request, question, column) for column in question.columns]
                self._kept[question.key] = (time.monotonic(), found)
            return found

    async def _answer(self, request: Request, question: Question, column: str) -> dict[str, object]:
        answer = await ask(self._service, request, write_examples(question, column))
        galaxies = [
            {"id": str(row["object_id"]), "fraction": round(float(str(row["fraction"])), 2)}
            for row in answer.rows
        ]
        return {"column": column, "words": question.columns[column], "galaxies": galaxies}


def write_examples(question: Question, column: str) -> str:
    """The ADQL that finds the examples of an answer."""
    others = [name for name in question.columns if name != column]
    asked = f"{question.key}_proportion_asked >= {UNASKED:g}"
    most = [f"{column} > {name}" for name in others]
    return (
        f"SELECT TOP {EXAMPLES} object_id, {column} AS fraction FROM galcat.galaxy "
        f"WHERE {' AND '.join([asked, *most])} ORDER BY {column} DESC"
    )
