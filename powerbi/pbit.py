"""Makes the template `.pbit`: the same bytes each time, if the files are the same."""

import io
import zipfile
from collections.abc import Mapping
from xml.sax.saxutils import quoteattr

from pipeline.schemas import compact
from powerbi import layout, tmsl
from powerbi.model import Model
from powerbi.report import Report

# Of the report's old form, which Report/Layout is in.
VERSION = "1.28"
# The earliest that a zip can say.
NO_TIME = (1980, 1, 1, 0, 0, 0)
TYPES = "[Content_Types].xml"
NAMESPACE = "http://schemas.openxmlformats.org/package/2006/content-types"
JSON = "application/json"
# The least that Power BI Desktop is known to take.
SETTINGS = {"Version": 1}
METADATA = {"Version": 5, "AutoCreatedRelationships": []}
RESOURCES = "Report/StaticResources/RegisteredResources"


def template(model: Model, report: Report) -> bytes:
    """The template as a zip."""
    # Microsoft's reader wants these parts in UTF-16, without a mark at the front.
    parts = {
        "Version": VERSION.encode("utf-16-le"),
        "DataModelSchema": compact(tmsl.database(model)).encode("utf-16-le"),
        "Report/Layout": compact(layout.layout(report)).encode("utf-16-le"),
        "Settings": compact(SETTINGS).encode("utf-16-le"),
        "Metadata": compact(METADATA).encode("utf-16-le"),
        **{f"{RESOURCES}/{path}": file.read_bytes() for path, file in report.themes.items()},
    }
    return _zip({TYPES: _types(parts), **dict(sorted(parts.items()))})


def _types(parts: Mapping[str, bytes]) -> bytes:
    """What each part without a suffix is."""
    overrides = "".join(
        f"<Override PartName={quoteattr('/' + name)}"
        f" ContentType={quoteattr(JSON if name in {'Settings', 'Metadata'} else '')} />"
        for name in sorted(parts)
        if "." not in name
    )
    text = (
        '<?xml version="1.0" encoding="utf-8"?>'
        f"<Types xmlns={quoteattr(NAMESPACE)}>"
        f'<Default Extension="json" ContentType="" />{overrides}</Types>'
    )
    return text.encode("utf-8-sig")


def _zip(parts: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in parts.items():
            entry = zipfile.ZipInfo(name, NO_TIME)
            # Not by the system that it is made on.
            entry.create_system = 0
            # Deflated bytes differ from one version of zlib to the next.
            entry.compress_type = zipfile.ZIP_STORED
            archive.writestr(entry, content)
    return buffer.getvalue()
