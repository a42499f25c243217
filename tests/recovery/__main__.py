"""Recover a catalogue at many instants, kill it at others, and print what was found.

    python -m tests.recovery FOLDER [INSTANTS] [KILLS]

FOLDER, which every account may enter, keeps the archive and what was found so far: interrupted, the same
call goes on. The instants are drawn with a seed: half of them evenly over the bytes of the log, half over its
steps.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from tests.recovery.history import list_steps, read_witness
from tests.recovery.instants import Archive, Examined, examine, make_archive, recover_at
from tests.recovery.own_server import OwnServer

SEED = 17


def main(folder: Path, instants: int = 300, kills: int = 20) -> int:
    """Do what is not done yet, then print the figures.

    Returns:
        1 where something was found that must not be, else 0.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # as root, the server's account must reach it
    archive = make_archive(folder)
    places, kill_places = draw(archive, instants), draw(archive, kills, SEED + 1)
    recovered = _all(folder / "recovered.jsonl", instants, lambda i: recover_at(archive, places[i]))
    killed = _all(folder / "killed.jsonl", kills, lambda i: kill_at(archive, kill_places[i]))
    size = archive.last - archive.first
    sys.stdout.write(f"{len(archive.witness)} steps in {size / 1e6:.1f} MB of log\n")
    bad = _report(f"recovered at {instants} instants", recovered)
    return int(bad + _report(f"killed at {kills} instants, restarted, gone on to the end", killed) > 0)


def draw(archive: Archive, n: int, seed: int = SEED) -> list[int]:
    """Places in the log: by turns anywhere in it, and within a step that is drawn, however short it is."""
    rng = np.random.default_rng(seed)
    drawn = []
    for i in range(n):
        step = archive.witness[rng.integers(len(archive.witness))]
        first, last = (step.before, step.after) if i % 2 else (archive.first, archive.last)
        drawn.append(int(rng.integers(first, last)))
    return drawn


def kill_at(archive: Archive, lsn: int) -> Examined:
    """Kill the server of a history once its log is so long; restart, examine, and go on to the end."""
    server = OwnServer(archive.programs, archive.folder / "killed")
    witness = archive.folder / "killed.witness"
    witness.unlink(missing_ok=True)
    server.copy_from(archive.backup)
    server.recover(archive.log, archive.first)
    command = [sys.executable, "-m", "tests.recovery.history", server.url, str(witness)]
    with (archive.folder / "history.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        while process.poll() is None and server.lsn() < lsn:
            time.sleep(0.002)
        server.kill()
        process.wait()
    began = time.monotonic()
    server.start()
    try:
        seconds = time.monotonic() - began
        here = len(read_witness(witness))
        done = archive.witness[here - 1].state if here else None
        if here == len(list_steps()):
            return Examined("nothing: it was through before", seconds=seconds)
        found = examine(server, done, archive.witness[here], is_begun=True)
        found.seconds = seconds
        again = subprocess.run(command, check=False, capture_output=True, text=True)
        if again.returncode:
            found.problems.append(f"it did not go on: {again.stderr[-500:]}")
        elif read_witness(witness)[-1].state != archive.witness[-1].state:
            found.problems.append("it went on, and ended otherwise than without the kill")
        if damage := server.amcheck():
            found.problems.append(f"amcheck at the end: {damage}")
        return found
    finally:
        server.stop()


def _all(kept: Path, n: int, do: Callable[[int], Examined]) -> list[Examined]:
    found = [Examined(**json.loads(line)) for line in kept.read_text().splitlines()] if kept.exists() else []
    with kept.open("a") as file:
        for i in range(len(found), n):
            found.append(do(i))
            file.write(json.dumps(asdict(found[-1])) + "\n")
            file.flush()
    return found[:n]


def _report(title: str, found: list[Examined]) -> int:
    if not found:
        return 0
    recalls = [one.recall for one in found if one.recall is not None]
    seconds = [one.seconds for one in found]
    kinds = sorted({one.step.split()[0] for one in found})
    bad = [one for one in found if one.problems]
    lines = [
        f"{title}, in steps of {len(kinds)} kinds ({', '.join(kinds)}):",
        f"  until it could be asked {np.median(seconds):.1f} s in the median, {max(seconds):.1f} at most",
        f"  index or counts were still to be made: {sum(bool(one.to_do) for one in found)}",
        f"  recall@20 of the vector index: {min(recalls):.3f} at least, {np.mean(recalls):.4f} in the mean",
        f"  with something that must not be: {len(bad)}",
        *(f"    {one.step}: {'; '.join(one.problems)[:300]}" for one in bad[:10]),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return len(bad)


def read_arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """What is asked for on the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.recovery", description=__doc__.partition("\n")[0] if __doc__ else None
    )
    parser.add_argument(
        "folder", type=Path, help="keeps the archive and what was found; every account may enter it"
    )
    parser.add_argument("instants", type=int, nargs="?", default=300, help="places to recover at (300)")
    parser.add_argument("kills", type=int, nargs="?", default=20, help="places to kill at (20)")
    return parser.parse_args(words)


if __name__ == "__main__":
    asked = read_arguments()
    sys.exit(main(asked.folder, asked.instants, asked.kills))
