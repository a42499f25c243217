"""The task that an address of the page names."""

from starlette.requests import Request

from catalog.errors import TaskError
from catalog.tap.errors import NotFoundError
from catalog.tap.service import Service
from catalog.tasks.tasks import Task, find_task


def find_asked_task(service: Service, request: Request) -> Task:
    """Find the task in the path of a request.

    Raises:
        NotFoundError: There is no such task.
    """
    with service.connections.writer() as writer:
        try:
            return find_task(writer, request.path_params["task"][:100])
        except TaskError as error:
            raise NotFoundError(str(error)) from error
