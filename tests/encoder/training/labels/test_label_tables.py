from pathlib import Path

import pandas as pd
import pytest

from encoder.errors import LabelTableError
from encoder.training.labels.label_tables import read_labels, require_unique, vote_counts


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,a\nx,1\n", "has no column 'b'"),
        ("id,a,b\n", "has no rows"),
        ("id,a,b\nx,1,2\ny,one,3\n", "row 1: a = 'one' is no number"),
        ("id,a,b\nx,1,inf\n", "row 0: b = 'inf' is no number"),
        ("id,a,b\n,1,2\n", "row 0: no id"),
        ("id,a,b\nx,1,2\nx,3,4\n", "row 1: 'x' occurs twice"),
        ("id,a,b\nx,1,-2\n", "row 0: b = -2 is no vote count"),
        ("id,a,b\nx,1.5,2\n", "row 0: a = 1.5 is no vote count"),
        ('id,a,b\n"x,1,2\n', "cannot be read"),
    ],
)
def test_a_wrong_table_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(LabelTableError) as caught:
        vote_counts(require_unique(read_labels(path, "id", ["a", "b"]), "id", path), ["a", "b"], path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_table_keeps_names_as_text_and_reads_no_count_as_0(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("id,a\n007,1\n8,\n")
    expected = pd.DataFrame({"id": ["007", "8"], "a": [1.0, 0.0]})
    pd.testing.assert_frame_equal(read_labels(path, "id", ["a"]), expected, check_dtype=False)
    expected.to_parquet(tmp_path / "labels.parquet")
    pd.testing.assert_frame_equal(
        read_labels(tmp_path / "labels.parquet", "id", ["a"]), expected, check_dtype=False
    )
    with pytest.raises(LabelTableError, match=r"labels\.parquet has no column 'b'"):
        read_labels(tmp_path / "labels.parquet", "id", ["b"])
    with pytest.raises(LabelTableError, match="no label table"):
        read_labels(tmp_path / "none.csv", "id", [])
