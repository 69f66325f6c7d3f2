"""What tests of imports stand on."""

import pytest

from tests.cases.importer import table


@pytest.fixture
def file(tmp_path):
    """A new CSV file at every call: file("external_id opened_at", (1, "2026-01-05"), ...)."""
    numbers = iter(range(1, 1_000))
    return lambda header, *rows: table(tmp_path / f"cases{next(numbers)}.csv", header, *rows)
