"""Work under a web server, so that nobody has to run a worker: a thread looks whether something is due.

The thread only looks. What is due is done by `manage.py work` in a process of its own, which may be killed, restarted
with the server or outlive it, and slows down no page.
"""

import logging
import os
import random
import subprocess
import sys
import threading
from typing import Any

from django.conf import settings
from django.core.signals import request_started
from django.db import connections

from rulebook.desk import lease, work

# Seconds. The first look comes late enough for a server that loads the application once and then forks.
FIRST, SHORTEST, LONGEST, AFTER_TROUBLE = 2.0, 1.0, 5.0, 15.0
SLOWER = 1.5  # each look that finds nothing makes the next pause longer

logger = logging.getLogger(__name__)


class Watch:
    """The thread of one process. A process that forks does not serve: its thread ends, and each child has its own."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.thread: threading.Thread | None = None

    def begin(self, **kwargs: Any) -> None:
        """Start the thread unless it runs. Also asked at each request, whatever the server did before."""
        if self.thread is not None and self.thread.is_alive():
            return
        with self.lock:
            if self.thread is None or not self.thread.is_alive():
                self.over = threading.Event()
                self.thread = threading.Thread(target=look, args=[self.over], name="rulebook-watch", daemon=True)
                self.thread.start()

    def end(self) -> None:
        self.over.set()

    def begin_in_child(self) -> None:
        self.lock = threading.Lock()  # the parent's may have been held at the moment of the fork
        self.begin()


_watch = Watch()


def start() -> None:
    """Begin to look after the work in this web process; nothing with RULEBOOK_WORKER=off."""
    if settings.WORKER != "auto":
        return
    os.register_at_fork(before=_watch.end, after_in_child=_watch.begin_in_child)
    request_started.connect(_watch.begin, dispatch_uid="rulebook-watch")
    _watch.begin()


def look(over: threading.Event) -> None:
    """Look until `over`, and start a worker when something is due. No error ends it, none is told twice in a row."""
    pause, troubled = FIRST, False
    while not over.wait(pause * random.uniform(0.8, 1.2)):  # noqa: S311 (spreads processes, no secret)
        try:
            due = not lease.holder() and work.is_due() and lease.call_a_worker()
            connections.close_all()  # this thread's own: none is kept, so none can break
            code = run_worker(over) if due else 0
            pause = SHORTEST if due else min(pause * SLOWER, LONGEST)
            if code:
                raise OSError(f"it ended with exit code {code}")
            troubled = False
        except Exception as error:
            if not troubled:
                why = error if isinstance(error, OSError) else type(error).__name__
                logger.warning("Work in the background stands still for now (%s). It is tried again.", why)
            pause, troubled = AFTER_TROUBLE, True
        finally:
            connections.close_all()


def run_worker(over: threading.Event) -> int:
    """Run `manage.py work` to its end; its exit code. It reads the same environment as this process."""
    module = os.environ.get("DJANGO_SETTINGS_MODULE", "rulebook.settings")
    worker = subprocess.Popen(  # noqa: S603 (our own command)
        [sys.executable, str(settings.BASE_DIR / "manage.py"), "work", "--verbosity=0"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": module},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    while worker.poll() is None:
        if over.wait(0.2):
            return 0
    return worker.returncode
