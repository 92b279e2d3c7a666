"""Processes of the rig: started on one core, ready when they answer, measured from /proc."""

import contextlib
import http.client
import json
import os
import pathlib
import random
import resource
import selectors
import shutil
import signal
import socket
import subprocess
import time

KEY = "sk-penstock-bench"
FILES = resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def free_port():
    """Below the ports that the kernel gives to clients, since thousands of these are in use."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _allow_all_files():
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))


class Process:
    """A program in a session of its own, so that its children are counted and ended with it."""

    def __init__(self, command, core, log, environment=None):
        self._log = open(log, "wb")
        self._child = subprocess.Popen(
            ["taskset", "-c", str(core), *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
            preexec_fn=_allow_all_files,
        )

    def running(self):
        return self._child.poll() is None

    def members(self):
        """Process ids of the session."""
        found = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            with contextlib.suppress(OSError, IndexError):
                fields = pathlib.Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == self._child.pid:
                    found.append(int(entry))
        return found

    def cpu_seconds(self):
        """Time on a core so far, user and system, of all threads of all members."""
        nanoseconds = 0
        for pid in self.members():
            for task in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
                with contextlib.suppress(OSError):
                    nanoseconds += int(task.read_text().split()[0])
        return nanoseconds / 1e9

    def resident_bytes(self):
        pages = 0
        for pid in self.members():
            with contextlib.suppress(OSError):
                pages += int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * resource.getpagesize()

    def stop(self):
        for how, patience in ((signal.SIGTERM, 2), (signal.SIGKILL, 5)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._child.pid, how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(patience)
                break
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._log.close()


def answers(port, timeout):
    """Whether a chat completion through `port` succeeds within `timeout` seconds."""
    body = json.dumps({"model": "bench", "messages": [{"role": "user", "content": "ready?"}]})
    head = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"}
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        connection.request("POST", "/v1/chat/completions", body, head)
        return connection.getresponse().status == 200
    return False


@contextlib.contextmanager
def upstream(tools, core, folder):
    """The port of a fresh upstream, and its process."""
    port = free_port()
    process = Process([tools / "lean_upstream", "--port", port], core, folder / "upstream.log")
    try:
        wait_until_ready(process, port, 5, "the upstream", folder / "upstream.log")
        yield port, process
    finally:
        process.stop()


@contextlib.contextmanager
def proxy(row, upstream_port, core, folder, patience=120):
    """The port of a freshly started proxy, and its process."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    port = free_port()
    command, environment = row.command(folder, port, upstream_port)
    process = Process(command, core, folder / "output.log", environment)
    try:
        wait_until_ready(process, port, patience, row.name, folder / "output.log")
        yield port, process
    finally:
        process.stop()


def wait_until_ready(process, port, patience, name, log):
    limit = time.monotonic() + patience
    while not answers(port, 2):
        if not process.running() or time.monotonic() > limit:
            said = log.read_text(errors="replace").strip().splitlines()[-3:]
            raise RuntimeError(f"{name} did not get ready: {' | '.join(said)}")
        time.sleep(0.05)


class Generator:
    """The load generator, pinned to the core that it shares with the upstream."""

    def __init__(self, tools, core):
        self._command = ["taskset", "-c", str(core), str(tools / "load_generator"), "--key", KEY]

    def _arguments(self, port, options):
        words = [*self._command, "--port", str(port)]
        for name, value in options.items():
            words += [f"--{name.replace('_', '-')}", str(value)]
        return words

    def run(self, port, **options):
        patience = float(options.get("seconds", 5)) + 60
        command = self._arguments(port, options)
        done = subprocess.run(command, capture_output=True, text=True, timeout=patience, check=True)
        return json.loads(done.stdout)

    @contextlib.contextmanager
    def holding(self, port, streams, events_per_second, patience=60):
        """Holds open streams; yields how many have had two events."""
        options = {"open": streams, "events_per_second": events_per_second, "ramp": streams * 3e-4}
        child = subprocess.Popen(
            self._arguments(port, options), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            yield json.loads(_line_within(child.stdout, patience) or '{"ready": 0}')["ready"]
        finally:
            child.stdin.close()
            child.stdout.read()
            child.wait(30)


def _line_within(stream, seconds):
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        return stream.readline() if selector.select(seconds) else ""
