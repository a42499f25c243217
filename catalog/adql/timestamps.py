"""Times written in a query: text of DALI 1.1 becomes a parameter of the type timestamp."""

import re
from datetime import datetime

from catalog.adql.errors import AdqlError
from catalog.adql.scope import Scope
from catalog.adql.value import Kind, Value, make_value

_TIMESTAMP_FORM = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?Z?")


def make_timestamp(text: str, scope: Scope, offset: int | None) -> Value:
    """Bind YYYY-MM-DD['T'hh:mm:ss[.SSS]['Z']] to a parameter (DALI 1.1, section 3.3.3)."""
    try:
        moment = (
            datetime.fromisoformat(text.strip().removesuffix("Z"))
            if _TIMESTAMP_FORM.fullmatch(text.strip())
            else None
        )
    except ValueError:
        moment = None
    if moment is None:
        raise AdqlError(f"{text!r} is no time: write 'YYYY-MM-DDThh:mm:ss', UTC", offset)
    return make_value(scope.context.parameters.bind(moment, "timestamp"), Kind.TIMESTAMP)
