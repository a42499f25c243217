"""The page in a real browser, Debian's chromium: by mouse, by keys, on a phone, and without a connection."""

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from astropy.table import Table
from pyvo.samp import SAMPHubServer, SAMPIntegratedClient, conf
from pyvo.samp.hub import WebProfileDialog

from catalog.tasks.tasks import Task, add_task
from catalog.web.drawing import Drawing
from catalog.web.labelling.people import add_person
from catalog.web.page_services import PageServices
from tests.catalog.web.pictures import BlobDrawer
from tests.waiting import LAST_LIMIT_S, wait_until

playwright = pytest.importorskip("playwright.sync_api")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        shutil.which("chromium") is None, reason="chromium is not here: apt-get install chromium"
    ),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # of the driver's own pipes
]
SHOTS = Path(__file__).resolve().parents[3] / "runs" / "screenshots"
WIDTHS = (1440, 390)


@pytest.fixture(scope="module")
def chromium() -> Iterator["playwright.Browser"]:
    """A browser without a window."""
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def drawer() -> BlobDrawer:
    """Draws large pictures."""
    return BlobDrawer()


@pytest.fixture
def parts(tmp_path: Path, drawer: BlobDrawer) -> PageServices:
    """A page that can draw."""
    return PageServices(tmp_path / "page.key", drawer=drawer)


@pytest.fixture
def tab(chromium: "playwright.Browser", page: httpx.Client) -> Iterator["playwright.Page"]:
    """A tab in which a script's error is the test's; its pages are those of the service."""
    context = chromium.new_context(base_url=str(page.base_url), viewport={"width": 1440, "height": 900})
    context.set_default_timeout(LAST_LIMIT_S * 1000)
    playwright.expect.set_options(timeout=LAST_LIMIT_S * 1000)
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    context.close()
    assert not errors


@pytest.fixture
def ring(connection: psycopg.Connection, galaxies: str) -> str:
    """Secret of a link that lets ana in, to a catalogue that asks for rings."""
    add_task(connection, Task("ring", "Has it a ring?", "binary", ("no", "yes")))
    with psycopg.connect(galaxies, autocommit=True) as owner:
        return add_person(owner, "ana", "labeller")


def said(database: str) -> list[tuple[object, ...]]:
    with psycopg.connect(database) as connection:
        return connection.execute(
            "SELECT object_id, answer FROM galcat.current_label ORDER BY object_id"
        ).fetchall()


def test_more_like_this_narrowed_by_a_histogram(tab: "playwright.Page") -> None:
    tab.goto("/")
    card = tab.locator(".card").nth(4)
    object_id = card.get_attribute("data-id")
    card.get_by_role("link", name="more like this").click()
    playwright.expect(tab.locator(".example")).to_have_count(1)
    playwright.expect(tab.locator(".card.is-like")).to_have_attribute("data-id", object_id)
    histogram = tab.locator(".facet[data-column=mag_r] svg")
    box = histogram.bounding_box()
    assert box is not None
    tab.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 10)
    tab.mouse.down()
    tab.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 10)
    tab.mouse.up()
    low, high = (tab.locator(f"[name='mag_r.{end}']").input_value() for end in ("min", "max"))
    assert 14 < float(low) < float(high) < 19
    tab.get_by_role("button", name="Show these").click()
    playwright.expect(tab.locator(".chips .set")).to_have_count(1)
    assert f"like={object_id}" in tab.url
    assert "ra=" not in tab.url  # empty fields are left out


def test_a_picture_for_which_the_service_was_too_busy_comes_later(tab: "playwright.Page") -> None:
    refused: list[str] = []

    def be_busy(route: "playwright.Route") -> None:
        if len(refused) < 2:
            refused.append(route.request.url)
            route.fulfill(status=503, headers={"Retry-After": "0.01"})
        else:
            route.continue_()

    tab.goto("/columns")
    tab.route("**/datalink/thumbnail/*", be_busy)
    tab.goto("/")
    # Each is refused to the page and then to its script, or two are refused to the page.
    pictures = tab.locator(".card img:not([loading])")
    wait_until(lambda: pictures.evaluate_all("images => images.every((image) => image.naturalWidth)"))
    assert len(refused) == 2


@pytest.mark.long
def test_twenty_labels_by_keys_undo_reload_and_a_lost_connection(
    tab: "playwright.Page", ring: str, galaxies: str
) -> None:
    tab.goto(f"/enter/{ring}")
    tab.get_by_role("button", name="Log in here").click()
    tab.goto("/label/ring")
    playwright.expect(tab.locator("#queue li")).to_have_count(10)
    state = tab.locator("#state")
    for key in "yynny":
        tab.keyboard.press(key)
    tab.keyboard.press("u")
    tab.keyboard.press("n")
    playwright.expect(state).to_have_text("everything is saved")
    assert sorted(answer for _, answer in said(galaxies)) == ["no", "no", "no", "yes", "yes"]
    tab.context.set_offline(True)
    for key in "yyn":
        tab.keyboard.press(key)
    playwright.expect(state).to_contain_text("3 unsent")
    assert len(said(galaxies)) == 5
    tab.context.set_offline(False)
    tab.reload()
    playwright.expect(state).to_have_text("everything is saved")
    assert len(said(galaxies)) == 8
    for key in "yn":
        tab.keyboard.press(key)
    playwright.expect(tab.locator("#queue li.done")).to_have_count(0)  # the next batch has come
    playwright.expect(state).to_have_text("everything is saved")
    assert len(said(galaxies)) == 10
    for key in "yynnyyscny":
        tab.keyboard.press(key)
    playwright.expect(tab.locator("#queue li.done")).to_have_count(0)
    playwright.expect(state).to_have_text("everything is saved")
    assert len(said(galaxies)) == 18  # one was skipped, and one could not be told


class Consent(WebProfileDialog):  # type: ignore[misc] # of pyvo, which has no types
    """A hub's user who lets every page in, and keeps what they were called."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def show_dialog(self, name: str, _details: object, _client: object, origin: str) -> None:
        self.asked.append(f"{name} {origin}")
        self.consent()


@pytest.mark.long
@pytest.mark.xdist_group("samp")  # the web profile has one port on a machine
def test_the_selection_is_sent_to_a_program_that_takes_tables(
    tab: "playwright.Page", galaxies: str, tmp_path: Path
) -> None:
    tab.goto("/?where=mag_r<17")
    samp = tab.locator("#samp")
    samp.get_by_role("button").click()
    playwright.expect(samp.get_by_role("status")).to_contain_text("no SAMP hub answers")
    consent = Consent()
    conf.use_internet = False
    hub = SAMPHubServer(lockfile=str(tmp_path / "hub"), web_profile_dialog=consent, addr="127.0.0.1")
    hub.start()
    topcat = SAMPIntegratedClient("topcat", addr="127.0.0.1")
    try:
        topcat.connect(hub_params=hub.params)
        got: list[dict[str, str]] = []

        def hear(_key: str, _sender: str, _kind: str, parameters: dict[str, str], _more: object) -> None:
            got.append(parameters)

        topcat.bind_receive_notification("table.load.votable", hear)
        samp.get_by_role("button").click()
        wait_until(lambda: consent.handle_queue() or bool(consent.asked), "the hub asks its user")
        playwright.expect(samp.get_by_role("status")).to_have_text("sent to topcat")
        wait_until(lambda: bool(got), "the table is told of")
        assert consent.asked == [f"galcat {tab.evaluate('location.origin')}"]
        table = Table.read(io.BytesIO(httpx.get(got[0]["url"]).content), format="votable")
        with psycopg.connect(galaxies) as connection:
            rows = connection.execute("SELECT object_id FROM galcat.galaxy WHERE mag_r < 17").fetchall()
        assert set(table["object_id"].tolist()) == {row[0] for row in rows}
    finally:
        topcat.disconnect()
        hub.stop()
        conf.reset("use_internet")


@pytest.mark.long
def test_a_slider_redraws_the_galaxy_and_the_address_says_how(
    tab: "playwright.Page", drawer: BlobDrawer
) -> None:
    tab.goto("/")
    tab.locator(".card .picture").first.click()
    tab.wait_for_url("**/galaxy/*")
    tab.get_by_text("Stretch, bands and width").click()
    with tab.expect_response("**/picture.jpg?width=1.25"):
        tab.get_by_label("Width").focus()
        tab.keyboard.press("ArrowRight")
    assert tab.url.endswith("?width=1.25")
    with tab.expect_response("**/picture.jpg?width=1.25&marks=0"):
        tab.get_by_label("scale bar and directions").uncheck()
    tab.reload()
    playwright.expect(tab.get_by_label("Width")).to_have_value("1.25")
    assert Drawing(width=1.25, has_marks=False) in drawer.asked


@pytest.mark.long
def test_a_list_is_chosen_and_shown_with_what_it_lacks(tab: "playwright.Page", galaxies: str) -> None:
    with psycopg.connect(galaxies) as connection:
        row = connection.execute("SELECT object_id, ra, dec FROM galcat.galaxy ORDER BY 1 LIMIT 1").fetchone()
    assert row is not None
    content = f"name,ra,dec\nfound,{row[1]},{row[2]}\nlost,{row[1]},{row[2] / 2 + 1}\n".encode()
    tab.goto("/")
    tab.locator("#file").set_input_files({"name": "two.csv", "mimeType": "text/csv", "buffer": content})
    tab.get_by_role("button", name="Show what it finds").click()
    playwright.expect(tab.locator(".listed")).to_contain_text("1 of 2 positions of two.csv have a galaxy")
    playwright.expect(tab.locator(".listed li")).to_contain_text(["lost, row 2 at"])
    assert [one.get_attribute("data-id") for one in tab.locator(".card").all()] == [str(row[0])]


@pytest.mark.long
def test_by_keys_alone_from_the_bar_to_a_galaxy(tab: "playwright.Page") -> None:
    tab.goto("/")
    tab.keyboard.press("/")
    tab.keyboard.type("mag_r < 17")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/?where=*")
    tab.locator(".card .picture").first.focus()
    tab.keyboard.press("ArrowRight")
    wanted = tab.locator(".card").nth(1).get_attribute("data-id")
    tab.keyboard.press("Enter")
    tab.wait_for_url(f"**/galaxy/{wanted}")


@pytest.mark.long
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/?where=mag_r<16",
        "/galaxy/{id}",
        "/columns",
        "/status",
        "/about",
        "/label",
        "/label/ring",
        "/label/ring/said",
        "/nowhere",
        "/go?q=<b>",
        "/?ids={id}&list=two.csv&listed=1,3,3&missed=M 31, row 2&missed=M 33, row 3",
    ],
)
def test_no_page_has_what_shuts_somebody_out(
    tab: "playwright.Page", ring: str, galaxies: str, path: str
) -> None:
    from axe_playwright_python.base import AXE_FILE_PATH  # noqa: PLC0415 - only with a browser

    tab.goto(f"/enter/{ring}")
    tab.get_by_role("button", name="Log in here").click()
    with psycopg.connect(galaxies, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO galcat.label (task, object_id, answer, labeller) "
            "SELECT 'ring', object_id, 'yes', who FROM galcat.galaxy, "
            "unnest(ARRAY['ana', 'bob', 'gold']) AS who LIMIT 30"
        )
        row = connection.execute("SELECT min(object_id) FROM galcat.galaxy").fetchone()
    assert row is not None
    for width in WIDTHS:
        for scheme in ("light", "dark"):
            tab.set_viewport_size({"width": width, "height": 900})
            tab.emulate_media(color_scheme=scheme)
            tab.goto(path.format(id=row[0]))
            tab.wait_for_load_state("networkidle")
            # By the driver's own way in: the page allows no script but its own.
            tab.evaluate(Path(AXE_FILE_PATH).read_text(encoding="utf-8"))
            found = tab.evaluate("axe.run()")["violations"]
            assert [(one["id"], one["nodes"][0]["html"][:120]) for one in found] == [], (path, width, scheme)
            SHOTS.mkdir(parents=True, exist_ok=True)
            name = path.partition("?")[0].strip("/").replace("/", "_").replace("{id}", "one") or "wall"
            name += "_list" if "list=" in path else "_condition" if "where" in path else ""
            tab.screenshot(path=SHOTS / f"{name}_{width}_{scheme}.png", full_page=True)
            wide = tab.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, (path, width)


@pytest.mark.long
def test_two_people_label_at_once_and_agree_or_not(
    chromium: "playwright.Browser", page: httpx.Client, ring: str, galaxies: str
) -> None:
    with psycopg.connect(galaxies, autocommit=True) as owner:
        links = {"ana": ring, "bob": add_person(owner, "bob", "labeller")}
    tabs = {}
    for name, link in links.items():
        context = chromium.new_context(base_url=str(page.base_url))
        tabs[name] = context.new_page()
        tabs[name].goto(f"/enter/{link}")
        tabs[name].get_by_role("button", name="Log in here").click()
        tabs[name].goto("/label/ring")
        playwright.expect(tabs[name].locator("#queue li")).to_have_count(10)
    for key_of_ana, key_of_bob in zip("yyyyy", "yynny", strict=True):
        tabs["ana"].keyboard.press(key_of_ana)
        tabs["bob"].keyboard.press(key_of_bob)
    for one in tabs.values():
        playwright.expect(one.locator("#state")).to_have_text("everything is saved")
    assert len(said(galaxies)) == 10
    with psycopg.connect(galaxies) as connection:
        rows = connection.execute(
            "SELECT object_id, labeller, answer FROM galcat.current_label ORDER BY 1"
        ).fetchall()
    answers = {name: {row[0]: row[2] for row in rows if row[1] == name} for name in tabs}
    both = set(answers["ana"]) & set(answers["bob"])
    same = sum(answers["ana"][one] == answers["bob"][one] for one in both)
    ana = tabs["ana"]
    ana.goto("/label/ring/said")
    shown = f"{round(100 * same / len(both))} % of {len(both)}" if both else "\u2013"
    playwright.expect(ana.locator("tbody tr")).to_have_count(2)
    assert ana.locator("tbody td:nth-child(3)").all_inner_texts() == [shown, shown]
    first = ana.locator(".card").first.locator("a").get_attribute("href")
    ana.get_by_role("button", name="take back").first.click()
    playwright.expect(ana.locator(".card")).to_have_count(4)
    with psycopg.connect(galaxies) as connection:
        left = connection.execute(
            "SELECT object_id FROM galcat.current_label WHERE labeller = 'ana'"
        ).fetchall()
    (gone,) = set(answers["ana"]) - {row[0] for row in left}
    assert first == f"/galaxy/{gone}"
    for one in tabs.values():
        one.context.close()
