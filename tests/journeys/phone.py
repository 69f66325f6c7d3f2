"""One browser without script, worked by a test: it keeps cookies, follows links and fills in forms."""

import re
import urllib.error
import urllib.parse
import urllib.request
from html import unescape
from http.cookiejar import CookieJar

HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
PATIENCE = 60  # seconds


class Phone:
    def __init__(self, port):
        self.address = f"http://127.0.0.1:{port}"
        self.cookies = CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))
        self.status, self.page = 0, ""

    def get(self, path):
        return self._ask(self.address + path, None)

    def post(self, path, **fields):
        """With what the page before holds hidden, as a browser sends it."""
        sent = {**self.hidden(), **fields}
        return self._ask(self.address + path, urllib.parse.urlencode(sent).encode())

    def hidden(self):
        return {name: unescape(value) for name, value in HIDDEN.findall(self.page)}

    def sign_in(self, name, password):
        self.get("/sign-in/?next=/flag/")
        self.post("/sign-in/", username=name, password=password)
        assert 'name="stopped"' in self.page, self.page[:500]
        return self

    def receipt(self):
        found = re.search(r'<code id="code"[^>]*>([^<]*)</code>', self.page)
        return found[1] if found else ""

    def _ask(self, address, body):
        try:
            with self.opener.open(urllib.request.Request(address, body), timeout=PATIENCE) as answer:
                self.status, self.page = answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            self.status, self.page = error.code, error.read().decode()
        return self.status
