"""The map by looks, as numbers for the browser, and the sky as a drawing."""

import hashlib

import numpy as np
import psycopg
from anyio.to_thread import run_sync
from astropy import units
from astropy_healpix import HEALPix
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from catalog.errors import CatalogError
from catalog.tap.errors import http_status
from catalog.tap.service import Service
from catalog.web.galaxy_map import GalaxyMap
from catalog.web.pages import HEADERS

_KEPT = "no-cache"
_MAX_CELLS = 1_500
_ORDERS = (6, 4)
"""Of the counts that the catalogue keeps, the finest first; the coarsest is the last resort."""
Cells = list[tuple[int, int]]


def sky_routes(service: Service, galaxy_map: GalaxyMap) -> list[Route]:
    """Make the routes of the map's places and of the cells of the sky."""

    async def places(request: Request) -> Response:
        try:
            ids, xy, stamp = await run_sync(galaxy_map.read)
        except CatalogError as error:
            return JSONResponse({"error": str(error)}, http_status(error), HEADERS)
        tag = f'"{hashlib.blake2b(stamp.encode(), digest_size=8).hexdigest()}"'
        headers = {**HEADERS, "ETag": tag, "Cache-Control": _KEPT}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        # ids of 64 bits, then x and y of 32, all little-endian
        body = ids.astype("<i8").tobytes() + xy.astype("<f4").tobytes()
        return Response(body, headers=headers, media_type="application/octet-stream")

    async def sky(_request: Request) -> Response:
        order, cells = await run_sync(_read_cells, service)
        return JSONResponse({"order": order, "cells": _outlines(order, cells)}, headers=HEADERS)

    return [Route("/page/map", places), Route("/page/sky", sky)]


def _read_cells(service: Service) -> tuple[int, Cells]:
    """The cells of the finest order that are not too many to draw, each with its number of galaxies."""
    with service.connections.reader() as reader:
        for order in _ORDERS:
            rows = _count(reader, order)
            if rows and len(rows) <= _MAX_CELLS:
                return order, rows
        return 2, _count(reader, 2)


def _count(connection: psycopg.Connection, order: int) -> Cells:
    return [
        (int(row[0]), int(row[1]))
        for row in connection.execute(
            "SELECT c.cell, c.galaxies FROM galcat.sky_count AS c WHERE c.cell_order = %s ORDER BY c.cell",
            [order],
        )
    ]


def _outlines(order: int, cells: Cells) -> list[dict[str, object]]:
    """Each cell with its count, its middle, the radius that holds it, and its corners, in degrees."""
    if not cells:
        return []
    healpix = HEALPix(2**order, order="nested")
    numbers = np.array([cell for cell, _ in cells])
    ra, dec = healpix.boundaries_lonlat(numbers, 2)
    middle_ra, middle_dec = healpix.healpix_to_lonlat(numbers)
    radius = healpix.pixel_resolution.to_value(units.arcmin) * 0.75
    return [
        {
            "n": count,
            "ra": round(float(middle_ra[i].deg), 5),
            "dec": round(float(middle_dec[i].deg), 5),
            "radius": round(float(min(radius, 600)), 3),
            "corners": _pairs(ra[i].deg, dec[i].deg),
        }
        for i, (_, count) in enumerate(cells)
    ]


def _pairs(ra: NDArray[np.float64], dec: NDArray[np.float64]) -> list[list[float]]:
    return [[round(float(x), 5), round(float(y), 5)] for x, y in zip(ra, dec, strict=True)]
