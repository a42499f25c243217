"""Writes an error as a VOTable (DALI 1.1, section 4.4.2)."""

from catalog.formats.votable.document import HEAD, info


def votable_error(message: str, **infos: str) -> bytes:
    """Write a document with QUERY_STATUS = ERROR.

    Args:
        message: One line that says to the user what is wrong.
        infos: Names and values of further INFO elements.
    """
    others = "".join(info(name, value) for name, value in infos.items())
    status = info("QUERY_STATUS", "ERROR", message)
    return f'{HEAD}<RESOURCE type="results">\n{status}{others}</RESOURCE>\n</VOTABLE>\n'.encode()
