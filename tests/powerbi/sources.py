"""The M expressions of the model, by the name of their partition or parameter."""

from pipeline.paths import REPOSITORY
from powerbi import build

MODEL = build.load(REPOSITORY).model
SOURCES = {
    partition.name: partition.properties["source"]
    for table in MODEL.tables.values()
    for partition in table.of("partition")
} | {each.name: each.value or "" for each in MODEL.expressions}
