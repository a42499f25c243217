"""A position in both notations, and where other services show it."""

from urllib.parse import quote

Links = tuple[tuple[str, str], ...]
_TURN_S = 86_400


def degrees_text(ra_deg: float, dec_deg: float) -> str:
    """Right ascension and declination in degrees, as every service takes them."""
    return f"{ra_deg:.6f} {dec_deg:+.6f}"


def sexagesimal(ra_deg: float, dec_deg: float) -> str:
    """Hours, minutes, seconds and degrees, minutes, seconds, with colons."""
    tenths = round(ra_deg / 15 * 3600 * 1000) % (_TURN_S * 1000)
    arc = round(abs(dec_deg) * 3600 * 100)
    sign = "-" if dec_deg < 0 and arc else "+"
    ra = f"{tenths // 3_600_000:02d}:{tenths // 60_000 % 60:02d}:{tenths % 60_000 / 1000:06.3f}"
    dec = f"{sign}{arc // 360_000:02d}:{arc // 6_000 % 60:02d}:{arc % 6_000 / 100:05.2f}"
    return f"{ra} {dec}"


def links_out(ra_deg: float, dec_deg: float) -> Links:
    """Name and address of services that show what lies there; plain links, nothing is fetched from them."""
    ra, dec = f"{ra_deg:.6f}", f"{dec_deg:.6f}"
    place = quote(f"{ra} {dec_deg:+.6f}")
    return (
        (
            "Legacy Surveys viewer",
            f"https://www.legacysurvey.org/viewer?ra={ra}&dec={dec}&layer=ls-dr10&zoom=15&mark={ra},{dec}",
        ),
        (
            "SIMBAD",
            f"https://simbad.cds.unistra.fr/simbad/sim-coo?Coord={place}&CooFrame=ICRS&Radius=10&Radius.unit=arcsec",
        ),
        (
            "NED",
            "https://ned.ipac.caltech.edu/conesearch?search_type=Near%20Position%20Search"
            f"&coordinates={ra}d%20{dec}d&radius=0.2&in_csys=Equatorial&in_equinox=J2000",
        ),
    )
