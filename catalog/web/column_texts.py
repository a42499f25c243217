"""The questions of Galaxy Zoo and the other columns, in words that a newcomer knows."""

from dataclasses import dataclass, field

from catalog.questions import QUESTIONS


@dataclass(frozen=True)
class Question:
    """A question of Galaxy Zoo DECaLS, as volunteers were asked it.

    Attributes:
        key: What the names of its columns begin with.
        title: Its name in a word or two.
        text: The question as people are asked it.
        when: Which volunteers were asked it.
        answers: Each answer in words, by its name in the columns.
        parent: The column of the answer that leads to it; empty where everybody is asked.
    """

    key: str
    title: str
    text: str
    when: str
    answers: dict[str, str]
    parent: str = ""

    @property
    def columns(self) -> dict[str, str]:
        """The column of the vote fraction of each answer, with the answer in words."""
        return {f"{self.key}_{answer}_fraction": words for answer, words in self.answers.items()}


_FEATURED = "smooth_or_featured_featured_or_disk_fraction"
_FACE_ON = "disk_edge_on_no_fraction"
_ARMS = "has_spiral_arms_yes_fraction"
_WORDS: dict[str, tuple[str, str, str, str, tuple[str, ...]]] = {
    "smooth_or_featured": (
        "Smooth or featured",
        "Is the galaxy simply smooth and rounded, with no sign of a disk?",
        "everybody",
        "",
        ("smooth", "features or disk", "star or artifact"),
    ),
    "disk_edge_on": (
        "Edge-on",
        "Could this be a disk viewed edge-on?",
        "those who saw features or a disk",
        _FEATURED,
        ("edge-on", "not edge-on"),
    ),
    "has_spiral_arms": (
        "Spiral arms",
        "Is there any sign of a spiral arm pattern?",
        "those who saw a disk that is not edge-on",
        _FACE_ON,
        ("spiral arms", "no spiral arms"),
    ),
    "bar": (
        "Bar",
        "Is there a bar feature through the centre of the galaxy?",
        "those who saw a disk that is not edge-on",
        _FACE_ON,
        ("strong bar", "weak bar", "no bar"),
    ),
    "bulge_size": (
        "Bulge",
        "How prominent is the central bulge, compared with the rest of the galaxy?",
        "those who saw a disk that is not edge-on",
        _FACE_ON,
        ("dominant bulge", "large bulge", "moderate bulge", "small bulge", "no bulge"),
    ),
    "how_rounded": (
        "Roundness",
        "How rounded is it?",
        "those who saw a smooth galaxy",
        "smooth_or_featured_smooth_fraction",
        ("completely round", "in between", "cigar-shaped"),
    ),
    "edge_on_bulge": (
        "Edge-on bulge",
        "Does the galaxy have a bulge at its centre? If so, what shape?",
        "those who saw a disk edge-on",
        "disk_edge_on_yes_fraction",
        ("boxy bulge", "no bulge", "rounded bulge"),
    ),
    "spiral_winding": (
        "Winding of the arms",
        "How tightly wound do the spiral arms appear?",
        "those who saw spiral arms",
        _ARMS,
        ("tightly wound", "medium wound", "loosely wound"),
    ),
    "spiral_arm_count": (
        "Number of arms",
        "How many spiral arms are there?",
        "those who saw spiral arms",
        _ARMS,
        (
            "one arm",
            "two arms",
            "three arms",
            "four arms",
            "more than four arms",
            "arms that cannot be counted",
        ),
    ),
    "merging": (
        "Merging",
        "Is the galaxy currently merging, or is there any sign of tidal debris?",
        "those who saw a galaxy, smooth or featured",
        "",
        ("undisturbed", "minor disturbance", "major disturbance", "merger"),
    ),
}


def _make_questions() -> tuple[Question, ...]:
    made = []
    for key, names in QUESTIONS.items():
        title, text, when, parent, answers = _WORDS[key]
        made.append(Question(key, title, text, when, dict(zip(names, answers, strict=True)), parent))
    return tuple(made)


TREE = _make_questions()
"""The questions in the order in which volunteers meet them."""
QUESTION_OF = {column: question for question in TREE for column in question.columns}

WORDS: dict[str, str] = {
    "object_id": "id",
    "ra": "right ascension",
    "dec": "declination",
    "mag_g": "g magnitude",
    "mag_r": "r magnitude",
    "mag_i": "i magnitude",
    "mag_z": "z magnitude",
    "petro_th50": "half-light radius (Petrosian)",
    "petro_th90": "90 % radius (Petrosian)",
    "shape_r": "half-light radius",
    "anomaly_score": "strangeness",
    "framing_flag": "doubts about the frame",
    "domain_distance": "distance from the pictures learnt from",
    "survey": "survey",
    "tile": "tile",
    "unlikeness": "distance",
    "separation": "separation",
    **{column: words for question in TREE for column, words in question.columns.items()},
    **{f"{q.key}_concentration": f"certainty of \u201c{q.title}\u201d, in votes" for q in TREE},
    **{f"{q.key}_proportion_asked": f"share asked about \u201c{q.title}\u201d" for q in TREE},
}
"""What a column is called on the page."""

UNASKED = 0.5
"""Below this share of volunteers that a question reaches, its answers say little."""


@dataclass(frozen=True)
class FacetGroup:
    """Columns whose ranges can be chosen together; `is_open` where they are seen at once."""

    title: str
    columns: tuple[str, ...]
    is_open: bool = False
    note: str = field(default="")


def call(column: str) -> str:
    """What a column is called on the page: in words where there are some, else by its name."""
    return WORDS.get(column, column.replace("_", " "))


def hint_of(column: str, description: str, unit: str) -> str:
    """How to read a column and cut on it, in a sentence or two."""
    question = QUESTION_OF.get(column)
    if question is not None and question.key != "smooth_or_featured":
        asked = f"{question.key}_proportion_asked"
        return f"Asked of {question.when}. Cut on both: {asked} > 0.5 AND {column} > 0.7."
    for ending, hint in _HINTS.items():
        if column == ending or (len(ending) > 3 and (column.startswith(ending) or column.endswith(ending))):  # noqa: PLR2004 - not `ra`, `dec`
            return hint.format(column=column)
    return "" if description or unit else column


_SKY = "For a place on the sky use CONTAINS(POINT(ra, dec), CIRCLE(150.1, 2.0, 0.1)), which an index serves."
_HINTS = {
    "_fraction": "{column} > 0.7 keeps galaxies of which most volunteers would say so.",
    "_proportion_asked": f"Below {UNASKED} the question reached few: its answers say little there.",
    "_concentration": (
        "The larger, the narrower the interval, whose lower end is "
        "galcat_fraction_quantile(fraction, this, 0.05)."
    ),
    "mag_": "Smaller is brighter: {column} < 17 keeps bright galaxies.",
    "anomaly_score": "0 is ordinary, near 1 is stranger than nearly all others: anomaly_score > 0.99.",
    "_probability": "Learnt from people's labels: {column} > 0.8.",
    "ra": _SKY,
    "dec": _SKY,
}
"""Hints by what a column's name begins or ends with."""
