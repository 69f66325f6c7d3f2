"""Commands as a shell runs them, in this process: what went to stdout and stderr, and the exit code."""

import json
from dataclasses import dataclass

from django.core.management import ManagementUtility
from django.db import connections


@dataclass
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self):
        """Fails where anything but JSON stands on stdout."""
        return json.loads(self.out)


def run(capsys, monkeypatch, *words):
    """`manage.py WORDS`."""
    monkeypatch.setattr(connections, "close_all", lambda: None)  # the test's transaction must outlive the command
    capsys.readouterr()
    code = 0
    try:
        ManagementUtility(["manage.py", *words]).execute()
    except SystemExit as end:
        code = end.code or 0
    told = capsys.readouterr()
    return Ran(code, told.out, told.err)
