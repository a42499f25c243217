"""The front door: the names that others may import. Each is imported when it is first asked for."""

from importlib import import_module

TYPE_CHECKING = False  # typing takes longer to import than all else here; type checkers know the name
if TYPE_CHECKING:
    from catalog.client import Catalogue
    from catalog.errors import CatalogError, QueryError
    from catalog.search.request import Cone, Search
    from encoder.errors import EncoderError
    from encoder.finetuning.tuned_file import load_tuned
    from encoder.inference.embed_pictures import embed
    from encoder.model.encoder import load_encoder
    from galcat.errors import WorkflowError

    __version__: str
    JobError = WorkflowError

__all__ = [
    "CatalogError",
    "Catalogue",
    "Cone",
    "EncoderError",
    "QueryError",
    "Search",
    "WorkflowError",
    "__version__",
    "embed",
    "load_encoder",
    "load_tuned",
]

_HOMES = {
    "CatalogError": "catalog.errors",
    "Catalogue": "catalog.client",
    "Cone": "catalog.search.request",
    "EncoderError": "encoder.errors",
    "QueryError": "catalog.errors",
    "Search": "catalog.search.request",
    "WorkflowError": "galcat.errors",
    "embed": "encoder.inference.embed_pictures",
    "load_encoder": "encoder.model.encoder",
    "load_tuned": "encoder.finetuning.tuned_file",
}

_FORMER_NAMES = {"JobError": "WorkflowError"}


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - it imports more than Python itself

        return version("galcat")
    if name in _FORMER_NAMES:
        import warnings  # noqa: PLC0415 - only who uses a former name needs it

        message = f"galcat.{name} is now galcat.{_FORMER_NAMES[name]}; the former name goes with version 0.4"
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        name = _FORMER_NAMES[name]
    if name not in _HOMES:
        raise AttributeError(f"module 'galcat' has no attribute {name!r}")
    found: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
