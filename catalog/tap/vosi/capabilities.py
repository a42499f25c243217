"""/tap/capabilities: what the service can do (VOSI 1.1, TAPRegExt 1.0, ADQL 2.1)."""

from catalog.adql.functions.registry import USER_FUNCTIONS
from catalog.formats.choose import FORMATS, Format
from catalog.formats.xml import HEAD, element, text
from catalog.tap.limits import ServiceLimits

_NAMESPACES = {
    "xmlns:vosi": "http://www.ivoa.net/xml/VOSICapabilities/v1.0",
    "xmlns:vr": "http://www.ivoa.net/xml/VOResource/v1.0",
    "xmlns:vs": "http://www.ivoa.net/xml/VODataService/v1.1",
    "xmlns:tr": "http://www.ivoa.net/xml/TAPRegExt/v1.0",
    "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
}
_TAPREGEXT = "ivo://ivoa.net/std/TAPRegExt#"
"""ADQL 2.1 writes it in lower case, which older tools do not know."""
_FEATURES = {
    "adqlgeo": (
        "AREA BOX CENTROID CIRCLE CONTAINS COORD1 COORD2 COORDSYS DISTANCE INTERSECTS POINT POLYGON REGION"
    ),
    "adql-string": "LOWER UPPER ILIKE",
    "adql-common-table": "WITH",
    "adql-sets": "UNION EXCEPT INTERSECT",
    "adql-type": "CAST",
    "adql-unit": "IN_UNIT",
    "adql-offset": "OFFSET",
}
"""By section of ADQL 2.1; not COALESCE, whose key, adql-conditional, is an error to stilts 3.4."""
_OUTPUTS = {"votable": "output-votable-binary2", "votable/td": "output-votable-td"}
_UPLOADS = ("upload-inline", "upload-http")
"""By http only results of the service's own jobs."""
_DAY_S = 86_400


def write_capabilities(base_url: str, limits: ServiceLimits) -> bytes:
    """Write the document, for a service at `base_url`."""
    tap = f"{base_url}/tap"
    return (
        HEAD
        + element(
            "vosi:capabilities",
            _table_access(tap, limits),
            _endpoint("VOSI#capabilities", f"{tap}/capabilities"),
            _endpoint("VOSI#availability", f"{tap}/availability"),
            _endpoint("VOSI#tables-1.1", f"{tap}/tables", version="1.1"),
            _endpoint("DALI#examples", f"{tap}/examples", kind="vr:WebBrowser"),
            given=_NAMESPACES,
        )
    ).encode()


def _table_access(tap: str, limits: ServiceLimits) -> str:
    return element(
        "capability",
        _interface(tap, "vs:ParamHTTP", "1.1", use="base"),
        text("dataModel", "ObsCore-1.1", {"ivo-id": "ivo://ivoa.net/std/ObsCore#core-1.1"}),
        _language(),
        *(_output(form) for form in FORMATS),
        *(f'<uploadMethod ivo-id="{_TAPREGEXT}{method}"/>\n' for method in _UPLOADS),
        _limit("retentionPeriod", limits.job_days * _DAY_S, limits.max_job_days * _DAY_S),
        _limit("executionDuration", limits.job_seconds, limits.max_job_seconds),
        _limit("outputLimit", limits.rows, limits.max_rows, {"unit": "row"}),
        _limit("uploadLimit", limits.upload_bytes, limits.upload_bytes, {"unit": "byte"}),
        given={"standardID": "ivo://ivoa.net/std/TAP", "xsi:type": "tr:TableAccess"},
    )


def _language() -> str:
    features = [
        _feature_list(name, [element("feature", text("form", form)) for form in forms.split()])
        for name, forms in _FEATURES.items()
    ]
    functions = [
        element("feature", text("form", one.signature), text("description", one.description))
        for one in USER_FUNCTIONS
    ]
    return element(
        "language",
        text("name", "ADQL"),
        text("version", "2.0", {"ivo-id": "ivo://ivoa.net/std/ADQL#v2.0"}),
        text("version", "2.1", {"ivo-id": "ivo://ivoa.net/std/ADQL#v2.1"}),
        text("description", "ADQL 2.1; regions are circles and polygons, positions are ICRS in degrees."),
        _feature_list("udf", functions),
        *features,
    )


def _feature_list(name: str, features: list[str]) -> str:
    return element("languageFeatures", *features, given={"type": f"{_TAPREGEXT}features-{name}"})


def _output(form: Format) -> str:
    known = _OUTPUTS.get(form.name)
    return "".join(
        element(
            "outputFormat",
            text("mime", mime),
            *(text("alias", alias) for alias in form.aliases if mime == form.mime_types[0]),
            given={"ivo-id": f"{_TAPREGEXT}{known}" if known and mime == form.mime_types[0] else ""},
        )
        for mime in form.mime_types
    )


def _limit(name: str, default: int, hard: int, given: dict[str, str] | None = None) -> str:
    return element(name, text("default", str(default), given or {}), text("hard", str(hard), given or {}))


def _endpoint(standard: str, url: str, kind: str = "vs:ParamHTTP", version: str = "1.0") -> str:
    interface = _interface(url, kind, version, use="full")
    return element("capability", interface, given={"standardID": f"ivo://ivoa.net/std/{standard}"})


def _interface(url: str, kind: str, version: str, use: str) -> str:
    given = {"role": "std", "version": version, "xsi:type": kind}
    return element("interface", text("accessURL", url, {"use": use}), given=given)
