"""What tests share: one throw-away Postgres for all workers, a fresh database a test, the real data."""

import fcntl
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped] # it ships no types
import pytest
from psycopg import sql
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # it ships no types

from catalog.database.embedded.account import find_base
from catalog.database.embedded.server import down, up
from catalog.database.migrate import migrate
from tests import databases
from tests.passed_tests import PassedTests
from tests.waiting import LAST_LIMIT_S

SERVER_HOME = "TEST_SERVER_HOME"
"""Variable that names the home of a server which outlives this run of pytest: many runs share it."""
_HOME = pytest.StashKey[Path]()
_PREFIX = "galcat-tests-"
_TEMPLATE = "galcat_template"
MakeTemplate = Callable[..., str]
"""Takes a name, what fills the database of a URL, and the database that it begins as; returns the name."""
_SLOWEST = ("tests/encoder/training/", "tests/encoder/zoobot/", "tests/dagster_jobs/")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a long run be interrupted and go on."""
    parser.addoption("--passed", type=Path, help="file of what passed before: it is added to, and left out")


def pytest_configure(config: pytest.Config) -> None:
    """Choose the folder of this run's server; no test sees the caller's server or settings."""
    if (passed := config.getoption("--passed")) is not None:
        config.pluginmanager.register(PassedTests(passed, writes=not hasattr(config, "workerinput")))
    for name in [name for name in os.environ if name.startswith(("GALCAT_", "PG"))]:
        del os.environ[name]
    # One thread for each worker, which has a core of its own, and for the processes of tests: with a thread
    # for every core, small matrices are waited for as long as worked on. torch reads this when it is loaded;
    # numpy is there already, loaded by a plugin of pytest.
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    os.environ |= {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0"}
    # Hundreds of processes of tests find our modules compiled, also where none would be kept.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    threadpool_limits(1)
    # A shell's `&` ignores Ctrl-C, which every process of a test would inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _let_httpx_wait()
    if hasattr(config, "workerinput"):  # a worker of pytest-xdist uses its controller's
        config.stash[_HOME] = Path(config.workerinput["galcat_home"])
        return
    if kept := os.environ.get(SERVER_HOME):
        config.stash[_HOME] = Path(kept)
        return
    _remove_left_overs()
    config.stash[_HOME] = new_home()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a test by its parameter, not by bytes: an archive holds the second in which it was made.

    Workers that began in two different seconds would collect two different lists of tests: none would run.
    """
    return argname if isinstance(val, bytes) else None


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist looks at the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slowest folders: else one of two workers does their last test while the other idles.

    Tests that share a fixture of their module go to one worker, or each would make it anew.
    """
    items.sort(key=lambda item: not item.nodeid.startswith(_SLOWEST))
    for item in items:
        has_group = item.get_closest_marker("xdist_group") is not None
        if isinstance(item, pytest.Function) and not has_group and _shares_a_fixture(item):
            item.add_marker(pytest.mark.xdist_group(re.sub(r"\W", "_", item.nodeid.partition("::")[0])))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Tell a worker where the server is."""
    node.workerinput["galcat_home"] = str(node.config.stash[_HOME])  # type: ignore[attr-defined] # untyped


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server when the last worker is gone, unless it was there before."""
    databases.close()
    if not hasattr(config, "workerinput") and _HOME in config.stash and SERVER_HOME not in os.environ:
        remove_home(config.stash[_HOME])


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real data beside the checkout."""
    folder = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the real data are not on this machine: no folder {folder}")
    return folder


@pytest.fixture(scope="session")
def postgres_url(request: pytest.FixtureRequest) -> str:
    """The shared server's own database `galcat`, without schema: for asking, not for writing."""
    return up(request.config.stash[_HOME], durable=False)


@pytest.fixture(autouse=True)
def weights_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies of weights are kept in a folder of the test's own."""
    monkeypatch.setenv("GALCAT_WEIGHTS_DIR", str(tmp_path.with_name(f"{tmp_path.name}-weights")))


@pytest.fixture
def database_template(schema_template: str) -> str:
    """Name of the database that `database` clones; where tests want galaxies, a folder names another."""
    return schema_template


@pytest.fixture
def database(postgres_url: str, database_template: str) -> Iterator[str]:
    """URL of a fresh database with the schema."""
    with databases.fresh_database(postgres_url, database_template) as url:
        yield url


@pytest.fixture
def empty_database(postgres_url: str) -> Iterator[str]:
    """URL of a fresh database with nothing in it."""
    with databases.fresh_database(postgres_url, "template1") as url:
        yield url


@pytest.fixture
def server_home() -> Iterator[Path]:
    """An empty folder that can hold a server of the test's own, to be killed or broken."""
    home = new_home()
    yield home
    remove_home(home)


@pytest.fixture
def private_home(tmp_path: Path) -> Iterator[Path]:
    """The same inside folders that nobody else may enter, such as /root."""
    tmp_path.chmod(0o700)
    home = tmp_path / "home"
    yield home
    remove_home(home)


@pytest.fixture(scope="session")
def make_template(postgres_url: str, request: pytest.FixtureRequest) -> MakeTemplate:
    """Makes a database that tests clone; the first worker that needs it fills it, for all of them."""

    def make(name: str, fill: Callable[[str], None], template: str = "template1") -> str:
        half = f"half_{name}"
        with (request.config.stash[_HOME] / "template.lock").open("w") as lock:
            conn = databases.admin(postgres_url)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
                names = {key: sql.Identifier(text) for key, text in [("half", half), ("whole", name)]}
                conn.execute(sql.SQL("DROP DATABASE IF EXISTS {half} WITH (FORCE)").format(**names))
                conn.execute(
                    sql.SQL("CREATE DATABASE {half} TEMPLATE {template}").format(
                        half=names["half"], template=sql.Identifier(template)
                    )
                )
                fill(databases.url_of(postgres_url, half))
                conn.execute(sql.SQL("ALTER DATABASE {half} RENAME TO {whole}").format(**names))
        return name

    return make


@pytest.fixture(scope="session")
def schema_template(make_template: MakeTemplate) -> str:
    """Name of the database that has the schema and nothing else."""
    return make_template(_TEMPLATE, migrate)


def _shares_a_fixture(item: pytest.Function) -> bool:
    used = item._fixtureinfo.name2fixturedefs.values()
    return any(definitions[-1].scope == "module" for definitions in used)


def _let_httpx_wait() -> None:
    """Give every request the last limit: httpx itself gives up after 5 s, which a busy machine takes."""
    default = httpx._config.DEFAULT_TIMEOUT_CONFIG
    default.connect = default.read = default.write = default.pool = LAST_LIMIT_S


def new_home() -> Path:
    """An empty folder for a server; runs of later processes remove it if this one does not."""
    home = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    home.chmod(0o755)  # our own folder: as root, the server's account must reach it
    return home


def remove_home(home: Path) -> None:
    """Stop a home's server and delete its data, wherever that lies."""
    base = find_base(home)
    down(home)
    for folder in {base, home}:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_left_overs() -> None:
    """Remove the servers of test runs that were killed."""
    for home in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        pid = int(home.name.removeprefix(_PREFIX).split("-")[0])
        with suppress(FileNotFoundError):  # another run tidies up too
            if home.stat().st_uid == os.geteuid() and not psutil.pid_exists(pid):
                number = home / "postgres" / "postmaster.pid"
                if number.is_symlink():  # which a test put there and was killed
                    number.unlink()
                remove_home(home)
