"""What can go wrong between pixels and vectors."""


def first_line(error: BaseException) -> str:
    """The first line of an error's text; the name of its type where it has none."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


class EncoderError(Exception):
    """Base of every error a user of `encoder` can cause; its text is one line."""


class SurveyError(EncoderError):
    """A survey description is unknown or wrong."""


class TileError(EncoderError):
    """A tile cannot be read whole; nothing of it is used."""


class NoRowsError(TileError):
    """A table is whole and has no rows."""


class ImageError(EncoderError):
    """One cutout image cannot be read."""


class FrameError(EncoderError):
    """The frame that is asked for is not understood, or cannot be had."""


class WeightsError(EncoderError):
    """A weights file is missing, damaged or of another shape."""


class LabelTableError(EncoderError):
    """A table of labels or votes is missing or wrong."""


class TrainingError(EncoderError):
    """A training configuration is wrong, or cannot be followed."""


class EvaluationError(EncoderError):
    """What an encoder should be judged on is missing or wrong."""


class LearningError(EncoderError):
    """A task of labels is wrong, or too little to learn from."""
