"""A galaxy's own page: its picture, where it is, what people would say of it, and what looks like it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from importlib.metadata import version
from urllib.parse import urlencode

from anyio.to_thread import run_sync
from scipy.special import betaincinv
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from catalog.adql.published import PublishedColumn
from catalog.constants import FIELD_PX, NEAR_ARCSEC
from catalog.tap.datalink.galaxy_files import GalaxyFiles, load_galaxy_files, parse_object_id
from catalog.tap.errors import NotFoundError
from catalog.tap.service import Service
from catalog.tap.throttle import Throttle
from catalog.web.answers import ask, galaxy_columns
from catalog.web.column_texts import TREE, UNASKED, Question, call
from catalog.web.drawing import SLIDERS, Drawing
from catalog.web.galaxy.positions import degrees_text, links_out, sexagesimal
from catalog.web.page_services import PageServices
from catalog.web.pages import HEADERS, page, render
from catalog.web.selection import Selection

_NEIGHBOURS = 18
_CUTOUT_PX = 640
_KEPT_S = 86_400
_FRAMING = {
    1: "no object was found in the middle of the picture",
    2: "several objects stand in the middle of the picture",
    4: "it looks like a point, such as a star",
    8: "it is cut by the edge of the picture",
}
"""What the bits of `framing_flag` mean."""
_MAX_DRAWING, _MAX_WAITING, _MAX_WAITING_AN_ADDRESS = 1, 40, 16


@dataclass(frozen=True)
class AnswerBar:
    """An answer to a question: the expected share of votes, and the ends of its 90 % interval, 0 to 1."""

    words: str
    column: str
    fraction: float
    low: float
    high: float


@dataclass(frozen=True)
class QuestionBars:
    """A question with its answers, and the share of volunteers whom it reaches, 0 to 1."""

    question: Question
    asked: float
    bars: tuple[AnswerBar, ...]

    @property
    def is_moot(self) -> bool:
        """Whether the question reaches so few that its answers say little."""
        return self.asked < UNASKED


def galaxy_routes(service: Service, parts: PageServices) -> list[Route]:
    """Make the routes of a galaxy's page and of its large picture."""
    drawing_slots = Throttle(_MAX_DRAWING, _MAX_WAITING, None, _MAX_WAITING_AN_ADDRESS, 20)

    @page
    async def galaxy(request: Request) -> Response:
        object_id = _read_id(request)
        columns = await galaxy_columns(service)
        names = ", ".join(one.meta.name for one in columns)
        found = await ask(
            service, request, f"SELECT {names} FROM galcat.galaxy WHERE object_id = {object_id}"
        )
        if not found.rows:
            raise NotFoundError(f"no galaxy has object_id {object_id}")
        row = found.rows[0]
        near = Selection(like=(object_id,), n=_NEIGHBOURS + 1)
        alike, others, labels, provenance, files = await asyncio.gather(
            ask(service, request, _alike_adql(object_id)),
            ask(service, request, _others_adql(row)),
            ask(service, request, _labels_adql(object_id)),
            _provenance(service, request, row),
            run_sync(_load_files, service, object_id),
        )
        bands: tuple[str, ...] = ()
        if parts.drawer is not None and files is not None:
            bands = await run_sync(parts.drawer.bands, files)
        drawing = Drawing.parse(request.query_params)
        values = {
            "galaxy": row,
            "object_id": object_id,
            "bands": bands,
            "drawing": drawing,
            "votable": service.base(request) + _row_address(object_id),
            "sliders": SLIDERS,
            "field_arcmin": _field_arcmin(row),
            "position": degrees_text(_number(row["ra"]), _number(row["dec"])),
            "sexagesimal": sexagesimal(_number(row["ra"]), _number(row["dec"])),
            "links": links_out(_number(row["ra"]), _number(row["dec"])),
            "tree": _tree(row),
            "doubts": _find_doubts(row),
            "magnitudes": _values_named(row, columns, ("mag_", "petro_", "shape_")),
            "tasks": _values_named(row, columns, (), ("_probability", "_interest")),
            "alike": [one for one in alike.rows if one["object_id"] != object_id][:_NEIGHBOURS],
            "near": near,
            "others": [one for one in others.rows if one["object_id"] != object_id],
            "labels": labels.rows,
            "provenance": provenance,
            "call": call,
        }
        return render(request, "galaxy.html", 200, **values)

    @page
    async def picture(request: Request) -> Response:
        object_id = _read_id(request)
        drawing = Drawing.parse(request.query_params)
        files = await run_sync(_load_files, service, object_id)
        if files is None or parts.drawer is None:
            raise NotFoundError(f"there is no large picture of galaxy {object_id}")
        tag = _tag(files, drawing)
        headers = {**HEADERS, "Cache-Control": f"public, max-age={_KEPT_S}", "ETag": tag}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        async with drawing_slots.slot(service.client(request).address):
            jpeg = await run_sync(parts.drawer.draw, files, drawing, _CUTOUT_PX)
        if jpeg is None:
            raise NotFoundError(f"the files of the tile of galaxy {object_id} are not there any more")
        return Response(jpeg, headers=headers, media_type="image/jpeg")

    return [Route("/galaxy/{object_id}", galaxy), Route("/galaxy/{object_id}/picture.jpg", picture)]


def _read_id(request: Request) -> int:
    text = request.path_params["object_id"]
    object_id = parse_object_id(text)
    if object_id is None:
        raise NotFoundError(f"{text[:50]!r} is no object_id")
    return object_id


def _load_files(service: Service, object_id: int) -> GalaxyFiles | None:
    with service.connections.writer() as writer:
        return load_galaxy_files(writer, [object_id]).get(object_id)


def _row_address(object_id: int) -> str:
    query = f"SELECT * FROM galcat.galaxy WHERE object_id = {object_id}"
    return "/tap/sync?" + urlencode({"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": "votable"})


def _tag(files: GalaxyFiles, drawing: Drawing) -> str:
    """What the picture is drawn from and how, in short: the same for as long as the picture is."""
    made_of = f"{files} {drawing} {_CUTOUT_PX} {version('galcat')}"
    return f'"{blake2b(made_of.encode(), digest_size=8).hexdigest()}"'


def _alike_adql(object_id: int) -> str:
    return (
        f"SELECT TOP {_NEIGHBOURS + 1} object_id, morph_distance(object_id, {object_id}) AS unlikeness "
        "FROM galcat.galaxy ORDER BY unlikeness"
    )


def _others_adql(row: dict[str, object]) -> str:
    """Other records at the same place."""
    circle = f"CIRCLE({row['ra']}, {row['dec']}, {NEAR_ARCSEC / 3600:.8f})"
    return f"SELECT object_id, survey, tile FROM galcat.galaxy WHERE 1 = CONTAINS(POINT(ra, dec), {circle})"


def _labels_adql(object_id: int) -> str:
    return (
        f"SELECT task, answer, votes, rating FROM galcat.label WHERE object_id = {object_id} "
        "ORDER BY task, answer"
    )


async def _provenance(service: Service, request: Request, row: dict[str, object]) -> dict[str, object]:
    tile, survey = (str(row[name]).replace("'", "''") for name in ("tile", "survey"))
    tiles, releases = await asyncio.gather(
        ask(
            service,
            request,
            f"SELECT finished_at, n_galaxies FROM galcat.tile WHERE name = '{tile}' AND survey = '{survey}'",
        ),
        ask(service, request, "SELECT name, backbone, view_set FROM galcat.release WHERE is_current = 1"),
    )
    return {"tile": (tiles.rows or [{}])[0], "release": (releases.rows or [{}])[0]}


def _number(value: object) -> float:
    return float(str(value))


def _field_arcmin(row: dict[str, object]) -> float | None:
    scale = row.get("pixel_scale_arcsec")
    return float(scale) * FIELD_PX / 60 if isinstance(scale, float) else None


def _values_named(
    row: dict[str, object],
    columns: Sequence[PublishedColumn],
    begin: tuple[str, ...],
    end: tuple[str, ...] = (),
) -> list[tuple[str, str, object, str]]:
    """Words, name, value and unit of the columns whose names begin or end so."""
    return [
        (call(one.meta.name), one.meta.name, row[one.meta.name], one.meta.unit)
        for one in columns
        if (begin and one.meta.name.startswith(begin)) or (end and one.meta.name.endswith(end))
        if row[one.meta.name] is not None
    ]


def _find_doubts(row: dict[str, object]) -> list[str]:
    """Why the votes of this galaxy say less than those of others, in words."""
    flag, distance = row.get("framing_flag"), row.get("domain_distance")
    doubts = [words for bit, words in _FRAMING.items() if isinstance(flag, int) and flag & bit]
    if isinstance(distance, float) and distance > 1:
        doubts.append("its picture is unlike those of the galaxies that the network learnt from")
    return doubts


def _tree(row: dict[str, object]) -> list[QuestionBars]:
    return [
        QuestionBars(
            question,
            _number(row[f"{question.key}_proportion_asked"]),
            tuple(_bar(row, question, column, words) for column, words in question.columns.items()),
        )
        for question in TREE
    ]


def _bar(row: dict[str, object], question: Question, column: str, words: str) -> AnswerBar:
    """The posterior of one answer is a beta distribution: galcat.fraction_quantile in SQL."""
    fraction, votes = _number(row[column]), _number(row[f"{question.key}_concentration"])
    a, b = max(fraction * votes, 1e-6), max((1 - fraction) * votes, 1e-6)
    low, high = (float(betaincinv(a, b, p)) for p in (0.05, 0.95))
    return AnswerBar(words, column, fraction, low, high)
