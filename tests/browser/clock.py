"""`python -m tests.browser.clock FILE COMMAND...`: manage.py, that many days ahead of today as the file says.

A story that takes weeks can so be told to a real server: the file may change while it runs.
"""

import os
import sys
from datetime import timedelta
from pathlib import Path

from django.core.management import execute_from_command_line
from django.utils import timezone

if __name__ == "__main__":
    ahead, now = Path(sys.argv[1]), timezone.now
    timezone.now = lambda: now() + timedelta(days=int(ahead.read_text()))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rulebook.settings")
    execute_from_command_line(["manage.py", *sys.argv[2:]])
