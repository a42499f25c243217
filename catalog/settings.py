"""What a user may choose by environment variables: where the catalogue lives."""

from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """The environment's `GALCAT_*` variables; an empty variable counts as unset.

    Attributes:
        home: Folder of the embedded server and of everything else kept between runs (`GALCAT_HOME`).
        database_url: A Postgres to use instead of the embedded one (`GALCAT_DATABASE_URL`). It may hold a
            password, so it is left out of the repr.
        drop_folder: Where new tiles arrive, one sub-folder a survey; by default `drop` in the home
            (`GALCAT_DROP_FOLDER`).
    """

    model_config = SettingsConfigDict(
        env_prefix="GALCAT_", env_ignore_empty=True, frozen=True, extra="forbid"
    )

    home: Path = Path(".galcat")
    database_url: str | None = Field(default=None, repr=False)
    drop_folder: Path = Field(default_factory=lambda given: given["home"] / "drop")

    @field_validator("home", "drop_folder")
    @classmethod
    def _expand_tilde(cls, folder: Path) -> Path:
        return folder.expanduser()


def load_settings() -> Settings:
    """Read the environment now, not at import."""
    return Settings()
