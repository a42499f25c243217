"""Pages to read: what the catalogue is, what its columns mean, and how its tiles are."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from catalog.columns import ColumnMeta
from catalog.tap.service import Service
from catalog.web.answers import ask, galaxy_columns
from catalog.web.column_texts import QUESTION_OF, TREE, call, hint_of
from catalog.web.pages import page, render
from catalog.web.query_texts import write_pyvo
from catalog.web.selection import Range, Selection

_STATES = (
    "SELECT survey, state, COUNT(*) AS tiles, SUM(n_galaxies) AS galaxies, SUM(n_skipped) AS skipped, "
    "SUM(n_failed) AS failed FROM galcat.tile GROUP BY survey, state ORDER BY survey, state"
)
_FAILED = (
    "SELECT TOP 50 survey, name, finished_at, n_failed FROM galcat.tile WHERE state = 'failed' "
    "ORDER BY finished_at DESC"
)
_SKIPPED = (
    "SELECT reason, COUNT(*) AS sources, COUNT(DISTINCT tile) AS tiles FROM galcat.skipped_row "
    "GROUP BY reason ORDER BY sources DESC"
)
_TIMES = (
    "SELECT finished_at, n_galaxies FROM galcat.tile WHERE finished_at IS NOT NULL ORDER BY finished_at DESC"
)
_RELEASES = (
    "SELECT name, backbone, dimension, view_set, weights_sha256, is_current, created_at "
    "FROM galcat.release ORDER BY created_at DESC"
)
_SURVEY_TEXTS = "SELECT name, description, bands FROM galcat.survey ORDER BY name"
_TASKS = "SELECT name, question, labels, version, made_at FROM galcat.task ORDER BY name"
_NIGHTS = 30


def information_routes(service: Service) -> list[Route]:
    """Make the routes of the pages to read."""

    @page
    async def about(request: Request) -> Response:
        surveys, releases = await asyncio.gather(
            ask(service, request, _SURVEY_TEXTS), ask(service, request, _RELEASES)
        )
        tap = service.base(request) + "/tap"
        spirals = Selection(ranges=(Range("has_spiral_arms_yes_fraction", 0.8, None),), n=20)
        return render(
            request,
            "about.html",
            tap=tap,
            base=service.base(request),
            pyvo=write_pyvo(spirals, tap),
            surveys=surveys.rows,
            releases=releases.rows,
        )

    @page
    async def columns(request: Request) -> Response:
        word = request.query_params.get("q", "")[:60].strip()
        found = [one.meta for one in await galaxy_columns(service)]
        return render(
            request, "columns.html", word=word, groups=group_columns(found, word), call=call, hint=hint_of
        )

    @page
    async def status(request: Request) -> Response:
        answers = await asyncio.gather(
            *(ask(service, request, adql) for adql in (_STATES, _FAILED, _SKIPPED, _TIMES, _RELEASES, _TASKS))
        )
        states, failed, skipped, times, releases, tasks = (answer.rows for answer in answers)
        return render(
            request,
            "status.html",
            states=states,
            failed=failed,
            skipped=skipped,
            nights=_by_night(times),
            releases=releases,
            tasks=tasks,
            total=sum(int(str(row["galaxies"] or 0)) for row in states),
            tiles=sum(int(str(row["tiles"])) for row in states),
        )

    return [Route("/about", about), Route("/columns", columns), Route("/status", status)]


def group_columns(columns: list[ColumnMeta], word: str = "") -> list[tuple[str, str, list[ColumnMeta]]]:
    """The columns under headings with a sentence each; only those that hold a word, if one is given."""
    groups: dict[str, tuple[str, list[ColumnMeta]]] = {
        "Identity and place": ("", []),
        "Brightness and size": ("", []),
    }
    for question in TREE:
        groups[question.title] = (f"{question.text} Asked of {question.when}.", [])
    groups |= {"Strangeness and doubts": ("", []), "Learnt from labels": ("", [])}
    for column in columns:
        words = f"{column.name} {call(column.name)} {column.description}".lower()
        if (
            all(part in words for part in word.lower().replace("_", " ").split())
            or word.lower() in column.name
        ):
            groups[_group_of(column.name)][1].append(column)
    return [(title, note, found) for title, (note, found) in groups.items() if found]


def _group_of(name: str) -> str:
    question = QUESTION_OF.get(name)
    if question is None:
        question = next(
            (one for one in TREE if name in {f"{one.key}_concentration", f"{one.key}_proportion_asked"}), None
        )
    if question is not None:
        return question.title
    if name.startswith(("mag_", "petro_", "shape_", "pixel_")):
        return "Brightness and size"
    if name.endswith(("_probability", "_uncertainty", "_interest")):
        return "Learnt from labels"
    is_odd = name.startswith(("anomaly", "framing", "domain"))
    return "Strangeness and doubts" if is_odd else "Identity and place"


def _by_night(times: list[dict[str, object]]) -> list[tuple[str, int]]:
    """Galaxies that came in each of the last days on which some came, the oldest first."""
    counts: dict[str, int] = {}
    for row in times:
        day = str(row["finished_at"])[:10]
        counts[day] = counts.get(day, 0) + int(str(row["n_galaxies"] or 0))
    return sorted(counts.items())[-_NIGHTS:]
