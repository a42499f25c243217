"""The sensor asks for a run for each new or changed tile, once, when its files hold still."""

import os
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import psycopg
import pytest
import yaml  # type: ignore[import-untyped] # its stubs are a package of their own

import dagster_jobs
from dagster_jobs.defs.resources import DatabaseResource, DropFolderResource
from dagster_jobs.defs.schedules import nightly_retry
from dagster_jobs.defs.sensors import new_tiles_sensor
from encoder.surveys.survey_file import SURVEYS, load_survey
from galcat.workflows.ingest.drop_scan import plan_everything_pending, scan
from galcat.workflows.ingest.sky_cells import UNPLACED
from tests.galcat.bricks import r_image, write_brick

SURVEY = "legacy_dr10"
NO_DATABASE = "postgresql://nobody@localhost:1/none"


@dataclass
class Ticks:
    """A sensor that remembers its cursor from tick to tick, as the daemon does."""

    drop: Path
    url: str
    instance: dg.DagsterInstance
    cursor: str | None = None
    skipped: str = ""

    def tick(self, url: str | None = None) -> list[dg.RunRequest]:
        context = dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursor,
            resources={
                "database": DatabaseResource(url=url or self.url),
                "drop_folder": DropFolderResource(path=str(self.drop)),
            },
        )
        result = new_tiles_sensor(30)(context)
        if isinstance(result, dg.SkipReason):
            self.skipped = result.skip_message or ""
            return []
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor
        self.skipped = "" if result.skip_reason is None else result.skip_reason.skip_message or ""
        requests = list(result.run_requests or [])
        for request in result.dynamic_partitions_requests or []:
            assert isinstance(request, dg.AddDynamicPartitionsRequest)
            assert list(request.partition_keys) == sorted({str(run.partition_key) for run in requests})
            assert request.partitions_def_name == "sky_cells"
        return requests


@pytest.fixture
def ticks(drop: Path, database: str, instance: dg.DagsterInstance) -> Ticks:
    return Ticks(drop, database, instance)


def names(request: dg.RunRequest) -> list[str]:
    tiles = request.run_config["ops"]["galaxies"]["config"]["tiles"]
    assert isinstance(tiles, list)
    return tiles


def test_a_tile_is_asked_for_at_the_second_look_and_then_never_again(ticks: Ticks) -> None:
    write_brick(ticks.drop / SURVEY, "0100p000")
    assert ticks.tick() == []
    assert ticks.skipped == "new or still changing, left for the next tick: legacy_dr10/0100p000"
    (request,) = ticks.tick()
    assert names(request) == ["0100p000"]
    assert str(request.partition_key).startswith("legacy_dr10/healpix5-")
    assert request.tags == {"galcat/survey": SURVEY}
    assert request.run_config["ops"]["galaxies"]["config"]["survey"] == SURVEY
    assert request.run_config["ops"]["galaxies"]["config"]["folder"] == str(ticks.drop / SURVEY)
    assert ticks.tick() == []
    assert ticks.skipped == "no tile is new"


def test_a_tile_that_arrives_between_two_looks_waits_for_the_next(ticks: Ticks) -> None:
    write_brick(ticks.drop / SURVEY, "0100p000")
    ticks.tick()
    write_brick(ticks.drop / SURVEY, "0200p000")
    (first,) = ticks.tick()
    (second,) = ticks.tick()
    assert (names(first), names(second)) == (["0100p000"], ["0200p000"])
    assert first.partition_key != second.partition_key


def test_a_file_that_grows_between_two_looks_is_left_for_the_next(ticks: Ticks) -> None:
    write_brick(ticks.drop / SURVEY, "0100p000")
    image = r_image(ticks.drop / SURVEY, "0100p000")
    whole = image.read_bytes()
    for share in (0.3, 0.6, 1.0):
        image.write_bytes(whole[: int(share * len(whole))])
        assert ticks.tick() == []
    (request,) = ticks.tick()
    assert names(request) == ["0100p000"]


def test_a_tile_asked_for_is_asked_for_again_when_its_files_change(ticks: Ticks) -> None:
    write_brick(ticks.drop / SURVEY, "0100p000")
    ticks.tick()
    (first,) = ticks.tick()
    image = r_image(ticks.drop / SURVEY, "0100p000")
    image.write_bytes(image.read_bytes() + bytes(2880))
    assert ticks.tick() == []
    (second,) = ticks.tick()
    assert names(second) == ["0100p000"]
    assert second.run_key != first.run_key


def test_the_same_tiles_give_the_same_run_key_whatever_was_looked_at_before(ticks: Ticks) -> None:
    for name in ("0100p000", "0101p000", "0200p000"):
        write_brick(ticks.drop / SURVEY, name)
    ticks.tick()
    asked = ticks.tick()
    assert sorted(names(request) for request in asked) == [["0100p000", "0101p000"], ["0200p000"]]
    fresh = Ticks(ticks.drop, ticks.url, ticks.instance)
    fresh.tick()
    assert [request.run_key for request in fresh.tick()] == [request.run_key for request in asked]
    assert len({request.run_key for request in asked}) == 2


def test_the_pool_has_its_limit_before_the_first_run_is_asked_for(ticks: Ticks) -> None:
    config = yaml.safe_load(Path(dagster_jobs.__file__).with_name("dagster.yaml").read_text())
    with dg.instance_for_test(overrides=config) as instance:
        ticks.instance = instance
        ticks.tick()
        assert [(pool.name, pool.limit) for pool in instance.event_log_storage.get_pool_limits()] == [
            ("gpu", 1)
        ]


def test_one_bad_folder_is_told_of_and_does_not_stop_the_others(ticks: Ticks) -> None:
    write_brick(ticks.drop / SURVEY, "0100p000")
    (ticks.drop / "gz_decals_rings").mkdir()
    (ticks.drop / "holiday_photos").mkdir()
    (ticks.drop / "decals_fits").mkdir()
    (ticks.drop / "mine").mkdir()
    (ticks.drop / "mine" / "survey.toml").write_text("name = ")
    (ticks.drop / "stray.fits").touch()
    (ticks.drop / ".hidden").mkdir()
    ticks.tick()
    said = ticks.skipped.split(" | ")
    assert [line.split(": ")[0] for line in said] == [
        "new or still changing, left for the next tick",
        "decals_fits",
        "gz_decals_rings",
        "holiday_photos",
        "mine",
        "stray.fits",
    ]
    assert "no survey 'holiday_photos'; known: " in ticks.skipped
    assert "stray.fits: not a folder" in ticks.skipped
    assert "\n" not in ticks.skipped
    (request,) = ticks.tick()
    assert names(request) == ["0100p000"]


def test_a_folder_that_fails_for_one_look_loses_no_tile_and_asks_for_none_twice(ticks: Ticks) -> None:
    write_brick(ticks.drop / SURVEY, "0100p000")
    ticks.tick()
    ticks.tick()
    write_brick(ticks.drop / SURVEY, "0200p000")
    ticks.tick()
    away = ticks.drop / "away"
    (ticks.drop / SURVEY / "coadd").rename(away)
    assert ticks.tick() == []
    assert "no tile of survey legacy_dr10" in ticks.skipped
    away.rename(ticks.drop / SURVEY / "coadd")
    (request,) = ticks.tick()
    assert names(request) == ["0200p000"]


def test_a_second_folder_of_a_survey_is_refused(ticks: Ticks) -> None:
    for folder in (SURVEY, "other"):
        write_brick(ticks.drop / folder, "0100p000")
    shutil.copy(SURVEYS / f"{SURVEY}.toml", ticks.drop / "other" / "survey.toml")
    ticks.tick()
    assert "other: survey legacy_dr10 has the folder legacy_dr10 already" in ticks.skipped
    assert len(ticks.tick()) == 1


def test_an_empty_or_absent_drop_folder_is_no_error(ticks: Ticks) -> None:
    assert ticks.tick() == []
    assert ticks.skipped == "no tile is new"
    ticks.drop.rmdir()
    assert ticks.tick() == []
    assert ticks.skipped == f"{ticks.drop}: no such folder"


def test_a_database_that_is_down_is_told_in_one_line_and_no_tile_is_lost(ticks: Ticks) -> None:
    write_brick(ticks.drop / SURVEY, "0100p000")
    ticks.tick()
    cursor = ticks.cursor
    assert ticks.tick(NO_DATABASE) == []
    assert ticks.skipped.startswith("nothing was looked at, the next tick tries again: ")
    assert "\n" not in ticks.skipped
    assert ticks.cursor == cursor
    (request,) = ticks.tick()
    assert names(request) == ["0100p000"]


def test_a_survey_file_in_the_folder_describes_it_to_the_run(ticks: Ticks) -> None:
    folder = ticks.drop / "my_pictures"
    (folder / "images").mkdir(parents=True)
    (folder / "labels.csv").write_text("iauname,ra,dec,image\nJ1,10.0,0.0,a.jpg\n")
    toml = (SURVEYS / "gz_decals_rings.toml").read_text().replace('"gz_decals_rings"', '"my_pictures"')
    (folder / "survey.toml").write_text(toml)
    ticks.tick()
    (request,) = ticks.tick()
    assert request.partition_key == f"my_pictures/{UNPLACED}"
    assert request.run_config["ops"]["galaxies"]["config"]["survey"] == str(folder / "survey.toml")
    assert load_survey(folder / "survey.toml").name == "my_pictures"


def test_a_brick_that_lacks_a_file_waits_for_it_and_is_no_failure(ticks: Ticks) -> None:
    for name in ("0100p000", "0101p000"):
        write_brick(ticks.drop / SURVEY, name)
    image = r_image(ticks.drop / SURVEY, "0101p000")
    whole = image.read_bytes()
    image.unlink()
    assert ticks.tick() == []
    assert ticks.skipped.split(" | ")[1] == f"1 tiles wait for files: legacy_dr10/0101p000 lacks {image.name}"
    (request,) = ticks.tick()
    assert names(request) == ["0100p000"]
    plan = plan_everything_pending(ticks.drop, ticks.url)
    assert [tile for run in plan.runs for tile in run.tiles] == ["0100p000"]
    assert [(tile.name, tile.lacks) for tile in plan.waiting] == [("legacy_dr10/0101p000", image)]
    image.write_bytes(whole)
    assert ticks.tick() == []
    (request,) = ticks.tick()
    assert names(request) == ["0101p000"]


def test_a_tile_is_not_asked_for_before_its_files_have_settled(ticks: Ticks) -> None:
    write_brick(ticks.drop / SURVEY, "0100p000")
    os.utime(r_image(ticks.drop / SURVEY, "0100p000"), (0, 0))  # copied with its old time, but new here
    state = scan(ticks.drop, ticks.url, {}, 3600).state
    early = scan(ticks.drop, ticks.url, state, 3600, lambda: time.time() + 3500)
    assert (early.runs, early.moving) == ([], ["legacy_dr10/0100p000"])
    late = scan(ticks.drop, ticks.url, early.state, 3600, lambda: time.time() + 3601)
    assert [run.tiles for run in late.runs] == [["0100p000"]]
    assert scan(ticks.drop, ticks.url, state, 0).runs == late.runs


def test_neither_the_sensor_nor_the_night_brings_a_schema_up_to_date(
    ticks: Ticks, empty_database: str, database_resource: DatabaseResource
) -> None:
    write_brick(ticks.drop / SURVEY, "0100p000")
    fresh = Ticks(ticks.drop, empty_database, ticks.instance)
    fresh.tick()
    assert len(fresh.tick()) == 1  # whose run makes the schema
    with psycopg.connect(empty_database) as connection:
        assert connection.execute("SELECT to_regnamespace('galcat')").fetchone() == (None,)
    with psycopg.connect(ticks.url, autocommit=True) as owner:
        owner.execute("UPDATE galcat.schema_history SET sha256 = 'old' WHERE file LIKE '120%'")
    assert ticks.tick() == []
    assert "the catalogue's schema is older than this galcat" in ticks.skipped
    with dg.instance_for_test() as on_disk:
        context = dg.build_schedule_context(
            instance=on_disk,
            scheduled_execution_time=datetime(2031, 5, 17, 1, 0, tzinfo=UTC),
            resources={
                "database": database_resource,
                "drop_folder": DropFolderResource(path=str(ticks.drop)),
            },
        )
        night = nightly_retry(context)
    assert isinstance(night, dg.SkipReason)
    assert "the catalogue's schema is older than this galcat" in str(night.skip_message)
    with psycopg.connect(ticks.url) as connection:
        row = connection.execute("SELECT count(*) FROM galcat.schema_history WHERE sha256 = 'old'").fetchone()
    assert row == (1,)
