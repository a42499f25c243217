"""Aladin Lite, a viewer of the sky under a licence of its own: added to a page, never shipped."""

import base64
import hashlib
import io
import subprocess
import tarfile
import tempfile
from pathlib import Path

from galcat.errors import WorkflowError

VERSION = "3.8.2"
PACKAGE = f"aladin-lite@{VERSION}"
LICENCE = (
    "Aladin Lite is by the CDS, Strasbourg. Its package says GPL-3, its files have the texts of the GPL-3 "
    "and of the LGPL-3; they are kept beside it. galcat is under the BSD licence and does not contain it."
)
_SHA512 = "/VGtxSWZ4StdKgwjmzqNkUY/3iTaBZJ5F6bN+nAfcK1NEATcAb2CYJX4U8FElpwYMgKrypYQV5KniRzhVbH+nA=="
_FILES = {
    "package/dist/aladin.js": "aladin.js",
    "package/LICENSE": "LICENSE",
    "package/COPYING": "COPYING",
    "package/COPYING.LESSER": "COPYING.LESSER",
    "package/package.json": "package.json",
}
_MAX_FILE = 20_000_000
_SECONDS = 300


def add_aladin(folder: Path, archive: Path | None = None) -> None:
    """Put Aladin Lite and its licences into a folder, from npm or from a file that was fetched elsewhere.

    Args:
        folder: The folder to fill; files of an earlier version are replaced.
        archive: The package as npm packs it; None to have npm fetch it.

    Raises:
        WorkflowError: npm is missing or fails, or the package is not the one that is pinned.
    """
    content = _fetch() if archive is None else _read(archive)
    if base64.b64encode(hashlib.sha512(content).digest()).decode() != _SHA512:
        raise WorkflowError(f"{archive or 'what npm gave'} is not {PACKAGE}: its SHA-512 differs")
    with tarfile.open(fileobj=io.BytesIO(content)) as package:
        files = {}
        for member, name in _FILES.items():
            file = package.extractfile(member)
            assert file is not None  # noqa: S101 - its digest says it is there
            files[name] = file.read(_MAX_FILE)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        part = folder / f".{name}.part"
        part.write_bytes(text)
        part.replace(folder / name)


def _read(archive: Path) -> bytes:
    try:
        return archive.read_bytes()
    except OSError as error:
        raise WorkflowError(f"{archive}: {error.strerror}") from None


def _fetch() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", PACKAGE, "--silent", "--ignore-scripts", "--pack-destination", folder]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=_SECONDS)  # noqa: S603 - fixed words
        except FileNotFoundError:
            raise WorkflowError(
                f"npm is not here: install it, or fetch the package elsewhere by npm pack {PACKAGE} and name "
                "the file by --file"
            ) from None
        except subprocess.TimeoutExpired:
            raise WorkflowError(f"npm did not fetch {PACKAGE} within {_SECONDS} s") from None
        except subprocess.CalledProcessError as error:
            said = (error.stderr or error.stdout or "").strip().splitlines()
            raise WorkflowError(
                f"npm could not fetch {PACKAGE}: {said[-1] if said else 'no reason'}"
            ) from None
        packed = list(Path(folder).glob("*.tgz"))
        if len(packed) != 1:
            raise WorkflowError(f"npm gave no file of {PACKAGE}")
        return packed[0].read_bytes()
