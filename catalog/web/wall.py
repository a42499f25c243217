"""The wall: galaxies side by side, by any selection, with what it takes to narrow it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from catalog.adql.published import PublishedColumn
from catalog.errors import CatalogError, UnknownObjectError
from catalog.tap.errors import http_status
from catalog.tap.service import Service
from catalog.web.answers import Answer, ask, galaxy_columns
from catalog.web.column_texts import call
from catalog.web.facets import list_chips, list_facets, list_orders
from catalog.web.galaxy_map import GalaxyMap
from catalog.web.histograms import count_histograms
from catalog.web.page_services import PageServices
from catalog.web.pages import HEADERS, page, render
from catalog.web.query_bar import understand_bar
from catalog.web.query_texts import LIKENESS, SEPARATION, write_adql, write_pyvo, write_sql
from catalog.web.selection import MAX_IDS, MOST, Selection
from catalog.web.sky_viewer import SkyViewer

EXPORTS = ("csv", "votable", "fits", "parquet")


@dataclass(frozen=True)
class Card:
    """A galaxy on the wall: what stands under its picture, and whether it is an example that was asked by."""

    object_id: int
    ra_deg: float
    dec_deg: float
    caption: str
    details: tuple[tuple[str, object], ...]
    example: str = ""


def wall_routes(
    service: Service, parts: PageServices, galaxy_map: GalaxyMap, viewer: SkyViewer
) -> list[Route]:
    """Make the routes of the wall: the page itself, the query bar, histograms of a selection."""
    looking_up = CapacityLimiter(4)  # a name may be asked of a service far away

    @page
    async def wall(request: Request) -> Response:
        columns = await galaxy_columns(service)
        try:
            selection = _parse(request, columns)
            looked_at = await run_sync(_resolve, galaxy_map, selection)
            answer = await ask(service, request, write_adql(looked_at), MOST)
        except CatalogError as error:
            kept = [(name, value) for name, value in request.query_params.multi_items() if value]
            return render(
                request,
                "wall_error.html",
                http_status(error),
                message=_say(error),
                kept=kept,
                bar=_bar_text(kept),
            )
        return render(
            request,
            "wall.html",
            200,
            **_wall_values(request, service, parts, columns, selection, looked_at, answer),
            has_viewer=viewer.is_there,
        )

    @page
    async def go(request: Request) -> Response:
        text = request.query_params.get("q", "")
        try:
            address = await run_sync(_look_up, service, text, limiter=looking_up)
        except CatalogError as error:
            status = 404 if isinstance(error, UnknownObjectError) else http_status(error)
            return render(request, "wall_error.html", status, message=str(error), kept=[], bar=text[:300])
        return RedirectResponse(address, 303, HEADERS)

    async def histograms(request: Request) -> Response:
        try:
            columns = await galaxy_columns(service)
            selection = await run_sync(_resolve, galaxy_map, _parse(request, columns))
            facets = [name for group in list_facets(columns, selection) for name in group.columns]
            return JSONResponse(await count_histograms(service, request, selection, facets), headers=HEADERS)
        except CatalogError as error:
            return JSONResponse({"error": str(error)}, http_status(error), HEADERS)

    return [
        Route("/", wall),
        Route("/go", go),
        Route("/page/histograms", histograms),
    ]


def _parse(request: Request, columns: Sequence[PublishedColumn]) -> Selection:
    numbers = [one.meta.name for one in columns]
    return Selection.parse(request.query_params.multi_items(), numbers)


def _resolve(galaxy_map: GalaxyMap, selection: Selection) -> Selection:
    """The selection with object_ids in place of a lasso; those of an empty one are none at all."""
    if not selection.lasso:
        return selection
    inside = galaxy_map.find_inside(selection.lasso, MAX_IDS)
    ids = tuple(one for one in inside if not selection.ids or one in selection.ids)
    return replace(selection, lasso=(), ids=ids or (0,))


def _look_up(service: Service, text: str) -> str:
    with service.connections.writer() as writer:
        return understand_bar(writer, text)


def _wall_values(
    request: Request,
    service: Service,
    parts: PageServices,
    columns: Sequence[PublishedColumn],
    selection: Selection,
    looked_at: Selection,
    answer: Answer,
) -> dict[str, object]:
    tap = service.base(request) + "/tap"
    cards = [_card(row, selection) for row in answer.rows]
    return {
        "selection": selection,
        "cards": cards,
        "seconds": answer.seconds,
        "may_have_more": len(cards) >= selection.n and selection.n < MOST,
        "more": selection.query(n=min(MOST, selection.n * 2)),
        "facets": list_facets(columns, selection),
        "ranges": {one.column: one for one in selection.ranges},
        "sortable": list_orders(columns),
        "all_columns": [one.meta for one in columns],
        "adql": write_adql(looked_at),
        "sql": write_sql(looked_at),
        "pyvo": write_pyvo(looked_at, tap),
        "tap": tap,
        "exports": (exports := _exports(looked_at, columns)),
        "votable": service.base(request) + dict(exports)["votable"],
        "can_encode": parts.encode_picture is not None,
        "call": call,
        "chips": list_chips(selection),
        "bar": "",
    }


def _card(row: dict[str, object], selection: Selection) -> Card:
    object_id = int(str(row["object_id"]))
    example = "like" if object_id in selection.like else "unlike" if object_id in selection.unlike else ""
    sorted_by = selection.order.removeprefix("-")
    likeness, separation = row.get(LIKENESS), row.get(SEPARATION)
    if isinstance(likeness, float) and not sorted_by:
        caption = f"{likeness:.2f}"
    elif isinstance(separation, float) and not sorted_by:
        caption = f"{separation * 60:.2f}\u2032"
    else:
        caption = (
            f"{call(sorted_by or 'mag_r').removesuffix(' magnitude')} {_show(row.get(sorted_by or 'mag_r'))}"
        )
    details = [(call(name), _show(row[name])) for name in selection.shown]
    return Card(object_id, float(str(row["ra"])), float(str(row["dec"])), caption, tuple(details), example)


def _show(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}"
    return "\u2013" if value is None else str(value)[:40]


def _exports(selection: Selection, columns: Sequence[PublishedColumn]) -> list[tuple[str, str]]:
    """Each format's name with the address that gives the selection in it, every column, by TAP."""
    names = [one.meta.name for one in columns]
    adql = write_adql(selection, columns=names, top=None)
    ask_for = {"LANG": "ADQL", "QUERY": adql}
    return [(name, "/tap/sync?" + urlencode({**ask_for, "RESPONSEFORMAT": name})) for name in EXPORTS]


def _say(error: CatalogError) -> str:
    """The error without its place in the page's own query, which the visitor has not seen."""
    return re.sub(r"^line \d+, column \d+: ", "", str(error))


def _bar_text(kept: Sequence[tuple[str, str]]) -> str:
    return next((value for name, value in kept if name == "where"), "")[:300]
