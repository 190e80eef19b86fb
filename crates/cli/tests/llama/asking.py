"""Plain HTTP, so that a test sees just what was answered."""

import http.client
import json
import time
from urllib.parse import urlsplit

from programs import DEADLINE


class Answer:
    """An answer, read to its end."""

    def __init__(self, response):
        self.status, self.headers = response.status, response.headers
        self.text = response.read().decode()

    def json(self):
        return json.loads(self.text)

    def pieces(self):
        """The JSON of each event of a stream, in either framing, or of the only answer."""
        if self.headers["content-type"].startswith("application/json"):
            return [self.json()]
        lines = (line.removeprefix("data: ") for line in self.text.splitlines())
        return [json.loads(line) for line in lines if line.startswith("{")]


def send(url, path, body=None):
    """Asks; returns the connection, on which the answer is to come. Without a body it only looks."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=DEADLINE)
    if body is None:
        connection.request("GET", path)
    else:
        text = body if isinstance(body, str) else json.dumps(body)
        connection.request("POST", path, text, {"content-type": "application/json"})
    return connection


def ask(url, path, body=None):
    """Asks and waits for the whole answer."""
    connection = send(url, path, body)
    try:
        return Answer(connection.getresponse())
    finally:
        connection.close()


def eventually(holds):
    """Waits until something holds."""
    until = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < until, "it never came to be"
        time.sleep(0.01)
