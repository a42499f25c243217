"""The task that a tuning learns."""

from dataclasses import dataclass

from encoder.errors import TaskError


@dataclass(frozen=True)
class TunedTask:
    """What is learnt.

    Attributes:
        name: Short.
        question: As it was asked.
        classes: The possible answers, 2 or more.
    """

    name: str
    question: str
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", tuple(self.classes))
        if len(self.classes) < 2:  # noqa: PLR2004 - a choice
            raise TaskError(f"task {self.name!r} has the classes {self.classes}: 2 or more are needed")
        if len(set(self.classes)) < len(self.classes):
            raise TaskError(f"task {self.name!r} names a class twice: {', '.join(self.classes)}")
