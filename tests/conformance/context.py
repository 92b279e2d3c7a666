"""What every conformance test needs: where gateway and upstream are, what the upstream got and what
the gateway logged."""

import http.client
import json
import os
import socket
import sys
import unittest
import urllib.request
import uuid
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "support"), str(HERE.parents[1] / "tools")]
from gateway_process import wait_for  # noqa: E402

URL = os.environ["PENSTOCK_URL"]
KEY = os.environ["PENSTOCK_KEY"]
CHAT_ONLY_KEY = os.environ["PENSTOCK_CHAT_ONLY_KEY"]
UPSTREAM = os.environ["UPSTREAM_URL"]
REQUEST_LOG = Path(os.environ["REQUEST_LOG"])
WORKER_SOCKET = os.environ["WORKER_SOCKET"]

# What the scripted upstream says and counts.
WORDS = ["Penstock ", "feeds ", "the ", "turbine."]
TEXT = "".join(WORDS)
PROMPT_TOKENS, CACHED_TOKENS, OUTPUT_TOKENS = 11, 3, 4
HELLO = [{"role": "user", "content": "hello"}]


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def worker_state():
    """What the bundled worker says of itself, to those who do not ask through the gateway."""
    connection = UnixConnection(WORKER_SOCKET)
    try:
        connection.request("GET", "/internal/state")
        return json.load(connection.getresponse())
    finally:
        connection.close()


class Case(unittest.TestCase):
    """A test with an id of its own in `self.headers`, by which its requests are found again."""

    def setUp(self):
        self.id = f"t-{uuid.uuid4()}"
        self.headers = {"x-request-id": self.id, "x-test-id": self.id}

    def upstream_requests(self):
        with urllib.request.urlopen(f"{UPSTREAM}/_recorded") as answer:
            return [request for request in json.load(answer)
                    if ["x-test-id", self.id] in request["headers"]]

    def upstream_body(self):
        """The body of this test's only request to the upstream."""
        (request,) = self.upstream_requests()
        return json.loads(request["body"])

    def log_lines(self, count):
        """This test's lines in the gateway's request log, once there are `count`."""

        def lines():
            text = REQUEST_LOG.read_text() if REQUEST_LOG.exists() else ""
            whole = text[:text.rfind("\n") + 1]  # the last line may be half written
            mine = [json.loads(line) for line in whole.splitlines() if self.id in line]
            return mine if len(mine) >= count else None

        found = wait_for(f"{count} log lines of {self.id}", lines)
        self.assertEqual(len(found), count)
        return found

    def log_line(self):
        return self.log_lines(1)[0]

    def wait_until_upstream_sees_the_client_leave(self):
        wait_for("the upstream sees the client leave",
                 lambda: any(r["client_closed"] for r in self.upstream_requests()))
