"""The front door: the names that others may import. Each is imported when it is first asked for."""

from importlib import import_module

TYPE_CHECKING = False  # typing takes longer to import than all else here; type checkers know the name
if TYPE_CHECKING:
    from catalog.client import Catalogue
    from catalog.errors import CatalogError, QueryError
    from catalog.search.search import Cone, Search
    from encoder.errors import EncoderError
    from encoder.finetuning.tuned_file import load_tuned
    from encoder.inference.embed_pictures import embed
    from encoder.model.encoder import load_encoder
    from galcat.errors import JobError

    __version__: str

__all__ = [
    "CatalogError",
    "Catalogue",
    "Cone",
    "EncoderError",
    "JobError",
    "QueryError",
    "Search",
    "__version__",
    "embed",
    "load_encoder",
    "load_tuned",
]

_HOMES = {
    "CatalogError": "catalog.errors",
    "Catalogue": "catalog.client",
    "Cone": "catalog.search.search",
    "EncoderError": "encoder.errors",
    "JobError": "galcat.errors",
    "QueryError": "catalog.errors",
    "Search": "catalog.search.search",
    "embed": "encoder.inference.embed_pictures",
    "load_encoder": "encoder.model.encoder",
    "load_tuned": "encoder.finetuning.tuned_file",
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - it imports more than Python itself

        return version("galcat")
    if name not in _HOMES:
        raise AttributeError(f"module 'galcat' has no attribute {name!r}")
    found: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
