"""Times as DALI writes them, in UTC."""

import re
from datetime import datetime

from catalog.adql.errors import AdqlError
from catalog.adql.scope import Scope
from catalog.adql.value import Kind, Value, of_kind

_FORM = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?Z?")


def timestamp(text: str, scope: Scope, place: int | None) -> Value:
    """YYYY-MM-DD['T'hh:mm:ss[.SSS]['Z']] as a parameter (DALI 1.1, section 3.3.3)."""
    try:
        moment = (
            datetime.fromisoformat(text.strip().removesuffix("Z")) if _FORM.fullmatch(text.strip()) else None
        )
    except ValueError:
        moment = None
    if moment is None:
        raise AdqlError(f"{text!r} is no time: write 'YYYY-MM-DDThh:mm:ss', UTC", place)
    return of_kind(scope.context.parameters.bind(moment, "timestamp"), Kind.TIMESTAMP)
