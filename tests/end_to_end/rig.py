"""What the end-to-end tests stand on: a folder, an upstream and a gateway for each test, and HTTP
over TCP, TLS and Unix sockets."""

import asyncio
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE.parent / "support"), str(ROOT / "tools")]
import http_server  # noqa: E402
import openai_answers as answers  # noqa: E402
from gateway_process import PATIENCE, Gateway, Process, digest_of, wait_for  # noqa: E402, F401

PENSTOCK = os.environ.get("PENSTOCK", "")
WORDS = [f"word{n} " for n in range(20)]
CHAT = "/v1/chat/completions"


class Upstream:
    """An upstream on a thread of this process that streams WORDS with a pause between and counts
    how many requests it has at once."""

    def __init__(self, pause=0.02, tls=None):
        self.pause = pause
        self.at_once = self.most_at_once = self.num_requests = self.num_left = 0
        self.port = self._loop = self._stop = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(tls)), daemon=True)
        self._thread.start()
        wait_for("the upstream listens", lambda: self.port)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"

    async def _serve(self, tls):
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await http_server.start(self._handle, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        await self._stop.wait()
        server.close()

    def close(self):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    async def _handle(self, request, answer):
        if request.method == "GET":
            return await answer.send(200, answers.models(["any"], 8192))
        self.num_requests += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self._answer(request.json(), answer)
        except asyncio.CancelledError:
            self.num_left += 1
            raise
        finally:
            self.at_once -= 1

    async def _answer(self, body, answer):
        used = answers.usage(1, len(WORDS))
        if not body.get("stream"):
            message = {"content": "".join(WORDS)}
            return await answer.send(200, answers.chat(body["model"], message, used))
        await answer.begin()
        for word in WORDS:
            await answer.event(answers.chat_chunk(body["model"], {"content": word}))
            await asyncio.sleep(self.pause)
        await answer.event("[DONE]")
        await answer.end()


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=PATIENCE):
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class Stream:
    """One streamed chat: its events as they come."""

    def __init__(self, connection, model="chat", headers=None, body=None):
        self.connection = connection
        body = body or {"model": model, "stream": True,
                        "messages": [{"role": "user", "content": "hi"}]}
        connection.request("POST", CHAT, json.dumps(body),
                           {"Content-Type": "application/json", **(headers or {})})
        self.answer = connection.getresponse()
        self.status = self.answer.status

    def next_event(self):
        """The data of the next event; None at the end."""
        while line := self.answer.readline():
            if line.startswith(b"data: "):
                return line[6:].decode().strip()
        return None

    def rest(self):
        return list(iter(self.next_event, None))


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="penstock-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def upstream(self, **options):
        made = Upstream(**options)
        self.addCleanup(made.close)
        return made

    def gateway(self, config, **options):
        made = Gateway(PENSTOCK, config, self.folder, **options)
        self.addCleanup(made.stop)
        return made

    def penstock(self, *arguments, **options):
        """Runs the program to its end; status and both outputs as one text."""
        done = subprocess.run([PENSTOCK, *map(str, arguments)], capture_output=True, text=True,
                              timeout=PATIENCE, stdin=subprocess.DEVNULL, cwd=self.folder,
                              **options)
        return done.returncode, done.stdout + done.stderr

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def connect(self, gateway, timeout=PATIENCE):
        made = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=timeout)
        self.addCleanup(made.close)
        return made

    def get(self, gateway, path, headers=None):
        """Status and text of a GET on a connection of its own."""
        return exchange(self.connect(gateway), "GET", path, headers=headers)

    def model_names(self, gateway):
        return {model["id"] for model in json.loads(self.get(gateway, "/v1/models")[1])["data"]}


def exchange(connection, method, path, body=None, headers=None):
    if isinstance(body, dict):
        body = json.dumps(body)
    kind = {"Content-Type": "application/json"} if body else {}
    connection.request(method, path, body, {**kind, **(headers or {})})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def config_of(models, listen="[{address: 127.0.0.1:0}]", more=""):
    """A configuration without keys; `models` maps names to what stands under `replicas`."""
    rows = "".join(f"  {name}: {{replicas: [{replicas}]}}\n" for name, replicas in models.items())
    return f"listen: {listen}\nmodels:\n{rows}{more}"


def make_certificates(folder):
    """A CA, and a server's and a client's certificate that it signed; names of the PEM files."""

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
            "-subj", "/CN=test CA")
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    for name in ("server", "client"):
        openssl("req", *new_key, "-keyout", f"{name}.key", "-out", f"{name}.csr",
                "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", f"{name}.pem")


def client_context(folder, certificate=None):
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    context.set_alpn_protocols(["h2", "http/1.1"])
    if certificate:
        context.load_cert_chain(folder / f"{certificate}.pem", folder / f"{certificate}.key")
    return context
