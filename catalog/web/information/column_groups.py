"""The columns under headings, as the dictionary of columns shows them."""

from catalog.columns import ColumnMeta
from catalog.web.column_texts import QUESTION_OF, TREE, call


def group_columns(columns: list[ColumnMeta], word: str = "") -> list[tuple[str, str, list[ColumnMeta]]]:
    """The columns under headings with a sentence each; only those that hold a word, if one is given."""
    groups: dict[str, tuple[str, list[ColumnMeta]]] = {
        "Identity and place": ("", []),
        "Brightness and size": ("", []),
    }
    for question in TREE:
        groups[question.title] = (f"{question.text} Asked of {question.when}.", [])
    groups |= {"Strangeness and doubts": ("", []), "Learnt from labels": ("", [])}
    for column in columns:
        words = f"{column.name} {call(column.name)} {column.description}".lower()
        if (
            all(part in words for part in word.lower().replace("_", " ").split())
            or word.lower() in column.name
        ):
            groups[_group_of(column.name)][1].append(column)
    return [(title, note, found) for title, (note, found) in groups.items() if found]


def _group_of(name: str) -> str:
    question = QUESTION_OF.get(name)
    if question is None:
        question = next(
            (one for one in TREE if name in {f"{one.key}_concentration", f"{one.key}_proportion_asked"}), None
        )
    if question is not None:
        return question.title
    if name.startswith(("mag_", "petro_", "shape_", "pixel_")):
        return "Brightness and size"
    if name.endswith(("_probability", "_uncertainty", "_interest")):
        return "Learnt from labels"
    is_odd = name.startswith(("anomaly", "framing", "domain"))
    return "Strangeness and doubts" if is_odd else "Identity and place"
