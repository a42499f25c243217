"""Small tables of text as they are met in the field, and what is wrong with some."""

import gzip


def csv_texts() -> dict[str, bytes]:
    """Separated values, by the name of a file."""
    texts = {
        "types.csv": (
            "whole,large,huge,text,sign,point,power,flag,none,when,word,mixed\n"
            "1,9007199254740993,18446744073709551615,0266,+5,1.50,1e-05,true,,2020-01-02T03:04:05Z,a,1\n"
            "-0,-9223372036854775808,0,1501e02,+6,.5,2E+3,False,NaN,2020-01-02,NULL,x\n"
            ",,,,,--,,,null,,,\n"
        ),
        "numbers.csv": "a,b,c,d,e\n1,1.5,inf,9007199254740993,NA\nN/A,2,-Infinity,1.5,None\n",
        "long.csv": "a,b\n18446744073709551616,9007199254740992\n1,0.5\n",
        "times.csv": "t,u\n2020-01-02 03:04:05.25,2020-01-02T03:04:05+01:00\n2020-01-02T03:04,soon\n",
        "minus.csv": "ra,dec\n10,\u22125.5\n11,\u22126\n",
        "semicolon.csv": '\ufeffra;dec;name\r\n10.5;-2;"a;b"\r\n11;3;\r\n',
        "sep.csv": "sep=;\nra;dec\n1;2\n",
        "tab.tsv": "ra\tdec\tname\n1\t2\ta b\n",
        "vizier.tsv": (
            "#\n#   VizieR Astronomical Server\n#Column\t_RAJ2000\t(F10.6)\tRight ascension\n\n"
            "_RAJ2000\t_DEJ2000\tName\tVmag\ndeg\tdeg\t \tmag\n----------\t----------\t--\t-\n"
            "150.5\t -2.25\tG 1\t15.5\n151\t3\tG 2\t\n"
        ),
        "hms.tsv": 'RAJ2000\tDEJ2000\n"h:m:s"\t"d:m:s"\n----\t----\n10 02 55.3\t-01 57 27.8\n',
        "ruled.csv": "ra,dec\n---,---\n1,2\n",
        "gaps.csv": "ra,dec\n--,--\n1,2\n",
        "nameless.csv": "150.5,2.5\n151,3\n",
        "bar.csv": "ra|dec\n1|2\n3|4\n",
        "comments.csv": "# made by me\n# ra dec\nra,dec\n# one more\n1,2\n3,4\n",
        "named.csv": "#ra,dec\n1,2\n3,4\n",
        "either.csv": "#ra,dec\na,b\n1,2\n",
        "doubtful.csv": "ra,dec\n1,2\n#3,4\n",
        "blanks.csv": " ra , dec \n\n1 , 2\n \n",
        "trailing.csv": "ra,dec,\n1,2,\n3,4,\n",
        "tail.csv": "ra,dec\n1,2,\n3,4,\n",
        "head.csv": "ra,dec,\n1,2\n3,4\n",
        "unnamed.csv": "ra,,dec\n1,2,3\n",
        "short.csv": "ra,dec\n1,2\n3\n",
        "longer.csv": "ra,dec\n1,2\n3,4,5,6\n",
        "value.csv": "ra,dec\n1,2,\n3,4,5\n",
        "quote.csv": 'ra,dec\n1,"2\n3,4\n',
        "quoted.csv": '"ra","de\nc"\n"1","2"\n"",\n',
        "twice.csv": "ra,ra,dec\n1,2,3\n",
        "headonly.csv": "ra,dec\n",
        "empty.csv": "",
        "blank.csv": "\n\n",
        "old.csv": "ra,dec\r1,2\r3,4\r",
        "words.csv": "name ra dec\na 1 2\nb 3 4\n",
        "one.csv": "ra\n1\n2\n",
        "comma.csv": "ra;dec\n10,5;2,25\n",
        "nul.csv": "ra,dec\n1,2\0\n",
        "json.csv": '[{"ra": 1}]',
        "page.csv": "<!DOCTYPE html><html></html>",
        "ipac.tbl": "|ra    |dec   |name|\n|double|double|char|\n 1.5    2.5    a\n",
        "shifted.tbl": "|ra|dec|name|\n|double|double|char|\n 1.5 2.5 a\n",
        "plain.txt": "ra dec name\n1 2 a\n3 4 b\n",
        "framed.txt": "| ra | dec|name|\n| 1.5| 2  | 007|\n| 3  | 4  |    |\n",
        "nulls.tbl": (
            "|ra    |dec   |n   |\n|double|double|int |\n|deg   |deg   |    |\n|null  |null  |-9  |\n"
            " 1.5    2.5    3   \n null   2.5    -9  \n"
        ),
        "path": "ra/dec.dat",
        "dashes.txt": "ra   dec\n---- ----\n1.5  2\n3    4\n",
    }
    others = {
        "latin.csv": "ra,dec,nom\n1,2,\xe9\n".encode("latin-1"),
        "wide.csv": "ra,dec\n1,2\n".encode("utf-16"),
        "picture.csv": b"\x89PNG\r\n\x1a\n",
        "sheet.csv": b"PK\x03\x04....",
        "packed.csv.gz": gzip.compress(b"ra,dec\n1,2\n", mtime=0),
        "twice.csv.gz": gzip.compress(gzip.compress(b"ra,dec\n1,2\n", mtime=0), mtime=0),
        "cut.csv.gz": gzip.compress(b"ra,dec\n1,2\n" * 9, mtime=0)[:-9],
    }
    return {name: text.encode() for name, text in texts.items()} | others


def angle_texts() -> dict[str, bytes]:
    """Positions in every unit and spelling, as ECSV, which says units."""
    columns = {
        "degrees": ("deg", "deg", "10.5 -2.5"),
        "bare": ("", "", "10.5 -2.5"),
        "hours": ("hourangle", "degree", "10.5 -2.5"),
        "vizier": ('"h:m:s"', '"d:m:s"', '"10 02 55.3" "-01 57 27.8"'),
        "hms": ("h:m:s", "dms", "10:02:55.3 -01:57:27.8"),
        "radians": ("rad", "rad", "0.5 -0.25"),
        "minutes": ("arcmin", "ARCSEC", "600 3600"),
        "letters": ("", "", "10h02m55.3s -01d57m27.8s"),
        "colons": ("", "", "10:02:55.3 \u221201:57:27.8"),
        "texts": ("deg", "deg", '"10.5 " " \u22122.5"'),
        "kilograms": ("kg", "deg", "10.5 -2.5"),
        "nonsense": ("nosuch", "deg", "10.5 -2.5"),
        "wrong": ("", "", "10:02:55.3 north"),
        "later": ("", "", "10:02:55.3 -01:57:27.8\n10:02:56 +2\n10:02:57 north"),
        "laterhours": ("hourangle", "deg", "10:02:55.3 -2\nx -2"),
        "commas": ("", "", "10:02:55,3 -01:57:27,8"),
        "gap": ("deg", "deg", '"" -2.5'),
        "beyond": ("deg", "deg", "10.5 95"),
    }
    return {
        f"{name}.ecsv": (
            "# %ECSV 1.0\n# ---\n# datatype:\n"
            f"# - {{name: ra, unit: '{ra}', datatype: {_type(cells)}}}\n"
            f"# - {{name: dec, unit: '{dec}', datatype: {_type(cells)}, description: of the middle}}\n"
            f"# schema: astropy-2.0\nra dec\n{cells}\n"
        ).encode()
        for name, (ra, dec, cells) in columns.items()
    }


def _type(cells: str) -> str:
    return "float64" if cells in {"10.5 -2.5", "0.5 -0.25", "600 3600", '"" -2.5', "10.5 95"} else "string"


def named_texts() -> dict[str, bytes]:
    """Columns of positions by all their usual names, and pairs that may both be meant."""
    names = (
        "RA,Dec",
        "RAJ2000,DEJ2000",
        "_RAJ2000,_DEJ2000",
        "RAdeg,DEdeg",
        "_RA,_DE",
        "RA_ICRS,DE_ICRS",
        "ALPHA_J2000,DELTA_J2000",
        "Right_Ascension,Declination",
        "place.ra,place.dec",
        "lon,lat",
        "ra,declination",
    )
    found = {f"named{i}.csv": f"{pair}\n10.5,-2.5\n" for i, pair in enumerate(names)}
    found["case.csv"] = "ra,RA,dec\n10,1,2\n"
    found["cases.csv"] = "Ra,rA,dec\n10,1,2\n"
    found["both.csv"] = "ra,raj2000,dec\n10,11,2\n"
    found["stars.csv"] = "a.ra,b.ra,a.dec\n1,2,3\n"
    found["parts.csv"] = "RAh,RAm,RAs,DE-,DEd,DEm,DEs\n10,2,55.3,-,1,57,27.8\n0,0,1.5,+,0,30,\n"
    found["partly.csv"] = "RAh,RAm,RAs,DEd\n10,2,x,1\n"
    return {name: text.encode() for name, text in found.items()}
