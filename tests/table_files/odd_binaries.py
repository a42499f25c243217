"""Small FITS and Parquet tables of every form, frame and type, and some that are cut off."""

import gzip
import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.io import fits

_FRAMES = (("FK5", 2000.0), ("FK4", 1950.0))


def fits_files() -> dict[str, bytes]:
    """FITS tables of every form."""
    column = fits.Column
    n = 3
    forms = [
        column("L", "L", array=np.array([True, False, True])),
        column("B", "B", array=np.array([0, 1, 255], "u1"), null=255),
        column("I", "I", array=np.array([-1, 0, 99], "i2"), null=99),
        column("J", "J", array=np.array([1, 2, 3], "i4"), unit="mag"),
        column("K", "K", array=np.array([2**62 + 1, -5, 0])),
        column("U", "K", bzero=2**63, array=np.array([0, 2**63 + 5, 1], "u8")),
        column("S", "J", array=np.array([1, 2, 4], "i4")),
        column("E", "E", array=np.array([1.5, np.nan, -2], "f4")),
        column("D", "D", array=np.array([1e300, np.inf, 0])),
        column("A", "5A", array=np.array(["ab", "", "c d"])),
        column("V", "3E", array=np.arange(9, dtype="f4").reshape(3, 3)),
        column(
            "P",
            "PJ()",
            array=np.array([np.array([1], "i4"), np.array([], "i4"), np.array([2, 3], "i4")], object),
        ),
        column("C", "C", array=np.array([1 + 2j, 0, 0], "c8")),
        column("X", "12X", array=np.zeros((3, 12), bool)),
    ]
    sky = [
        column("RA", "D", unit="deg", array=[150.25] * n),
        column("DEC", "D", unit="deg", array=[2.5, -2.5, np.nan]),
    ]
    hours = [column("RA", "D", unit="h", array=[10.0] * n), sky[1]]
    cards: dict[str, dict[str, object]] = {
        "plain": {},
        "fk4": {"RADESYS": "FK4", "EQUINOX": 1950.0},
        "fk5": {"RADESYS": "FK5", "EQUINOX": 1975.0},
        "old": {"EQUINOX": 1950.0},
        "system": {"RADECSYS": "FK5"},
        "planet": {"RADESYS": "GAPPT"},
    }
    found = {"forms.fits": _file([_table(forms, "SOURCES")]), "hours.fits": _file([_table(hours)])}
    for name, extra in cards.items():
        found[f"{name}.fits"] = _file([_table(sky, cards=extra)])
    found["chips.fits"] = _file([_table(sky, "CCD1"), _table(sky, "CCD2")])
    found["others.fits"] = _file([_table(forms[:3], "FLAGS"), _table(sky, "SKY")])
    found["differ.fits"] = _file([_table(sky, "A"), _table([*sky, forms[0]], "B")])
    found |= _joined(sky)
    found["image.fits"] = _file([fits.ImageHDU(np.zeros((4, 4), "f4"))])
    ascii_columns = [
        column("n", "I6", ascii=True, null="---", array=np.array([1, 2, 3])),
        column("x", "F8.3", ascii=True, array=np.array([1.5, 2.25, -3])),
        column("s", "A4", ascii=True, array=np.array(["a", "bc", ""])),
    ]
    found["ascii.fits"] = _file([fits.TableHDU.from_columns(ascii_columns, name="TEXT")])
    found["packed.fits.gz"] = gzip.compress(found["plain.fits"], mtime=0)
    for name, card, value in (("axes", b"NAXIS   =", b"1000"), ("negative", b"NAXIS1  =", b"-8")):
        at = found["plain.fits"].rindex(card)
        changed = card + value.rjust(21)
        found[f"{name}.fits"] = found["plain.fits"][:at] + changed + found["plain.fits"][at + len(changed) :]
    told = {"TCOMM1": "right ascension", "TUCD1": "pos.eq.ra", "TUCD2": "pos.eq.dec"}
    found["told.fits"] = _file([_table(sky, cards=told)])
    found["form.fits"] = found["plain.fits"].replace(b"TFORM2  = 'D       '", b"TFORM2  = 'Y       '")
    found["zeros.fits"] = found["plain.fits"] + bytes(2880)
    found["cut.fits"] = found["forms.fits"][:-2880]
    return found


def _joined(sky: list[fits.Column]) -> dict[str, bytes]:
    """Two tables of the same names, which are one only where their columns mean the same."""
    column = fits.Column
    whole = column("n", "J", array=np.array([1, 2, 3], "i4"), null=2)
    others = {
        "units": [column("RA", "D", unit="rad", array=[0.5] * 3), sky[1], whole],
        "kinds": [*sky, column("n", "3A", array=np.array(["a", "b", "c"]))],
        "fractions": [*sky, column("n", "D", array=np.array([0.5, 1, np.nan]))],
        "widths": [*sky, column("n", "K", array=np.array([2**62 + 1, -1, 0]))],
        "shorter": [*sky, column("n", "B", array=np.array([7, 8, 9], "u1"))],
    }
    found = {
        f"{name}_join.fits": _file([_table([*sky, whole]), _table(other)]) for name, other in others.items()
    }
    frames = [_table(sky, cards={"RADESYS": name, "EQUINOX": year}) for name, year in _FRAMES]
    found["frames_join.fits"] = _file(frames)
    found["same_name.fits"] = _file([_table(sky, "SKY"), _table([*sky, whole], "SKY")])
    twice = _file([_table([sky[0], column("RB", "D", array=[150.25] * 3), sky[1]])])
    found["twice.fits"] = twice.replace(b"'RB      '", b"'RA      '")  # which astropy does not write
    nested = [
        column("M", "6E", dim="(3,2)", array=np.arange(12, dtype="f4").reshape(2, 2, 3)),
        column("Q", "QD()", array=np.array([np.array([1.5]), np.array([])], object)),
        column("H", "I", bzero=2**15, array=np.array([0, 2**16 - 1], "u2")),
        column("S", "I", null=-99, array=np.array([15, -99], "i2")),
        column("N", "B", bzero=-128, array=np.array([-128, 127], "i1")),
        column("Z", "2L", array=np.array([[True, False], [False, True]])),
    ]
    found["nested.fits"] = _file([_table(nested)])
    return found


def _table(
    columns: list[fits.Column], name: str = "", cards: dict[str, object] | None = None
) -> fits.BinTableHDU:
    hdu = fits.BinTableHDU.from_columns(columns, name=name)
    if "S" in hdu.columns.names:  # astropy itself writes no whole numbers that stand for fractions
        at = hdu.columns.names.index("S") + 1
        hdu.header[f"TSCAL{at}"], hdu.header[f"TZERO{at}"] = 0.5, 10.0
    for key, value in (cards or {}).items():
        hdu.header[key] = value
    return hdu


def _file(hdus: list[fits.hdu.base.ExtensionHDU]) -> bytes:
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(file)
    return file.getvalue()


def parquet_files() -> dict[str, bytes]:
    """Parquet of every type that Arrow has and tables use."""
    table = pa.table(
        {
            "i1": pa.array([1, None], pa.int8()),
            "u4": pa.array([2**32 - 1, 0], pa.uint32()),
            "u8": pa.array([2**64 - 1, None], pa.uint64()),
            "i8": pa.array([2**62 + 1, None], pa.int64()),
            "f4": pa.array([1.5, float("nan")], pa.float32()),
            "flag": pa.array([True, None]),
            "text": pa.array(["0266", None]),
            "bytes": pa.array([b"ab", None]),
            "kinds": pa.array(["a", "b"]).dictionary_encode(),
            "whole": pa.array([12, None], pa.decimal128(20, 0)),
            "part": pa.array([None, "1.25"], pa.string()).cast(pa.decimal128(9, 2)),
            "when": pa.array([1_600_000_000_000_000, None], pa.timestamp("us", "UTC")),
            "day": pa.array([18_000, None], pa.date32()),
            "list": pa.array([[1, 2], None]),
            "gaps": pa.array([[1.5, None], []], pa.list_(pa.float64())),
            "none": pa.nulls(2),
        }
    )
    file = io.BytesIO()
    pq.write_table(table, file)
    return {"types.parquet": file.getvalue(), "cut.parquet": file.getvalue()[:-12]}
