"""Write the demonstration's answers into README.md: `make demo`, then `python docs/update_readme.py`."""

import io
import shutil
from pathlib import Path

from rich.console import Console

from catalog.database.read_only import run_query
from catalog.result import Result
from catalog.settings import load_settings
from galcat.cli.commands.demo import questions
from galcat.cli.open_catalogue import open_to_read
from galcat.cli.tables import as_table

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- answers: begin -->", "<!-- answers: end -->"


def main() -> None:
    """Replace what stands between the two marks, and the picture."""
    with open_to_read() as connection:
        answers = [
            f"**{question}**\n\n```sql\n{query}\n```\n```\n{_text(run_query(connection, query))}\n```"
            for question, query in questions()
        ]
    readme = ROOT / "README.md"
    before, rest = readme.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    body = "\n\n".join(answers)
    readme.write_text(f"{before}{BEGIN}\n\n{body}\n\n{END}{after}", encoding="utf-8")
    shutil.copyfile(load_settings().home / "demo_similar.png", ROOT / "docs" / "similar.png")


def _text(result: Result) -> str:
    file = io.StringIO()
    Console(file=file, width=300).print(as_table(result))
    return "\n".join(line.rstrip() for line in file.getvalue().rstrip().splitlines())


if __name__ == "__main__":
    main()
