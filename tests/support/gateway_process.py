"""The gateway as a process, for tests that need one: started on ports of the system's choice,
watched through its log, stopped at the end."""

import hashlib
import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

PATIENCE = 15.0     # seconds for anything that must happen


class Failed(AssertionError):
    pass


def digest_of(key):
    """What a configuration holds of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


def wait_for(what, holds, patience=PATIENCE):
    """The first true value of `holds()`; fails after `patience` seconds, naming `what`."""
    until = time.monotonic() + patience
    while True:
        value = holds()
        if value:
            return value
        if time.monotonic() > until:
            raise Failed(f"not within {patience} s: {what}")
        time.sleep(0.01)


class Process:
    """A child whose lines are collected as they come."""

    def __init__(self, command, **options):
        self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, text=True, **options)
        self.lines = {"stdout": [], "stderr": []}
        self._threads = [threading.Thread(target=self._collect, args=(name,), daemon=True)
                         for name in self.lines]
        for thread in self._threads:
            thread.start()

    def _collect(self, name):
        for line in getattr(self.child, name):
            self.lines[name].append(line.rstrip("\n"))

    def json_lines(self, name):
        found = []
        for line in list(self.lines[name]):
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return found

    def signal(self, number):
        self.child.send_signal(number)

    def wait(self, patience=PATIENCE):
        """The exit status."""
        try:
            status = self.child.wait(patience)
        except subprocess.TimeoutExpired:
            raise Failed(f"the process did not end within {patience} s\n{self.tail()}") from None
        for thread in self._threads:
            thread.join(1)
        return status

    def tail(self):
        return "\n".join(self.lines["stderr"][-20:])

    def stop(self):
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(5)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()


class Gateway(Process):
    """`penstock serve` with this configuration text. Listeners should say port 0."""

    def __init__(self, binary, config, folder, environment=None, listeners=1):
        self.folder = Path(folder)
        self.config = self.folder / "penstock.yaml"
        self.config.write_text(config)
        super().__init__([str(binary), "serve", "--config", str(self.config)],
                         cwd=self.folder, env={**os.environ, **(environment or {})})
        try:
            self.addresses = wait_for("the gateway listens", lambda: self._listening(listeners))
        except Failed:
            self.stop()
            raise

    def _listening(self, count):
        if self.child.poll() is not None:
            raise Failed(f"the gateway ended with status {self.child.returncode}\n{self.tail()}")
        found = [line["address"] for line in self.events("listening")]
        return found if len(found) >= count else None

    def events(self, name):
        """The lines of the gateway's own log that tell of this event."""
        return [line for line in self.json_lines("stderr")
                if isinstance(line, dict) and line.get("event") == name]

    @property
    def port(self):
        return int(self.addresses[0].rsplit(":", 1)[1])

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def request_lines(self):
        """The lines that were logged of requests, oldest first (`log.requests` must be "-")."""
        return [line for line in self.json_lines("stdout") if "request_id" in line]

    def reload(self, config):
        self.config.write_text(config)
        self.signal(signal.SIGHUP)
