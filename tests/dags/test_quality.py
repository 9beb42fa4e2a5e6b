"""The tables and columns that are named by hand are there."""

import re

from hospital import patterns, quality

from pipeline.paths import REPOSITORY
from pipeline.repository.desired import render
from pipeline.repository.loader import load

COLUMNS = {
    table.name: {column.name: column for column in table.columns}
    for table in render(load(REPOSITORY), "owner").tables
}


def test_every_check_is_of_columns_that_its_table_has() -> None:
    for table, conditions in quality.CONDITIONS.items():
        for condition in conditions.values():
            columns = set(re.findall(r"(?:min|max|count)\((\w+)\)", condition))
            assert columns <= COLUMNS[table].keys()
    assert quality.checks()["patients"]["birth_dates_in_range"]["check_statement"].startswith(
        "min("
    )


def test_a_stream_is_ordered_by_a_column_that_is_never_null() -> None:
    for table, order in patterns.STREAMS.items():
        assert not COLUMNS[table][order].nullable
