"""What an object of the model may have: the part of TMDL that Power BI needs here."""

from collections.abc import Mapping
from dataclasses import dataclass, field

TEXT = "text"
FLAG = "flag"
NUMBER = "number"
EXPRESSION = "expression"
DATA_TYPES = ("string", "int64", "double", "dateTime", "boolean", "decimal")
MODES = ("directQuery", "dual", "import")


@dataclass(frozen=True)
class Kind:
    """The properties of a kind of object, by what they are, or which words they may be."""

    properties: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    # What stands after its `=`; none: it has no `=`.
    value: str = ""


# Power BI Desktop writes a lineageTag when it saves: reports that are published go on by it.
KINDS: Mapping[str, Kind] = {
    "database": Kind({"compatibilityLevel": NUMBER}, ("compatibilityLevel",)),
    "model": Kind(
        {"culture": TEXT, "defaultPowerBIDataSourceVersion": TEXT, "sourceQueryCulture": TEXT},
        ("culture", "defaultPowerBIDataSourceVersion"),
        ("annotation",),
    ),
    "expression": Kind({"lineageTag": TEXT}, (), ("annotation",), "M"),
    "relationship": Kind(
        {"isActive": FLAG, "fromColumn": TEXT, "toColumn": TEXT}, ("fromColumn", "toColumn")
    ),
    "table": Kind(
        {"dataCategory": ("Time",), "isHidden": FLAG, "lineageTag": TEXT},
        (),
        ("measure", "column", "partition", "annotation"),
    ),
    "column": Kind(
        {
            "dataType": DATA_TYPES,
            "isKey": FLAG,
            "isHidden": FLAG,
            "formatString": TEXT,
            "summarizeBy": ("none", "sum"),
            "sourceColumn": TEXT,
            "sortByColumn": TEXT,
            "lineageTag": TEXT,
        },
        ("dataType", "summarizeBy", "sourceColumn"),
        ("annotation",),
    ),
    "measure": Kind(
        {"formatString": TEXT, "isHidden": FLAG, "displayFolder": TEXT, "lineageTag": TEXT},
        (),
        ("annotation",),
        "DAX",
    ),
    "partition": Kind({"mode": MODES, "source": EXPRESSION}, ("mode", "source"), (), "m"),
    "annotation": Kind({}, (), (), "text"),
}
TOP = ("database", "model", "expression", "relationship", "table")
