"""The command that opens the catalogue to browsers and to the tools of the Virtual Observatory."""

import logging
import os
import time
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Annotated, Literal

import typer

from catalog.database.embedded.server import revive
from catalog.errors import CatalogError
from galcat.cli.open_catalogue import catalogue_url, updated_catalogue_url
from galcat.cli.options import names_in
from galcat.cli.ports import check_port, require_free

app = typer.Typer()
_LOOK_S = 5.0
_log = logging.getLogger(__name__)
LogFormat = Literal["text", "json"]


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 is every one.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(callback=check_port, help="Port to listen on.")] = 8000,
    log: Annotated[
        LogFormat, typer.Option(help="How what happens is logged: text, or json with every request.")
    ] = "text",
    read_only: Annotated[
        bool,
        typer.Option("--read-only", help="Change nothing: no jobs, uploads or labels. For a hot standby."),
    ] = False,
) -> None:
    """Serve the catalogue to browsers, TOPCAT, Aladin, pyvo and astroquery until it is stopped.

    The page to look, compare and label at /, TAP at /tap, cone search at /scs, pictures and cutouts at
    /datalink, and what `galcat export hats` wrote to `hats` in the home at /hats. Strangers' queries run by
    the login in GALCAT_READER_URL, which can only read what is public.

    Example: `galcat serve --port 8000`, then in TOPCAT: VO, TAP query, `http://localhost:8000/tap`
    """
    if not host.strip():
        raise typer.BadParameter("no address; every one of this machine is 0.0.0.0", param_hint="--host")
    # The service takes a second to import.
    import uvicorn  # noqa: PLC0415

    from catalog.database.connection import connect  # noqa: PLC0415
    from catalog.database.migrate import require_current_schema  # noqa: PLC0415
    from catalog.database.reader_login import reader_url  # noqa: PLC0415
    from catalog.export.hats_routes import hats_routes  # noqa: PLC0415
    from catalog.search.memory.galaxy_memory import GalaxyMemory  # noqa: PLC0415
    from catalog.settings import load_settings  # noqa: PLC0415
    from catalog.tap.app import make_app, server_config  # noqa: PLC0415
    from catalog.tap.database.connections import Connections  # noqa: PLC0415
    from catalog.tap.limit_settings import read_limits  # noqa: PLC0415
    from catalog.tap.middleware.connection import ConnectionLimits  # noqa: PLC0415
    from galcat.cli.service_log import start_log  # noqa: PLC0415
    from galcat.workflows.page import make_page_routes  # noqa: PLC0415
    from galcat.workflows.sky.cutouts import SkyCutter  # noqa: PLC0415

    require_free(host, port)
    settings = load_settings()
    url = catalogue_url() if read_only else updated_catalogue_url()
    if read_only:
        with connect(url, autocommit=True) as connection:
            require_current_schema(connection)
    limits = read_limits(settings.home, os.environ)
    hosts = [host, *names_in(settings.hosts)]
    # A proxy's address is that of all its clients.
    bounds = replace(ConnectionLimits(), an_address=None) if settings.public_url else ConnectionLimits()
    reader = reader_url(settings, url, may_change=not read_only)
    memory = GalaxyMemory(url, settings.search_memory_bytes)
    connections = Connections(reader, url, limits, is_read_only=read_only, memory=memory)
    spool = settings.service_dir.resolve()
    keys = spool if "service_dir" in settings.model_fields_set else settings.home.resolve()
    make_pages = make_page_routes(url, settings.home.resolve(), settings.dagster_url or "", keys)
    hats = settings.hats_dir.resolve()
    service = make_app(
        connections,
        limits,
        spool,
        public_url=settings.public_url,
        cutter=SkyCutter(),
        make_pages=lambda shared: [*hats_routes(shared, hats), *make_pages(shared)],
        hosts=hosts,
    )
    base = settings.public_url or f"http://{host}:{port}"
    start_log(log)
    typer.echo(f"the page is at {base}/, TAP at {base}/tap, cone search at {base}/scs; Ctrl-C stops it")
    if not settings.database_url:
        Thread(target=watch_server, args=(settings.home,), name="server-watch", daemon=True).start()
    uvicorn.Server(server_config(service, host, port, bounds)).run()


def watch_server(home: Path) -> None:
    """Look every five seconds, for as long as the process lives; an end by `galcat down` is respected."""
    while True:
        time.sleep(_LOOK_S)
        try:
            if revive(home):
                _log.warning("the embedded Postgres had died: it was started again")
        except CatalogError as error:
            _log.error("the embedded Postgres died and does not start: %s", error)
