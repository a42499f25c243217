"""On which real galaxies a release's vote fractions were measured, and how they did."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from encoder.errors import WeightsError

ERROR = "error_over_constant"
"""Mean absolute error of a question's fractions over that of the training galaxies' mean."""


@dataclass(frozen=True)
class Measured:
    """What was measured on real galaxies that a release was not fitted on.

    Attributes:
        sample: The galaxies, as a phrase: "294 real SDSS galaxies with all Galaxy Zoo 2 votes".
        questions: The figures by name of each question that was measured, by its name in columns:
            `error_over_constant`, and what else there is (`galaxies`, `bias`, `coverage_90`, `auc`).
    """

    sample: str
    questions: Mapping[str, Mapping[str, float]]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, for a weights file or the catalogue."""
        return {"sample": self.sample, "questions": {q: dict(f) for q, f in self.questions.items()}}

    @classmethod
    def from_dict(cls, raw: object) -> "Measured":
        """The figures of which `to_dict` gave this dictionary.

        Raises:
            WeightsError: It is something else, or a question lacks its `error_over_constant`.
        """
        try:
            questions = {
                str(question): {str(name): float(value) for name, value in figures.items()}
                for question, figures in raw["questions"].items()  # type: ignore[index]
            }
            sample = str(raw["sample"])  # type: ignore[index]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise WeightsError(f"its entry `measured` is not as it must be: {error!r}") from error
        lacking = [question for question, figures in questions.items() if ERROR not in figures]
        if lacking or not sample.strip():
            raise WeightsError(
                f"its entry `measured` lacks {f'{ERROR} of {lacking[0]}' if lacking else 'a sample'}"
            )
        return cls(sample, questions)


def find_shipped_measured(sha256: str) -> Measured | None:
    """The figures of a weights file that ships without an entry of its own, from the JSON file beside it.

    Args:
        sha256: Digest of the weights file; the JSON names the file that it speaks of by it.

    Returns:
        None where no such file speaks of these weights.
    """
    for entry in (resources.files("encoder") / "weights").iterdir():
        if entry.name.endswith(".measured.json"):
            raw = json.loads(entry.read_text(encoding="utf-8"))
            if raw["sha256"] == sha256:
                return Measured.from_dict(raw)
    return None
