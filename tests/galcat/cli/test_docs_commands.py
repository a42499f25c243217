"""Every command that the documents show is run on the demonstration, or its reason not to be stands here."""

import re
import shlex
import shutil
from pathlib import Path
from typing import Any, LiteralString

import pandas as pd
import pytest

from catalog.database.connection import connect
from galcat.cli.command_list import load_command
from tests.encoder.calibration.made_votes import shifted
from tests.galcat.cli.command_line import Galcat
from tests.galcat.cli.test_readme import README, ROOT, SECTIONS, section, shown_steps
from tests.galcat.small_encoder import write_small_encoder

DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "ARCHITECTURE.md",
    ROOT / "encoder" / "weights" / "MODEL_CARD.md",
    *sorted(ROOT.glob("docs/*.md")),
]
OWN = (
    'sql "SELECT object_id, survey_source_id, smooth_or_featured_smooth_fraction FROM galcat.galaxy '
    "WHERE survey = 'mine'\""
)
RECALL = 'sql "SELECT * FROM galcat.recall ORDER BY measured_at DESC LIMIT 5"'
RUN = {
    "demo": "demo --bricks 1 --galaxies 80",
    "map": "map",
    "check": "check",
    "status": "status",
    "status --all": "status --all",
    "report --since yesterday": "report --since yesterday",
    "migrate": "migrate",
    "migrate --plan": "migrate --plan",
    "init --plan": "init --plan",
    "backup before-upgrade.zip": "backup before-upgrade.zip",
    "backup FILE": "backup whole.zip",
    "backup FOLDER --keep 14": "backup cutouts --keep 14",
    'sql "..."': 'sql "SELECT count(*) FROM galcat.galaxy"',
    "tile list": "tile list",
    "release list": "release list",
    "similar IMAGE": "similar {picture}",
    "match LIST --radius-arcsec 3 -o matched.vot": "match list.csv --radius-arcsec 3 -o matched.vot",
    "embed my.jpg -o vectors.parquet": "embed {picture} -o vectors.parquet",
    "embed cutouts/ -o vectors.parquet": "embed cutouts/ -o vectors.parquet",
    "ingest /data/dr10/south --survey legacy_dr10": "ingest .galcat/demo_survey --survey legacy_dr10",
    "ingest pictures --survey pictures/mine.toml": "ingest pictures --survey pictures/mine.toml",
    OWN: OWN,
    "ingest FOLDER --survey NAME": "ingest .galcat/demo_survey --survey legacy_dr10",
    "--home FOLDER ...": "--home .galcat sql 'SELECT 1'",
    "calibrate SURVEY votes.csv": "calibrate legacy_dr10 votes.csv",
    "calibrate legacy_dr10 votes.csv --plot reliability.png": (
        "calibrate legacy_dr10 votes.csv --plot reliability.png"
    ),
    "calibrate --list": "calibrate --list",
    "calibrate legacy_dr10 --undo": "calibrate legacy_dr10 --undo",
    'tasks add NAME --question "Has it a ring?"': 'tasks add looks --question "Has it a ring?"',
    "label TASK FILE": "label looks .galcat/demo_rings.csv --answers ring",
    "label TASK FILE --labeller gold": "label looks .galcat/demo_rings.csv --answers ring --labeller gold",
    "tasks agreement TASK": "tasks agreement looks",
    "finetune TASK": "finetune looks",
    "tasks": "tasks",
    "tasks likely TASK": "tasks likely looks",
    "tasks next TASK": "tasks next looks",
    "tasks withdraw ring OBJECT_ID": "tasks withdraw looks {labelled}",
    "anomalies new NAME": "anomalies new odd --question 'How odd?'",
    "anomalies next NAME": "anomalies next odd",
    "export hats sky": "export hats sky",
    "export hats .galcat/hats/sky": "export hats .galcat/hats/sky",
    "neighbours FILE": "neighbours list.csv",
    RECALL: RECALL,
    "people add NAME": "people add ann",
    "people add NAME --reader": "people add bob --reader",
    "people link NAME": "people link ann",
    "people": "people",
    "people remove NAME": "people remove bob",
    "release keep FILE": "release keep better.safetensors",
    "release keep old.safetensors": "release keep better.safetensors",
    "release create better.safetensors --name better": "release create better.safetensors --name better",
    "release backfill better --weights better.safetensors": (
        "release backfill better --weights better.safetensors"
    ),
    "release promote better": "release promote better",
    "release drop galcat-lite2-3": "release drop galcat-lite2-3",
    "tile retract NAME": "tile retract {tile}",
    "tile forget NAME": "tile forget {tile}",
}
"""What a document shows, and the same with something in place of its CAPITALS, in an order that works."""
FOR_EVER = "serves or watches until it is stopped: its own tests start and stop it"
NETWORK = (
    "trains a network for minutes to days: tests/galcat/workflows and tests/encoder/training do it in small"
)
DATA = "needs real pictures with votes, which no clone has: tests/encoder/evaluation runs it in small"
RAY = "needs the library Ray, and a cluster: tests/ray_jobs runs it where Ray is installed"
TRAINED = "needs what `train` has made: the same is run with better.safetensors"
NOT_RUN = {
    "serve": FOR_EVER,
    "serve --log json": FOR_EVER,
    "serve --read-only": FOR_EVER,
    "init --reader-password-file FILE": "changes a role of every test: tests/catalog/tap/database runs it",
    "restore FILE": "needs an empty database: tests/galcat/test_backup.py restores into one",
    "--home /srv/drill restore /backups/galcat-....zip": "the same",
    "--home /srv/drill check": "a home that was restored: `check` is run",
    "--home /srv/drill down": "the same as `down`",
    "status --alarm": "tells whom the settings name: tests/galcat/workflows/test_alarms.py receives it",
    "status --alarm > /dev/null": "the same",
    "jobs": FOR_EVER,
    "down": "would stop the server of all tests: tests/galcat/cli/commands/test_server.py runs it",
    "psql": "takes the place of this process: tests/galcat/cli runs it as one of its own",
    r"psql -c '\d+ galcat.galaxy'": "the same",
    "status > status.txt || mail -s galcat operator@example.org < status.txt": (
        "sends a letter; status itself is run"
    ),
    "ingest /data/dr10/south --survey legacy_dr10 --ray local": RAY,
    "ingest /data/dr10/south --survey legacy_dr10 --ray head:6379": RAY,
    "ingest FOLDER --survey NAME --ray local": RAY,
    "release backfill better --ray head:6379 --workers 64": RAY,
    "ingest": "the folder of the drop: `ingest FOLDER --survey NAME` is run",
    "fetch legacy_dr10 sky --positions list.csv": "asks the survey's servers: its own tests ask theirs",
    "ingest sky --survey legacy_dr10": "what was fetched: `ingest FOLDER --survey NAME` is run",
    "train CONFIG.toml": NETWORK,
    "train my_encoder.toml": NETWORK,
    "evaluate --weights runs/my_encoder/my_encoder.safetensors --data DATA -o report": DATA,
    "release create runs/my_encoder/my_encoder.safetensors": TRAINED,
    "release backfill my_encoder --weights runs/my_encoder/my_encoder.safetensors": TRAINED,
    "release promote my_encoder": TRAINED,
    "finetune ring --depth 6": NETWORK,
    "finetune --depth": NETWORK,
    "finetune --depth 6": NETWORK,
    "finetune TASK --compare": NETWORK,
    "evaluate tasks --data DATA -o report": DATA,
    "evaluate --data DATA -o report": DATA,
    "evaluate --weights ... --against ...": DATA,
    "encoder import hf-hub:mwalmsley/zoobot-encoder-convnext_nano -o nano.safetensors": (
        "fetches from a model hub: tests/encoder/zoobot imports what lies in a folder"
    ),
}


def shown_commands(text: str) -> list[str]:
    """What stands behind galcat wherever a text shows a command, without remarks."""
    command = r"(?:\.venv/bin/)?galcat "
    found = re.findall(rf"^{command}([^\n]*)$|`{command}([^`\n]+)`", text, flags=re.MULTILINE)
    return [re.sub(r"\s+#.*", "", line or inline).strip() for line, inline in found]


def is_mention(shown: str) -> bool:
    """Whether a text only names a command, which needs more words to be run."""
    words = shown.split()
    if not all(word.isalpha() and word.islower() for word in words):
        return False
    command = load_command(words[0])
    for word in words[1:]:
        if word not in getattr(command, "commands", {}):
            return False
        command = command.commands[word]
    return True


def test_every_command_that_a_document_shows_is_run_or_has_its_reason() -> None:
    whole = {" ".join(step.words) for title in SECTIONS for step in shown_steps(section(title))}
    shown = {one for page in DOCUMENTS for one in shown_commands(page.read_text(encoding="utf-8"))}
    decided = {*RUN, *NOT_RUN}
    followed = {one for one in shown if " ".join(shlex.split(one.replace("...", ""))) in whole}
    undecided = {one for one in shown - decided - followed if not is_mention(one)}
    assert undecided == set(), "put each into RUN, with what it needs, or into NOT_RUN with the reason"
    assert decided - shown == set(), "no document shows them any more"


@pytest.mark.long
def test_every_command_of_the_documents_works_on_the_demonstration(
    galcat: Galcat, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GALCAT_HOME", ".galcat")
    failed = {}
    names: dict[str, object] = {}
    for shown, words in RUN.items():
        said = galcat(*shlex.split(words.format_map(names)))
        if said.code != 0 or "Traceback" in said.err:
            failed[shown] = said.err
        if shown == "demo":
            names = write_what_commands_need(database)
        if shown == "label TASK FILE":
            (names["labelled"],) = only_row(database, "SELECT min(object_id) FROM galcat.label")
    assert failed == {}


def only_row(database: str, query: LiteralString) -> tuple[Any, ...]:
    with connect(database, autocommit=True) as connection:
        (row,) = connection.execute(query).fetchall()
    return tuple(row)


def write_what_commands_need(database: str) -> dict[str, object]:
    """Files for the commands, here; returns what stands for their names."""
    with connect(database, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT survey_source_id, ra, dec, tile FROM galcat.galaxy ORDER BY mag_r"
        ).fetchall()
    galaxies = pd.DataFrame(rows, columns=["survey_source_id", "ra", "dec", "tile"])
    galaxies[["ra", "dec"]].to_csv("list.csv", index=False)
    counts = shifted(len(galaxies), [1.5, -1.5], seed=4)[1]
    votes = galaxies[["survey_source_id"]].assign(
        **{"disk-edge-on_yes": counts[:, 0], "disk-edge-on_no": counts[:, 1]}
    )
    votes.to_csv("votes.csv", index=False)
    Path("cutouts").mkdir()
    Path("my.jpg").write_bytes(*only_row(database, "SELECT jpeg FROM galcat.thumbnail LIMIT 1"))
    shutil.copy("my.jpg", "cutouts/a.jpg")
    Path("pictures/images").mkdir(parents=True)
    shutil.copy("my.jpg", "pictures/images/a.jpg")
    Path("pictures/table.csv").write_text("name,ra,dec,file\na,20.5,-3,a.jpg\n")
    (described,) = re.findall(r"```toml\n(# pictures/mine\.toml\n.*?)```", README, flags=re.DOTALL)
    Path("pictures/mine.toml").write_text(described)
    write_small_encoder(Path("better.safetensors"), seed=3)
    return {"picture": "my.jpg", "tile": galaxies["tile"][0]}
