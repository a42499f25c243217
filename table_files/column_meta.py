"""A column as the Virtual Observatory describes it (VOTable 1.4, TAP 1.1)."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class ColumnMeta:
    """What an answer says of one of its columns.

    Attributes:
        name: Name of the column as the query or the file calls it.
        datatype: Datatype as VOTable names it: boolean, short, int, long, float, double, char, unicodeChar.
        arraysize: Empty for a scalar, `*` for text and arrays of any length, `40` for one of 40.
        xtype: Extended type of DALI 1.1: timestamp, point, circle, polygon; or empty.
        unit: Unit in the notation of VOUnits 1.0; empty where there is none.
        ucd: What is measured, a Unified Content Descriptor (UCD1+); empty where there is none.
        description: One sentence, or empty.
        utype: Place of the column in a data model such as ObsCore's; empty where there is none.
        frame: Coordinate frame that the column's file declares of it, where that is not ICRS; else empty.
    """

    name: str
    datatype: str
    arraysize: str = ""
    xtype: str = ""
    unit: str = ""
    ucd: str = ""
    description: str = ""
    utype: str = ""
    frame: str = field(default="", repr=False)

    @property
    def is_text(self) -> bool:
        """Whether its values are text (times included)."""
        return self.datatype in {"char", "unicodeChar"}

    @property
    def is_array(self) -> bool:
        """Whether its values are arrays of numbers."""
        return bool(self.arraysize) and not self.is_text
