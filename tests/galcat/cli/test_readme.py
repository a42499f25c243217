"""The commands that the README shows run as they stand there, on a small demonstration."""

import re
import shlex
from pathlib import Path

import pytest
from astropy.coordinates import SkyCoord

from catalog.database.connection import connect
from tests.galcat.cli.command_line import Galcat

README = (Path(__file__).resolve().parents[3] / "README.md").read_text(encoding="utf-8")
SECTIONS = ("Ten questions", "Ask your own question", "Find what interests you")
ELSEWHERE = {"serve", "jobs", "down", "psql"}  # they take this process's place, or end the tests' server
IDENTITY = re.compile(r"\b\d{16,19}\b")


def shown_commands(section: str) -> list[list[str]]:
    """The commands of a section, in its order: a line of a block each, and what stands between backticks."""
    text = README.split(f"\n## {section}\n")[1].split("\n## ")[0]
    text = re.sub(r"```(?:sql|python)\n.*?```", "", text, flags=re.DOTALL)
    lines = re.findall(r"^galcat .*|`(?:galcat [^`\n]+)`", text, flags=re.MULTILINE)
    commands = [shlex.split(line.strip("`").replace("...", ""), comments=True)[1:] for line in lines]
    return [words for words in commands if is_whole(words)]


def is_whole(words: list[str]) -> bool:
    """Whether a command runs as it stands, and not with something in place of its CAPITALS."""
    placeholder = any(re.fullmatch(r"[A-Z][A-Z_]+", word) for word in words)
    is_slow = "--depth" in words  # trains a network, which has tests of its own
    return len(words) > 1 and words[0] not in ELSEWHERE and not (placeholder or is_slow) and "" not in words


def test_the_readme_shows_commands_to_try() -> None:
    found = [" ".join(words) for section in SECTIONS for words in shown_commands(section)]
    assert len(found) > 15
    for command in ("similar 150.324 1.9742", "label ring .galcat/demo_rings.csv", "anomalies column mine"):
        assert command in found


def test_every_command_of_the_readme_runs_on_the_demonstration(
    galcat: Galcat, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GALCAT_HOME", ".galcat")
    assert galcat("demo", "--bricks", 1, "--galaxies", 80).code == 0
    with connect(database, autocommit=True) as connection:
        places = connection.execute("SELECT object_id, ra, dec FROM galcat.galaxy ORDER BY mag_r").fetchall()
    ids: dict[str, str] = {}

    def of_this_one(word: str) -> str:
        """The same word with the galaxies of the small demonstration."""
        ra, dec = places[0][1:]
        if re.fullmatch(r"J[\d.]+[+-][\d.]+", word):
            return "J" + SkyCoord(ra, dec, unit="deg").to_string("hmsdms", sep="", precision=1).replace(
                " ", ""
            )
        word = {"150.324": f"{ra:.4f}", "1.9742": f"{dec:.4f}"}.get(word, word)
        return IDENTITY.sub(lambda m: ids.setdefault(m[0], str(places[len(ids)][0])), word)

    failed = []
    for section in SECTIONS:
        for words in shown_commands(section):
            said = galcat(*map(of_this_one, words))
            if said.code != 0:
                failed.append((words, said.err))
            if words[:2] == ["anomalies", "rate"]:  # the dots at its end: all the others of the round
                with connect(database, autocommit=True) as connection:
                    offered = connection.execute("SELECT object_id FROM galcat.interest_offer").fetchall()
                assert (
                    galcat("anomalies", "rate", "mine", *(f"{one[0]}={one[0] % 6}" for one in offered)).code
                    == 0
                )
    assert not failed
