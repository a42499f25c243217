"""What `galcat report` says of the last day, as text and as a page."""

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import psycopg
import pytest

from galcat.errors import WorkflowError
from galcat.workflows.report import gather
from galcat.workflows.report.since import parse_since
from tests.galcat.bricks import GALAXIES, spoil, write_brick
from tests.galcat.cli.command_line import Galcat

SURVEY = "legacy_dr10"
NOW = datetime(2031, 5, 17, 9, 30, tzinfo=UTC)


class Page(HTMLParser):
    """Texts and pictures of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.pictures: list[str] = []
        self.links: list[str] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        for name, value in attrs:
            if name == "src":
                self.pictures.append(str(value))
            elif name == "href":
                self.links.append(str(value))

    def handle_data(self, data: str) -> None:
        self.words += f" {data}"


def test_a_report_tells_what_came_what_failed_and_what_needs_care(
    galcat: Galcat, database: str, tmp_path: Path, weights: Path
) -> None:
    assert "the catalogue is empty" in galcat("report").err
    folder = tmp_path / "drop" / SURVEY
    for name in ("0100p000", "0101p000", "0500p100"):
        write_brick(folder, name)
    spoil(folder, "0101p000")
    assert galcat("ingest", folder, "--survey", SURVEY, "--weights", weights).code == 1
    with psycopg.connect(database, autocommit=True) as owner:  # one tile came long ago
        owner.execute(
            "UPDATE galcat.ingestion SET finished_at = finished_at - interval '40 days' WHERE tile_id = "
            "(SELECT tile_id FROM galcat.tile WHERE name = '0500p100')"
        )
    page = tmp_path / "report.html"
    said = galcat("report", "--since", "2 days", "--html", page)
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[2] == f"{GALAXIES} galaxies of 1 tile came, 1 tile failed."
    assert lines[3] == f"Release small-0 has {2 * GALAXIES} galaxies of 2 tiles."
    assert " - failed: 1 tile: 0101p000: " in " ".join(said.out.split())
    assert re.search(rf"^{SURVEY} +1 +1 +{GALAXIES} +0 +0$", said.out, re.MULTILINE)
    assert max(len(line) for line in lines if str(tmp_path) not in line) <= 80
    shown = Page(page.read_text())
    assert len(shown.pictures) == GALAXIES
    assert all(picture.startswith("data:image/jpeg;base64,/9j/") for picture in shown.pictures)
    assert shown.links == []
    assert "0101p000" in shown.words
    assert " ".join(said.out.split()).count("0101p000: ") == 2  # what needs care, and why it failed
    assert f"at most {GALAXIES} in an hour" in shown.words
    words = " ".join(shown.words.split())
    assert f"{GALAXIES} galaxies came 1 tile came 1 tile failed {2 * GALAXIES} galaxies in all" in words
    galcat("report", "--since", "1990-01-01T00:00+03:00", "--html", page)  # of decades a bar is no hour
    shown = Page(page.read_text())
    assert f"at most {GALAXIES} in a day" in shown.words
    bars = re.findall(r"UTC: (\d+)", shown.words)
    assert (len(bars), sum(map(int, bars))) == (41, 2 * GALAXIES)
    lost = galcat("report", "--html", tmp_path / "no" / "a.html")
    assert lost.err.splitlines()[-1].startswith(f"error: {tmp_path / 'no' / 'a.html'} cannot be written: ")
    assert [path.name for path in tmp_path.glob("*.html*")] == ["report.html"]
    all_of_it = galcat("report", "--since", "50 days").out.splitlines()
    assert all_of_it[2] == f"{2 * GALAXIES} galaxies of 2 tiles came, 1 tile failed."


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("yesterday", datetime(2031, 5, 16, tzinfo=UTC)),
        ("Today", datetime(2031, 5, 17, tzinfo=UTC)),
        ("12 hours", NOW - timedelta(hours=12)),
        ("1 day", NOW - timedelta(days=1)),
        ("2 weeks ago", NOW - timedelta(days=14)),
        ("2031-05-01", datetime(2031, 5, 1, tzinfo=UTC)),
        ("2031-05-01T12:00+02:00", datetime(2031, 5, 1, 10, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read(text: str, moment: datetime) -> None:
    assert (parse_since(text, NOW), parse_since(text, NOW).tzinfo) == (moment, UTC)


@pytest.mark.parametrize(
    "text", ["", "soon", "3", "-1 days", "2031-13-01", "2031-05-18", "0001-01-01T00:00+14:00"]
)
def test_what_is_no_moment_of_the_past_is_refused_by_name(text: str) -> None:
    with pytest.raises(WorkflowError, match=rf"^'{re.escape(text)}' is "):
        parse_since(text, NOW)


def test_figures_are_of_one_moment_though_tiles_go_meanwhile(
    galcat: Galcat, database: str, tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_brick(tmp_path / SURVEY, "0100p000")
    assert galcat("ingest", tmp_path / SURVEY, "--survey", SURVEY, "--weights", weights).code == 0

    def choose_and_lose_the_tile(
        since: datetime, until: datetime, first: datetime | None
    ) -> tuple[datetime, str]:
        with psycopg.connect(database, autocommit=True) as owner:  # the total has been asked for by now
            owner.execute("UPDATE galcat.ingestion SET state = 'failed', error = 'lost'")
        return first or since, "hour" if since < until else "day"

    monkeypatch.setattr(gather, "_choose_bars", choose_and_lose_the_tile)
    now = datetime.now(UTC)
    report = gather.gather_report(database, now - timedelta(days=1), now + timedelta(hours=1), [])
    assert (report.tiles, report.galaxies) == (1, GALAXIES)
    assert (report.new_galaxies, report.n_failed, len(report.pictures)) == (GALAXIES, 0, GALAXIES)
