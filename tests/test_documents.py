"""What the documents say of files, versions and days is true."""

import ast
import re
import shutil
import subprocess
import tomllib
from datetime import date
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "sql" / "README.md"])
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_to_a_file_of_the_project_finds_it(document: Path) -> None:
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text)]
    files = [link for link in links if link and "://" not in link]
    missing = [link for link in files if not (document.parent / link).exists()]
    assert missing == []


def test_every_page_stands_in_the_index_of_the_documents() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"}
    assert {page for page in pages if f"({page})" not in index} == set()


def test_the_version_and_its_day_are_the_same_everywhere() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    newest = re.search(
        r"^## (\S+) \((\d{4}-\d\d-\d\d)\)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert newest is not None
    wanted = PYPROJECT["project"]["version"]
    assert (newest[1], citation["version"], version("galcat")) == (wanted, wanted, wanted)
    assert citation["date-released"] == date.fromisoformat(newest[2])


def test_the_folders_that_the_architecture_names_are_those_of_the_wheel() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| \[`(\w+)/`\]", text, re.MULTILINE)
    figure = (ROOT / "docs" / "architecture.svg").read_text(encoding="utf-8")
    packages = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert sorted(table) == sorted([*packages, "sql"])
    assert [folder for folder in table if f"{folder}/" not in figure] == []
    private = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert [package for package in packages if f"`{package}`" not in private] == []


def test_every_line_of_the_status_that_may_need_care_has_its_remedy_in_the_operators_guide() -> None:
    sources = [
        ROOT / "catalog" / "releases" / "state.py",
        ROOT / "galcat" / "workflows" / "watch" / "state.py",
    ]
    calls = [
        call
        for source in sources
        for call in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and ast.unparse(call.func) in {"Finding", "_free"}
    ]
    needy = [call for call in calls if len(call.args) > 2 or ast.unparse(call.func) == "_free"]
    names = {call.args[0].value for call in needy if isinstance(call.args[0], ast.Constant)}
    guide = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
    assert {"schema", "disk", "database disk", "alarms"} <= names
    assert [name for name in sorted(names) if f"| `{name}` |" not in guide] == []


def test_makefile_and_image_ask_for_the_pytorch_that_the_project_asks_for() -> None:
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in ("Makefile", "docker/Dockerfile")]
    for dependency in PYPROJECT["project"]["dependencies"]:
        if re.match(r"torch(vision)?\b", dependency):
            assert all(f"'{dependency}'" in text for text in texts)


@pytest.mark.parametrize("index", ["", "https://example.org/cpu"])
def test_make_installs_other_builds_of_pytorch_where_it_is_told_to_and_only_there(
    tmp_path: Path, index: str
) -> None:
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    command = ["make", "--dry-run", "install", f"TORCH_INDEX={index}", "PYTHON=true"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    first = "true -m venv .venv"
    torch = f"pip install --quiet --index-url '{index}' 'torch>=2.9,<3' 'torchvision>=0.24,<1'"
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    place = lines.index(first) + 1
    assert lines[place].endswith(torch if index else "pip install --quiet --editable .")
    assert ("torch" in done.stdout) == bool(index)
