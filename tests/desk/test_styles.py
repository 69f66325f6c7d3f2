"""The styles of the admin: small files, all of them loaded, the colours first."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse

DESK = Path(settings.BASE_DIR) / "rulebook" / "static" / "desk"
LONGEST = 450  # lines of a file
LOADED = re.compile(r'<link href="/static/desk/(\w+)\.css" rel="stylesheet">')


@pytest.mark.django_db
def test_every_file_of_styles_is_loaded_once_and_the_colours_come_first(client):
    loaded = LOADED.findall(client.get(reverse("admin:login")).text)
    assert sorted(loaded) == sorted(path.stem for path in DESK.glob("*.css"))
    assert loaded[:2] == ["tokens", "parts"]


def test_no_file_of_styles_is_long():
    styles = DESK.parent.rglob("*.css")
    lengths = {path.name: path.read_text(encoding="utf-8").count("\n") for path in styles}
    assert len(lengths) > 15
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}
