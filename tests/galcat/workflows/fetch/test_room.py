"""What has come of the files needs no room any more."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from galcat.errors import WorkflowError
from galcat.workflows.fetch.download import part_path
from galcat.workflows.fetch.plan import FetchPlan, RemoteFile, require_room


def test_only_what_is_still_to_come_has_to_fit_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, begun, new, unknown = (tmp_path / name for name in ("whole", "begun", "new", "unknown"))
    whole.write_bytes(bytes(1_000))
    part_path(begun).write_bytes(bytes(900))
    unknown.write_bytes(bytes(5_000))  # of unknown length: what is there makes no room for others
    lengths = {whole: 1_000, begun: 1_000, new: 200, unknown: None}
    plan = FetchPlan({"a": tuple(RemoteFile("", path, n) for path, n in lengths.items())}, {})
    free = SimpleNamespace(free=300)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    require_room(plan, tmp_path / "not" / "there")
    free.free = 299
    with pytest.raises(WorkflowError, match="are free: ask for less"):
        require_room(plan, tmp_path)
