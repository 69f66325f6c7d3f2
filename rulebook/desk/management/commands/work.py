"""manage.py work: do what is due in the background, and exit; or go on for ever."""

import signal
import time
from argparse import ArgumentParser
from dataclasses import asdict
from types import FrameType
from typing import Any

from django.db import DatabaseError, close_old_connections

from rulebook.commands import RulebookCommand
from rulebook.desk import lease
from rulebook.desk.work import Done, work

PAUSE = 3.0  # seconds between two looks


class Command(RulebookCommand):
    help = "Do what is due: imports of uploaded files, outcomes, figures, and files whose time is over."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--forever", action="store_true", help="Look again every few seconds, until stopped.")
        parser.add_argument("--format", choices=["table", "json"], default="table", help="JSON for programs.")

    def handle(self, *args: Any, **options: Any) -> None:
        before = signal.signal(signal.SIGTERM, _stop)  # as Ctrl-C does: what was claimed is given back
        try:
            if options["forever"]:
                self._forever(as_json=options["format"] == "json")
            else:
                self._once(as_json=options["format"] == "json", quiet=options["verbosity"] == 0)
        finally:
            signal.signal(signal.SIGTERM, before)

    def _once(self, *, as_json: bool, quiet: bool) -> None:
        done = work()
        if quiet:
            pass  # a web server's log is no place for "nothing is due"
        elif done is None:
            who = lease.holder() or "another process"
            self.say(f"The work is being done by {who}. Nothing is left to do here.")
        elif not done:
            self.say("Nothing is due.")
        self._print(done or [], as_json=as_json, held=done is None)

    def _forever(self, *, as_json: bool) -> None:
        """Prints what is done while it goes on. Stopped by SIGTERM or Ctrl-C it has ended as it should: exit code 0."""
        held = failing = False
        self.say("Looking after the work. Stop it with Ctrl-C or SIGTERM.")
        try:
            while True:
                close_old_connections()
                try:
                    done = work()
                    failing = False
                except DatabaseError as error:
                    done = []
                    if not failing:
                        self.say(f"The database does not answer ({type(error).__name__}). Trying again.")
                    failing = True
                if done is None and not held:
                    self.say(f"The work is being done by {lease.holder() or 'another process'}. This one waits.")
                held = done is None
                if done:
                    self._print(done, as_json=as_json, held=False)
                    self.stdout.flush()
                time.sleep(PAUSE)
        except KeyboardInterrupt:
            self.say("Stopped. What was under way is taken up again by the next one.")

    def _print(self, done: list[Done], *, as_json: bool, held: bool) -> None:
        if as_json:
            self.print_json({"held_by_another": held, "done": [asdict(line) for line in done]})
            return
        for line in done:
            self.stdout.write(f"{line.duty}: {line.what}")


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
