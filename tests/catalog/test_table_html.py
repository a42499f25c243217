"""A table as HTML: pictures beside their galaxies, and every value as text."""

import base64
from html.parser import HTMLParser

from catalog.result import Result
from catalog.table_html import page_html, table_html


class Cells(HTMLParser):
    """Gathers the text of the cells and the sources of pictures."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.pictures: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "img":
            self.pictures.append(str(dict(attrs)["src"]))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_values_are_text_and_pictures_stand_beside_their_galaxies() -> None:
    found = Cells(table_html(("object_id", "note"), [(7, "<script>x</script>"), (8, None)], {7: b"jpeg"}))
    assert found.pictures == ["data:image/jpeg;base64," + base64.b64encode(b"jpeg").decode()]
    assert found.texts == ["object_id", "note", "7", "<script>x</script>", "8", "\u2013", "2 rows"]
    assert "script" not in found.tags


def test_a_notebook_gets_the_first_rows_with_pictures_and_a_short_line() -> None:
    asked: list[list[int]] = []

    def read(ids: list[int]) -> dict[int, bytes]:
        asked.append(ids)
        return {3: b"three"}

    result = Result(("object_id",), [(i,) for i in range(120)], read_pictures=read)
    found = Cells(result._repr_html_())
    assert asked == [list(range(50))]
    assert len(found.pictures) == 1
    assert found.texts[-1] == "the first 50 of 120 rows"
    assert repr(result) == "<Result: 120 rows of object_id>"
    assert Cells(Result(("a",), [(1,)])._repr_html_()).pictures == []


def test_a_page_needs_nothing_but_itself() -> None:
    text = page_html("<b>", "SELECT '<i>'", table_html(("a",), [(1,)], {}))
    assert "<h1>&lt;b&gt;</h1>" in text
    assert "SELECT &#x27;&lt;i&gt;&#x27;" in text
    assert "default-src 'none'" in text
