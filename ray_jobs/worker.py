"""What runs in a worker: weights that are loaded once, tiles that are cut and encoded with them."""

import os
import socket
import tempfile
from concurrent.futures import Future
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from threading import Lock

from encoder.model.encoder import load_encoder
from encoder.surveys.description import Survey
from galcat.workflows.ingest.encoding import EncodedWork, LoadedTile, TileTask, finish_tile, load_tile


@dataclass(frozen=True)
class WorkerState:
    """A worker that is ready.

    Attributes:
        host: Name of its machine.
        pid: Number of its process there.
        version: Version of galcat there.
        sha256: Digest of the weights that it has loaded.
        device: The device that encodes.
    """

    host: str
    pid: int
    version: str
    sha256: str
    device: str


class TileWorker:
    """Reads, cuts and encodes tiles, whose files it finds at the paths that the driver knows.

    Args:
        weights: Content of the weights file.
        device: The device that encodes; None for the best that it is given.
    """

    def __init__(self, weights: bytes, device: str | None = None) -> None:
        with tempfile.TemporaryDirectory(prefix="galcat-weights-") as folder:
            file = Path(folder) / "weights.safetensors"
            file.write_bytes(weights)
            self._encoder = load_encoder(file, device)
        self._lock = Lock()

    def describe(self) -> WorkerState:
        """Say what it is, once it is ready."""
        return WorkerState(
            socket.gethostname(),
            os.getpid(),
            version("galcat"),
            self._encoder.sha256,
            str(self._encoder.device),
        )

    def encode(self, survey: Survey, task: TileTask) -> EncodedWork:
        """Encode a tile; one that fails comes back with its reason. A second call reads meanwhile.

        Args:
            survey: Description of the survey, by which the tile is read.
            task: The tile.
        """
        loading: Future[LoadedTile] = Future()
        try:
            loading.set_result(load_tile(survey, self._encoder, task))
        except Exception as error:  # noqa: BLE001 - the tile's failure
            loading.set_exception(error)
        with self._lock:
            return finish_tile(self._encoder, task, loading)
