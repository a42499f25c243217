"""Text from outside as Postgres can hold it."""


def storable(text: str) -> str:
    """The same text; NUL and lone surrogates become a mark of replacement."""
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()
