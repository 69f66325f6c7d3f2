"""Where gunicorn and runserver find the application: `gunicorn rulebook.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

from rulebook import checks

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rulebook.settings")
application = get_wsgi_application()
checks.stop_unless_sound()  # a web server runs no system checks by itself

from rulebook.desk import worker  # noqa: E402 (its models need what was set up above)

worker.start()
