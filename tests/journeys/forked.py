"""python -m tests.journeys.forked JOBS.json: each command of the list in a fork of this process, results as JSON.

Starting a Python with Django takes a second or two; a fork of one that is up takes none.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

import django
from django.core.management import ManagementUtility, get_commands, load_command_class


def run(words):
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        child = os.fork()
        if not child:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            code = 1  # a traceback ends a Python with 1
            try:
                ManagementUtility(["manage.py", *words]).execute()
                code = 0
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else int(end.code is not None)
            except BaseException:
                sys.excepthook(*sys.exc_info())
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        _, status = os.waitpid(child, 0)
        out.seek(0)
        err.seek(0)
        code = os.waitstatus_to_exitcode(status)
        return {"args": words, "returncode": code, "stdout": out.read(), "stderr": err.read()}


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rulebook.settings")
    django.setup()
    commands = json.loads(Path(sys.argv[1]).read_text())
    for name in {words[0] for words in commands}:
        load_command_class(get_commands()[name], name)  # its imports are shared too
    print(json.dumps([run(words) for words in commands]))  # noqa: T201
