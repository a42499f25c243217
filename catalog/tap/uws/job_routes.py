"""The routes /tap/async/JOB of TAP 1.1: one job, watched, run and ended (UWS 1.1)."""

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from catalog.formats.xml import XML
from catalog.tap.errors import UsageError
from catalog.tap.job_store.job import PHASES, Job
from catalog.tap.parameters import RequestParameters, read_parameters
from catalog.tap.service import Service
from catalog.tap.throttle import Throttle
from catalog.tap.uploads.upload_parameter import parse_uploads
from catalog.tap.uws.job_parts import JobParts
from catalog.tap.uws.job_xml import write_job
from catalog.tap.uws.list_routes import ASYNC, parse_time, select_query_parameters
from catalog.tap.uws.long_poll import wait_for_change, wait_for_short_job

_FOR_EVER = "-1"


class JobRoutes:
    """The endpoints of one job."""

    def __init__(self, service: Service, parts: JobParts) -> None:
        self._service = service
        self._parts = parts
        self._waits = Throttle(None, slots_each=service.limits.waits_an_address)

    def routes(self) -> list[Route]:
        """Make the routes of a job and of what can be set of it."""
        job = f"{ASYNC}/{{job_id}}"
        return [
            Route(job, self.show, methods=["GET"]),
            Route(job, self.act, methods=["POST"]),
            Route(job, self.remove, methods=["DELETE"]),
            Route(f"{job}/phase", self.show_phase, methods=["GET"]),
            Route(f"{job}/phase", self.set_phase, methods=["POST"]),
            Route(f"{job}/destruction", self.set_destruction, methods=["POST"]),
            Route(f"{job}/executionduration", self.set_duration, methods=["POST"]),
            Route(f"{job}/parameters", self.set_parameters, methods=["POST"]),
            Route("/tap/deletejobs", self.remove_several, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """Show the job, with WAIT after its phase has changed."""
        job = await self._wait_for_job(request)
        return Response(await run_sync(write_job, job, self._url(request)), media_type=XML)

    async def show_phase(self, request: Request) -> Response:
        """Show the phase alone, with WAIT after it has changed."""
        return PlainTextResponse((await self._wait_for_job(request)).phase)

    async def act(self, request: Request) -> Response:
        """Do as the form says: ACTION=DELETE, for clients that cannot send DELETE, or PHASE as at /phase."""
        parameters = await self._read(request)
        if parameters.choice("ACTION", ("DELETE",)):
            return await self.remove(request)
        return await self._change_phase(request, parameters)

    async def remove(self, request: Request) -> Response:
        """Remove the job and all that belongs to it."""
        job = await self._job(request)
        await run_sync(self._parts.control.remove, job)
        return RedirectResponse(self._service.base(request) + ASYNC, 303)

    async def remove_several(self, request: Request) -> Response:
        """Remove the jobs of JOB_IDS, with commas between: of no standard, but what astroquery sends."""
        text = (await self._read(request)).one("JOB_IDS")
        if text is None:
            raise UsageError("JOB_IDS is missing: the jobs to remove, with commas between")
        control = self._parts.control
        for job in [await run_sync(control.read, job_id.strip()) for job_id in text.split(",")]:
            await run_sync(control.remove, job)
        return PlainTextResponse("removed\n")

    async def set_phase(self, request: Request) -> Response:
        """Run or abort the job."""
        return await self._change_phase(request, await self._read(request))

    async def set_destruction(self, request: Request) -> Response:
        """Set when the job is to be removed."""
        job, text = await self._job(request), (await self._read(request)).one("DESTRUCTION")
        if text is None:
            raise UsageError("DESTRUCTION is missing: when to remove the job")
        await run_sync(self._parts.control.set_destruction, job, parse_time("DESTRUCTION", text))
        return self._back(request)

    async def set_duration(self, request: Request) -> Response:
        """Set how long the job may run."""
        job, seconds = await self._job(request), (await self._read(request)).whole_number("EXECUTIONDURATION")
        if seconds is None:
            raise UsageError("EXECUTIONDURATION is missing: seconds")
        await run_sync(self._parts.control.set_duration, job, seconds)
        return self._back(request)

    async def set_parameters(self, request: Request) -> Response:
        """Give a pending job other parameters."""
        job, given = await self._job(request), await self._read(request)
        limits, base = self._service.limits, self._service.base(request)
        kept, tables = select_query_parameters(given), parse_uploads(given, limits, base)
        await run_sync(self._parts.control.change, job, kept, tables, given.short("RUNID"))
        return self._back(request)

    async def _change_phase(self, request: Request, parameters: RequestParameters) -> Response:
        phase = parameters.choice("PHASE", ("RUN", "ABORT"))
        if phase is None:
            raise UsageError("PHASE is missing: RUN or ABORT")
        job = await self._job(request)
        if phase == "RUN":
            await run_sync(self._parts.control.run, job)
            await wait_for_short_job(self._parts, job.job_id)
        else:
            await run_sync(self._parts.control.abort, job)
        return self._back(request)

    async def _wait_for_job(self, request: Request) -> Job:
        parameters = await self._read(request)
        maximum = self._service.limits.wait_seconds
        if parameters.one("WAIT") == _FOR_EVER:
            seconds = maximum
        else:
            seconds = min(parameters.whole_number("WAIT") or 0, maximum)
        phase = parameters.choice("PHASE", PHASES)
        with self._waits.slot_if_free(self._service.client(request).address) as is_free:
            return await wait_for_change(
                self._parts, request.path_params["job_id"], phase, seconds if is_free else 0
            )

    async def _job(self, request: Request) -> Job:
        return await run_sync(self._parts.control.read, request.path_params["job_id"])

    async def _read(self, request: Request) -> RequestParameters:
        return await read_parameters(request, self._service.limits)

    def _back(self, request: Request) -> Response:
        return RedirectResponse(self._url(request), 303)

    def _url(self, request: Request) -> str:
        return f"{self._service.base(request)}{ASYNC}/{request.path_params['job_id']}"
