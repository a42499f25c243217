"""What the README and docs show runs as it stands there, and says what it says there."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from astropy.coordinates import SkyCoord

from catalog.database.connection import connect
from galcat.cli.command_list import COMMANDS, load_command
from galcat.cli.commands.demo import questions
from tests.galcat.cli.command_line import Galcat

ROOT = Path(__file__).resolve().parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SECTIONS = ("Ten questions", "Ask your own question", "Find what interests you")
ELSEWHERE = {"serve", "jobs", "down", "psql"}  # they take this process's place, or end the tests' server
IDENTITY = re.compile(r"\b\d{16,19}\b")
RELATIVE = 1e-3
"""How far a number may be from the one shown: other processors round otherwise."""


@dataclass(frozen=True)
class Step:
    """Something that a document shows to do.

    Attributes:
        kind: `sh` for a command of galcat, `sql` or `python` for a block.
        text: What is to be run.
    """

    kind: str
    text: str

    @property
    def words(self) -> list[str]:
        """The command's words without the first."""
        return shlex.split(self.text, comments=True)[1:]


def shown_steps(text: str) -> list[Step]:
    """What a text shows to do, in its order: blocks of SQL and Python, and commands in blocks and lines."""
    pattern = (
        r"```(sql|python)\n(.*?)```|^((?:\.venv/bin/)?galcat [^\n]*)$|`((?:\.venv/bin/)?galcat [^`\n]+)`"
    )
    steps = []
    for kind, block, line, inline in re.findall(pattern, text, flags=re.MULTILINE | re.DOTALL):
        step = Step(kind or "sh", block or (line or inline).replace("...", "").strip())
        if kind or is_whole(step.words):
            steps.append(step)
    return steps


def section(title: str) -> str:
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def is_whole(words: list[str]) -> bool:
    """Whether a command runs as it stands, and not with something in place of its CAPITALS."""
    placeholder = any(re.fullmatch(r"[A-Z][A-Z_]+", word.partition("#")[0]) for word in words)
    is_slow = "--depth" in words or "--compare" in words  # they train a network, which has tests of its own
    return len(words) > 1 and words[0] not in ELSEWHERE and not (placeholder or is_slow) and "" not in words


def test_the_readme_shows_commands_to_try() -> None:
    steps = [step for title in SECTIONS for step in shown_steps(section(title))]
    found = [" ".join(step.words) for step in steps if step.kind == "sh"]
    assert len(found) > 15
    for command in ("similar 150.324 1.9742", "label ring .galcat/demo_rings.csv", "anomalies column mine"):
        assert command in found
    assert len([step for step in steps if step.kind == "sql"]) > 10
    assert [step for step in steps if step.kind == "python"]


def test_every_command_that_a_document_names_exists_with_its_options() -> None:
    texts = {page.name: page.read_text(encoding="utf-8") for page in ROOT.glob("docs/*.md")}
    texts["README.md"] = README
    named = [(page, words) for page, text in texts.items() for words in named_commands(text)]
    assert len(named) > 40
    assert [(page, words) for page, words in named if not is_known(words)] == []
    assert not is_known(["similar", "--nosuch"])
    assert not is_known(["tasks", "nosuch"])


def is_known(words: list[str]) -> bool:
    """Whether there is such a command, and has these options."""
    if words[0].startswith("-"):
        return words[0] == "--home"  # of galcat itself
    if words[0] not in COMMANDS:
        return False
    command, rest = load_command(words[0]), words[1:]
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        if rest[0] not in command.commands:
            return False
        command, rest = command.commands[rest[0]], rest[1:]
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    return all(word in {*options, "--help"} for word in rest if word.startswith("--"))


def named_commands(text: str) -> list[list[str]]:
    """The words behind galcat of every command that a text names, whole or not."""
    command = r"(?:\.venv/bin/)?galcat "
    lines = re.findall(rf"^{command}([^\n]*)$|`{command}([^`\n]+)`", text, flags=re.MULTILINE)
    return [re.split(r" [|#;&]", line or inline)[0].split() for line, inline in lines]


def follow(galcat: Galcat, database: str, steps: list[Step]) -> list[tuple[str, str]]:
    """Do one step after the other; returns those that failed, and what was said."""
    failed = []
    for step in steps:
        if step.kind == "python":
            names: dict[str, Any] = {}
            exec(step.text, names)  # noqa: S102 - our own document
            names["catalogue"].close()
            continue
        words = ["sql", step.text] if step.kind == "sql" else step.words
        said = galcat(*words)
        if said.code != 0:
            failed.append((step.text, said.err))
        if words[:2] == ["anomalies", "rate"]:  # the dots at its end: all the others of the round
            with connect(database, autocommit=True) as connection:
                offered = connection.execute("SELECT object_id FROM galcat.interest_offer").fetchall()
            rated = [f"{identity}={identity % 6}" for (identity,) in offered]
            assert galcat("anomalies", "rate", "mine", *rated).code == 0
    return failed


def test_every_step_of_the_readme_works_on_the_demonstration(
    galcat: Galcat, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GALCAT_HOME", ".galcat")
    assert galcat("demo", "--bricks", 1, "--galaxies", 80).code == 0
    with connect(database, autocommit=True) as connection:
        places = connection.execute("SELECT object_id, ra, dec FROM galcat.galaxy ORDER BY mag_r").fetchall()
    ids: dict[str, str] = {}
    ra, dec = places[0][1:]
    name = "J" + SkyCoord(ra, dec, unit="deg").to_string("hmsdms", sep="", precision=1).replace(" ", "")

    def of_this_one(text: str) -> str:
        """The same text with the galaxies of the small demonstration."""
        text = re.sub(r"\bJ\d[\d.]+[+-][\d.]+", name, text)
        text = text.replace("150.324", f"{ra:.4f}").replace("1.9742", f"{dec:.4f}")
        return IDENTITY.sub(lambda m: ids.setdefault(m[0], str(places[len(ids)][0])), text)

    steps = [
        Step(step.kind, of_this_one(step.text)) for title in SECTIONS for step in shown_steps(section(title))
    ]
    assert follow(galcat, database, steps) == []


@pytest.mark.long
def test_the_whole_demonstration_gives_what_the_readme_shows(
    galcat: Galcat, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GALCAT_HOME", ".galcat")
    assert galcat("demo").code == 0
    for question, query in questions():
        block = section("Ten questions").split(f"{question}**")[1]
        shown = block.split("```\n```\n")[1].split("\n```")[0]
        answer = galcat("sql", query).out.rsplit("\n(", 1)[0]
        assert same_table(answer, shown), f"{question}\n{answer}\n{shown}"
    steps = [step for title in SECTIONS for step in shown_steps(section(title))]
    assert follow(galcat, database, steps) == []


def same_table(answer: str, shown: str) -> bool:
    """Whether two tables have the same words, and numbers that differ by no more than rounding."""
    pairs = list(zip(answer.split(), shown.split(), strict=False))
    return len(answer.split()) == len(shown.split()) and all(map(same_word, *zip(*pairs, strict=True)))


def same_word(one: str, other: str) -> bool:
    if one == other:
        return True
    try:
        return "." in other and float(one) == pytest.approx(float(other), rel=RELATIVE)
    except ValueError:
        return False


def test_tables_are_the_same_up_to_rounding_and_no_further() -> None:
    shown = "object_id  mag_r\n1113078707712646270  16.4225"
    assert same_table("object_id  mag_r\n1113078707712646270    16.4226", shown)
    assert not same_table("object_id  mag_r\n1113078707712646271  16.4225", shown)
    assert not same_table("object_id  mag_r\n1113078707712646270  16.5225", shown)
    assert not same_table("object_id  mag_r", shown)
