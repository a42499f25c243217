"""Random queries by ADQL's grammar, whose names and kinds fit: nearly all are valid."""

import random
from dataclasses import dataclass, field

TABLES = {
    "galcat.galaxy": (
        ("ra", "dec", "mag_r", "bar_no_fraction"),
        ("object_id", "healpix29"),
        ("survey", "tile"),
    ),
    "TAP_UPLOAD.mine": (("ra", "dec", "x"), ("id",), ("name",)),
    "TAP_UPLOAD.probe": (("r",), ("id",), ()),
    "galcat.tile": (("ra", "dec"), ("n_galaxies",), ("name", "survey")),
    "TAP_SCHEMA.columns": ((), ("principal", '"size"'), ("column_name", "table_name")),
    "galcat.release": ((), ("dimension",), ("name", "backbone")),
}
"""Columns that are floats, integers and texts."""
ONE = (
    "ABS",
    "CEILING",
    "COS",
    "DEGREES",
    "EXP",
    "FLOOR",
    "LOG",
    "RADIANS",
    "ROUND",
    "SIGN",
    "SQRT",
    "TRUNCATE",
    "COT",
)
SHAPES = (
    "CIRCLE({a}, {b}, 1)",
    "CIRCLE(POINT({a}, {b}), .1)",
    "BOX(10, 2, 1, 1)",
    "POLYGON(1, 2, 3, 4, 5, 0)",
)


@dataclass
class Maker:
    """Makes one query.

    Attributes:
        rng: What it is made of.
        floats: Columns that may be named here.
        integers: Likewise.
        texts: Likewise.
    """

    rng: random.Random
    floats: list[str] = field(default_factory=list)
    integers: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    aliases: int = 0

    def query(self, depth: int = 2) -> str:
        if self.rng.random() < 0.2:
            operation = self.rng.choice(("UNION", "UNION ALL", "EXCEPT", "INTERSECT", "EXCEPT ALL"))
            sides = [f"{self.select(depth, plain=True)}" for _ in range(2)]
            return f" {operation} ".join(sides) + self.rng.choice(
                ("", " ORDER BY 1", " ORDER BY a DESC OFFSET 1")
            )
        return self.select(depth)

    def select(self, depth: int, *, plain: bool = False) -> str:
        """A SELECT of its own FROM; the columns around it can be named too."""
        inner = Maker(self.rng, aliases=self.aliases + 10)
        from_clause = inner._tables(depth)
        inner.floats += self.floats
        inner.integers += self.integers
        inner.texts += self.texts
        shown = [f"{inner.number(depth)} AS a"]
        if not plain:
            shown += [
                inner.rng.choice((inner.number(depth), inner.text(depth), inner.region(1))) for _ in range(2)
            ]
        group = "" if plain or self.rng.random() < 0.8 else inner.number(1)
        if group:
            shown = [f"{group} AS a", f"{self.rng.choice(('COUNT(*)', f'AVG({inner.number(1)})'))}"]
        top = self.rng.choice(("", "ALL ")) + self.rng.choice(("", "TOP 5 "))
        text = f"SELECT {top}{', '.join(shown)} FROM {from_clause}"
        if self.rng.random() < 0.7:
            text += f" WHERE {inner.condition(depth)}"
        if group:
            text += f" GROUP BY {group}" + self.rng.choice(("", " HAVING COUNT(*) > 1"))
        order = "" if plain or group else inner.number(1)
        return text + (
            "" if plain else self.rng.choice(("", " ORDER BY a", f" ORDER BY {order or 1} DESC", " OFFSET 2"))
        )

    def _tables(self, depth: int) -> str:
        first = self._table(depth)
        for _ in range(self.rng.choice((0, 0, 0, 1, 2))):
            join = self.rng.choice(
                (
                    ", {t}",
                    " CROSS JOIN {t}",
                    " JOIN {t} ON {c}",
                    " LEFT JOIN {t} ON {c}",
                    " FULL JOIN {t} ON {c}",
                )
            )
            second = self._table(0)
            first += join.format(
                t=second, c=self.condition(1) if "{c}" in join and "," not in first else "1 = 1"
            )
        return first

    def _table(self, depth: int) -> str:
        self.aliases += 1
        alias = f"t{self.aliases}"
        if depth > 0 and self.rng.random() < 0.2:
            made = Maker(self.rng, aliases=self.aliases + 20).query(depth - 1)
            self.floats.append(f"{alias}.a")
            return f"({made}) AS {alias}"
        name = self.rng.choice(list(TABLES))
        for known, found in zip((self.floats, self.integers, self.texts), TABLES[name], strict=True):
            known += [f"{alias}.{column}" for column in found]
        return f"{name} AS {alias}"

    def condition(self, depth: int) -> str:
        if depth > 0 and self.rng.random() < 0.4:
            a, b = self.condition(depth - 1), self.condition(depth - 1)
            return self.rng.choice((f"({a} AND {b})", f"{a} OR {b}", f"NOT ({a})", f"({a})"))
        a, b, t = self.number(depth - 1), self.number(depth - 1), self.text(depth - 1)
        forms = [
            f"{a} {self.rng.choice(('=', '<>', '!=', '<', '<=', '>', '>='))} {b}",
            f"{a} BETWEEN {b} AND 5",
        ]
        forms += [
            f"{a} IS NOT NULL",
            f"{t} LIKE 'a%'",
            f"{t} NOT ILIKE {t}",
            f"{a} IN (1, 2.5, {b})",
            f"{t} IN ('a', 'b')",
        ]
        forms += [f"{t} = {self.text(0)}", f"1 = CONTAINS({self.region(depth)}, {self.shape()})"]
        forms += [
            f"INTERSECTS({self.shape()}, {self.shape()}) = 0",
            f"DISTANCE({self.point()}, {self.point()}) < {a}",
        ]
        if depth > 1:
            forms += [f"EXISTS ({self.select(depth - 2)})", f"{a} IN ({self.select(depth - 2, plain=True)})"]
        return self.rng.choice(forms)

    def number(self, depth: int) -> str:
        if depth <= 0 or self.rng.random() < 0.3:
            return self.rng.choice(
                (*self.floats, *self.floats, *self.integers, "1", "2.5", "-1", "1e3", "0x1F", "PI()", "NULL")
            )
        a, b = self.number(depth - 1), self.number(depth - 1)
        forms = [
            f"{a} {self.rng.choice('+-*/')} {b}",
            f"({a})",
            f"-{a}",
            f"{self.rng.choice(ONE)}({a})",
            f"MOD({a}, {b})",
        ]
        forms += [
            f"ATAN2({a}, {b})",
            f"ROUND({a}, 2)",
            f"COALESCE({a}, {b})",
            f"NULLIF({a}, {b})",
            f"CAST({a} AS INTEGER)",
        ]
        forms += [
            f"CASE WHEN {self.condition(depth - 1)} THEN {a} ELSE {b} END",
            f"CASE {a} WHEN 1 THEN {b} END",
        ]
        forms += [
            f"DISTANCE({a}, 2, {b}, 3)",
            f"AREA({self.shape()})",
            f"COORD1({self.point()})",
            f"POWER({a}, 2)",
            "RAND()",
        ]
        forms += [
            f"ivo_healpix_index(5, {self.point()})",
            f"ivo_hasword({self.text(0)}, 'a')",
            f"CAST({a} AS REAL)",
        ]
        if depth > 1:
            forms.append(f"({Maker(self.rng, aliases=self.aliases + 30).select(0, plain=True)})")
        return self.rng.choice(forms)

    def text(self, depth: int) -> str:
        plain = self.rng.choice((*self.texts, *self.texts, "'abc'", "'it''s'"))
        if depth <= 0 or self.rng.random() < 0.4:
            return plain
        forms = (
            f"{plain} || {self.text(depth - 1)}",
            f"LOWER({plain})",
            f"CAST({self.number(0)} AS VARCHAR(9))",
        )
        return self.rng.choice((*forms, f"COALESCE({plain}, 'none')", f"COORDSYS({self.shape()})"))

    def point(self) -> str:
        return self.rng.choice(
            ("POINT({a}, {b})", "POINT('ICRS', {a}, {b})", "CENTROID(CIRCLE({a}, {b}, 1))")
        ).format(a=self.number(0), b=self.number(0))

    def shape(self) -> str:
        return self.rng.choice(SHAPES).format(a=self.number(0), b=self.number(0))

    def region(self, depth: int) -> str:
        return self.point() if depth > 1 or self.rng.random() < 0.6 else self.shape()
