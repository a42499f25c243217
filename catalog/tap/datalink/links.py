"""The links of galaxies as a VOTable (DataLink 1.1, section 3)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from catalog.columns import ColumnMeta
from catalog.formats.choose import VOTABLE
from catalog.formats.votable.writer import TabledataWriter
from catalog.formats.writer import Ending, Heading, Row
from catalog.formats.xml import quote
from catalog.tap.datalink.cutout import BANDS_M
from catalog.tap.datalink.cutout_response import FITS
from catalog.tap.datalink.galaxy_files import GalaxyFiles
from catalog.tap.datalink.thumbnail import JPEG

DATALINK = f"{VOTABLE};content=datalink"
_STANDARD = "ivo://ivoa.net/std/DataLink#links-1.1"
_END = b"</VOTABLE>\n"
_COLUMNS = (
    ColumnMeta("ID", "char", "*", ucd="meta.id;meta.main", description="Identifier, as it was asked for"),
    ColumnMeta("access_url", "char", "*", ucd="meta.ref.url", description="Where it can be had"),
    ColumnMeta("service_def", "char", "*", ucd="meta.ref", description="ID of the service that makes it"),
    ColumnMeta("error_message", "char", "*", ucd="meta.code.error", description="Why there is nothing"),
    ColumnMeta("semantics", "char", "*", ucd="meta.code", description="What it is to the galaxy"),
    ColumnMeta("description", "char", "*", ucd="meta.note", description="The same in words"),
    ColumnMeta("content_type", "char", "*", ucd="meta.code.mime", description="Media type"),
    ColumnMeta("content_length", "long", unit="byte", ucd="phys.size;meta.file", description="Size"),
    ColumnMeta("link_auth", "char", "*", ucd="meta.code", description="Whether one has to log in"),
    ColumnMeta("link_authorized", "boolean", ucd="meta.code", description="Whether the caller may have it"),
)
_SERVICE = """\
<RESOURCE type="meta" utype="adhoc:service" ID="cutout" name="Cutout">
<DESCRIPTION>The pixels around the galaxy, as they lie in the tile, in flux</DESCRIPTION>
<PARAM name="standardID" datatype="char" arraysize="*" value="ivo://ivoa.net/std/SODA#sync-1.0"/>
<PARAM name="accessURL" datatype="char" arraysize="*" value={url}/>
<PARAM name="contentType" datatype="char" arraysize="*" value="{fits}"/>
<GROUP name="inputParams">
<PARAM name="ID" datatype="char" arraysize="*" ucd="meta.ref.url;meta.curation" ref="ID" value="">
<DESCRIPTION>The galaxy</DESCRIPTION>
</PARAM>
<PARAM name="CIRCLE" datatype="double" arraysize="3" xtype="circle" unit="deg" ucd="pos.outline;obs" value="">
<DESCRIPTION>What to enclose; without it, the field of the Galaxy Zoo cutout</DESCRIPTION>
</PARAM>
<PARAM name="BAND" datatype="double" arraysize="2" xtype="interval" unit="m"
 ucd="em.wl;stat.interval" value="">
<DESCRIPTION>Wavelengths; without it, all bands</DESCRIPTION>
<VALUES><MIN value="{shortest}"/><MAX value="{longest}"/></VALUES>
</PARAM>
</GROUP>
</RESOURCE>
"""


@dataclass(frozen=True)
class LinkRequest:
    """An identifier that a client asked for, and the galaxy that it stands for.

    Attributes:
        name: The identifier as the client wrote it.
        galaxy: The galaxy of that identifier; None where there is none.
        is_cuttable: Whether the galaxy's tile can still be read, so that cutouts can be made.
    """

    name: str
    galaxy: GalaxyFiles | None
    is_cuttable: bool = False


def write_links(link_requests: Sequence[LinkRequest], base_url: str, *, is_cut: bool) -> bytes:
    """Write a VOTable of all links, those of a galaxy one after the other.

    Args:
        link_requests: The identifiers that were asked for, and their galaxies.
        base_url: The URL of the service, without a slash at its end.
        is_cut: Whether there were more identifiers than are served at once.
    """
    writer = TabledataWriter()
    start = writer.start(_COLUMNS, Heading(info={"standardID": _STANDARD}))
    rows = writer.rows([row for one in link_requests for row in _write_rows(one, base_url)])
    whole = start + rows + b"".join(writer.end(Ending(is_cut=is_cut)))
    if not any(one.is_cuttable for one in link_requests):
        return whole
    return whole.removesuffix(_END) + _write_service(base_url) + _END


def _write_rows(link_request: LinkRequest, base_url: str) -> Iterator[Row]:
    galaxy = link_request.galaxy
    if galaxy is None:
        error = f"NotFoundFault: {link_request.name} is no galaxy of this catalogue"
        yield link_request.name, None, None, error, "#this", None, None, None, None, None
        return
    yield _write_link(link_request, "#this", _row_url(base_url, galaxy), "Its row in galcat.galaxy", VOTABLE)
    if galaxy.thumbnail_bytes is not None:
        url = f"{base_url}/datalink/thumbnail/{galaxy.object_id}.jpg"
        yield _write_link(
            link_request, "#preview", url, "A small colour picture", JPEG, galaxy.thumbnail_bytes
        )
    if link_request.is_cuttable:
        url = f"{base_url}/datalink/cutout?ID={galaxy.object_id}"
        yield _write_link(link_request, "#cutout", url, "Its Galaxy Zoo field in all bands, in flux", FITS)
        text = "A field of your choice, in the bands of your choice"
        yield link_request.name, None, "cutout", None, "#cutout", text, FITS, None, "false", True


def _write_link(
    link_request: LinkRequest, semantics: str, url: str, text: str, kind: str, size: int | None = None
) -> Row:
    return link_request.name, url, None, None, semantics, text, kind, size, "false", True


def _row_url(base_url: str, galaxy: GalaxyFiles) -> str:
    query = f"SELECT * FROM galcat.galaxy WHERE object_id = {galaxy.object_id}"  # noqa: S608 - ADQL
    return f"{base_url}/tap/sync?{urlencode({'LANG': 'ADQL', 'QUERY': query})}"


def _write_service(base_url: str) -> bytes:
    edges = [edge for band in BANDS_M.values() for edge in band]
    url = quote(f"{base_url}/datalink/cutout")
    return _SERVICE.format(url=url, fits=FITS, shortest=min(edges), longest=max(edges)).encode()
