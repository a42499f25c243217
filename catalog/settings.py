"""What a user may choose by environment variables: where the catalogue lives."""

import os
import tomllib
from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from catalog.errors import SettingsError

_HOME = Path(".galcat")


def user_file() -> Path:
    """The file of a user's own settings, which need not exist: TOML, with `home = "FOLDER"`."""
    folder = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(folder).expanduser() / "galcat" / "config.toml"


def _default_home() -> Path:
    """The home that the user's file names, else `.galcat` in the folder where one stands.

    Raises:
        SettingsError: The file cannot be understood.
    """
    file = user_file()
    try:
        given = tomllib.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return _HOME
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else str(error)
        raise SettingsError(f"{file}: {said}") from None
    unknown = sorted(given.keys() - {"home"})
    if unknown or not isinstance(given.get("home", ""), str):
        raise SettingsError(
            f'{file}: only home = "FOLDER" may stand there, not {", ".join(unknown or given)}'
        )
    return file.parent / Path(given["home"]).expanduser() if given.get("home") else _HOME


class Settings(BaseSettings):
    """The environment's `GALCAT_*` variables; an empty variable counts as unset.

    Attributes:
        home: Folder of the embedded server and of everything else kept between runs: `GALCAT_HOME`, else
            what the user's file says, else `.galcat` in the folder where one stands.
        database_url: A Postgres to use instead of the embedded one (`GALCAT_DATABASE_URL`). It may hold a
            password, so it is left out of the repr.
        reader_url: The same database by the login of `galcat_public`, as which strangers' queries run
            (`GALCAT_READER_URL`); the embedded server needs none. It may hold a password too.
        public_url: Under which the service is known where a proxy stands before it, such as
            https://galaxies.example.org (`GALCAT_PUBLIC_URL`).
        hosts: Names under which the service may be called besides localhost, this machine's own and that of
            `public_url`, with commas between (`GALCAT_HOSTS`); addresses by number always may.
        dagster_url: Address of Dagster's pages, which the status of the page links to
            (`GALCAT_DAGSTER_URL`).
        drop_folder: Where new tiles arrive, one sub-folder a survey; by default `drop` in the home
            (`GALCAT_DROP_FOLDER`).
        settle_seconds: How long ago the last file of a new tile must have come into the drop folder before
            the tile is ingested, seconds (`GALCAT_SETTLE_SECONDS`); two looks of the sensor must agree too.
        weights_dir: Where a copy of every release's weights is kept, by its digest; by default `weights` in
            the home (`GALCAT_WEIGHTS_DIR`).
        search_memory_gb: Memory that galaxies may take which a long-lived process holds for its searches,
            gigabytes; by default a quarter of what is free, 0 for none (`GALCAT_SEARCH_MEMORY_GB`).
        service_dir: What the service keeps on disk, such as results of jobs; by default `service` in the
            home (`GALCAT_SERVICE_DIR`). Services that share a catalogue share it.
        hats_dir: Folder whose HATS exports the service sends at /hats; by default `hats` in the home
            (`GALCAT_HATS_DIR`).
    """

    model_config = SettingsConfigDict(
        env_prefix="GALCAT_", env_ignore_empty=True, frozen=True, extra="forbid"
    )

    home: Path = Field(default_factory=_default_home)
    database_url: str | None = Field(default=None, repr=False)
    reader_url: str | None = Field(default=None, repr=False)
    public_url: str | None = None
    hosts: str = ""
    dagster_url: str | None = None
    drop_folder: Path = Field(default_factory=lambda given: given["home"] / "drop")
    settle_seconds: float = Field(default=0.0, ge=0)
    search_memory_gb: float | None = Field(default=None, ge=0)
    weights_dir: Path = Field(default_factory=lambda given: given["home"] / "weights")
    service_dir: Path = Field(default_factory=lambda given: given["home"] / "service")
    hats_dir: Path = Field(default_factory=lambda given: given["home"] / "hats")

    @property
    def search_memory_bytes(self) -> int | None:
        """The same in bytes."""
        return None if self.search_memory_gb is None else int(self.search_memory_gb * 1e9)

    @field_validator("home", "drop_folder", "weights_dir", "service_dir", "hats_dir")
    @classmethod
    def _expand_tilde(cls, folder: Path) -> Path:
        return folder.expanduser()

    @field_validator("dagster_url")
    @classmethod
    def _check_dagster_url(cls, url: str | None) -> str | None:
        if url and not url.startswith(("http://", "https://")):
            raise SettingsError(f"GALCAT_DAGSTER_URL is {url[:100]!r}: expected http://... or https://...")
        return url


def load_settings() -> Settings:
    """Read the environment now, not at import.

    Raises:
        SettingsError: The user's file cannot be understood, or an address is none.
    """
    return Settings()
