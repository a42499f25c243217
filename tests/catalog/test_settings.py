"""The environment is read when asked, and its secrets are not printed."""

from pathlib import Path

import pytest

from catalog.errors import SettingsError
from catalog.settings import Settings, load_settings


def test_without_variables_the_home_is_beside_us_and_the_server_is_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("GALCAT_HOME", raising=False)
    monkeypatch.delenv("GALCAT_DATABASE_URL", raising=False)
    assert load_settings() == Settings(home=Path(".galcat"), database_url=None)


def test_variables_are_read_at_the_call_and_a_tilde_is_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/hubble")
    monkeypatch.setenv("GALCAT_HOME", "~/catalogue")
    monkeypatch.setenv("GALCAT_DATABASE_URL", "postgresql://host/db")
    settings = load_settings()
    assert settings.home == Path("/home/hubble/catalogue")
    assert settings.database_url == "postgresql://host/db"


def test_the_drop_folder_is_in_the_home_unless_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/hubble")
    monkeypatch.setenv("GALCAT_HOME", "~/catalogue")
    assert load_settings().drop_folder == Path("/home/hubble/catalogue/drop")
    monkeypatch.setenv("GALCAT_DROP_FOLDER", "~/incoming")
    assert load_settings().drop_folder == Path("/home/hubble/incoming")


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALCAT_HOME", "")
    monkeypatch.setenv("GALCAT_DATABASE_URL", "")
    assert load_settings() == Settings(home=Path(".galcat"), database_url=None)


def test_the_password_is_not_in_the_repr() -> None:
    assert "secret" not in repr(Settings(database_url="postgresql://user:secret@host/db"))


def test_a_user_has_a_home_of_their_own_which_the_environment_overrules(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("GALCAT_HOME", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", "/home/hubble")
    assert load_settings().home == Path(".galcat")
    file = tmp_path / "galcat" / "config.toml"
    file.parent.mkdir()
    for written, home in (
        ("~/sky", "/home/hubble/sky"),
        ("/data/sky", "/data/sky"),
        ("sky", file.parent / "sky"),
    ):
        file.write_text(f'home = "{written}"\n')
        assert load_settings().home == Path(home)
    assert load_settings().drop_folder == file.parent / "sky" / "drop"
    monkeypatch.setenv("GALCAT_HOME", "/elsewhere")
    assert load_settings().home == Path("/elsewhere")


@pytest.mark.parametrize("text", ["home = 3\n", "hme = '/data'\n", "home = \n", "\udcff"])
def test_a_file_of_settings_that_cannot_be_understood_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str
) -> None:
    monkeypatch.delenv("GALCAT_HOME", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    file = tmp_path / "galcat" / "config.toml"
    file.parent.mkdir()
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SettingsError, match=str(file)) as raised:
        load_settings()
    assert "\n" not in str(raised.value)


def test_an_address_of_dagster_is_one_of_the_web(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALCAT_DAGSTER_URL", "http://127.0.0.1:3000")
    assert load_settings().dagster_url == "http://127.0.0.1:3000"
    monkeypatch.setenv("GALCAT_DAGSTER_URL", "javascript:alert(1)")
    with pytest.raises(SettingsError, match="GALCAT_DAGSTER_URL is 'javascript:alert"):
        load_settings()
