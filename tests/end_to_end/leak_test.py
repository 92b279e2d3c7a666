"""Requests that go wrong in every way, and nothing of them stays behind.

PENSTOCK_LEAK_REQUESTS says how many; 100 000 unless it does.
"""

import http.client
import os
import re
import signal
import subprocess
from pathlib import Path

from rig import PATIENCE, PENSTOCK, Case, exchange, wait_for

REQUESTS = int(os.environ.get("PENSTOCK_LEAK_REQUESTS", 100_000))
SLOTS = 8               # of each of the two replicas
MEMORY_MARGIN = 4096    # KiB that the second half may add: 80 bytes a request would be seen
LOAD = Path(PENSTOCK).parent / "tests" / "leak_load"

CONFIG = """
listen: [{{address: 127.0.0.1:0}}]
threads: 2
models:
  chat:
    replicas:
      - {{url: 'http://127.0.0.1:{0}', slots: {slots}}}
      - {{url: 'http://127.0.0.1:{1}', slots: {slots}}}
timeouts: {{first_byte: 10s, between_bytes: 10s, total: 15s, client_stall: 5s, upstream_idle: 1s}}
health:
  path: /health
  every: 200ms
  slow_start: 0s
  breaker: {{failures: 1000000}}
  outlier: {{min_requests: 1000000}}
log: {{requests: requests.jsonl}}
"""


class Load:
    """The program that plays upstreams and clients."""

    def __init__(self):
        self.child = subprocess.Popen([LOAD], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      text=True)
        self.ports = self._answer().split()[1:]

    def _answer(self):
        return self.child.stdout.readline().strip()

    def say(self, *words):
        print(*words, file=self.child.stdin, flush=True)
        return self._answer()

    def run(self, gateway, count, seed):
        told = self.say("load", gateway, count, seed)
        print(f"    {count} requests: {told}", flush=True)
        return {name: int(number) for name, number in (w.split("=") for w in told.split())}

    def stop(self):
        self.child.kill()
        self.child.wait()
        self.child.stdin.close()
        self.child.stdout.close()


class Leak(Case):
    def setUp(self):
        super().setUp()
        self.assertTrue(LOAD.exists(), f"{LOAD} is not built")
        self.load = Load()
        self.addCleanup(self.load.stop)
        self.served = self.gateway(CONFIG.format(*self.load.ports, slots=SLOTS))
        self.pid = self.served.child.pid
        wait_for("both replicas are up", lambda: self.sum_of("penstock_upstream_up") == 2)
        self.sockets_at_rest = wait_for("only listeners", self.listeners_alone)

    def sum_of(self, name):
        """The metric's samples, all labels together."""
        connection = http.client.HTTPConnection("127.0.0.1", self.served.port, timeout=PATIENCE)
        text = exchange(connection, "GET", "/metrics")[1]
        connection.close()
        found = re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", text, re.M)
        return sum(map(float, found))

    def sockets(self):
        count = 0
        for entry in os.listdir(f"/proc/{self.pid}/fd"):
            try:
                count += os.readlink(f"/proc/{self.pid}/fd/{entry}").startswith("socket:")
            except OSError:
                pass    # a probe's, closed meanwhile
        return count

    def listeners_alone(self):
        """One socket for each thread, when neither a probe nor we are connected."""
        count = self.sockets()
        return count if count <= 2 else None

    def memory(self):
        """Resident KiB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1])

    def wait_until_quiet(self):
        for name in ("penstock_requests_in_flight", "penstock_queue_waiting",
                     "penstock_upstream_in_flight", "penstock_body_bytes_held"):
            wait_for(f"{name} is zero", lambda name=name: self.sum_of(name) == 0, 30)
        wait_for("no socket is open", lambda: self.sockets() <= self.sockets_at_rest, 30)

    def test_requests_that_go_wrong_in_every_way_leave_nothing_behind(self):
        resident = []
        for seed, share in enumerate((0.1, 0.45, 0.45)):
            count = int(REQUESTS * share)
            seen = self.load.run(self.served.port, count, seed)
            self.assertEqual(seen["stuck"], 0)
            self.assertEqual(seen["wrong"], 0)
            self.assertGreater(seen["2xx"], count / 10)
            self.assertGreater(seen["left"], count / 10)
            self.wait_until_quiet()
            resident.append(self.memory())
        print(f"    resident KiB: {resident}", flush=True)
        self.assertLessEqual(resident[2], resident[1] + MEMORY_MARGIN)
        self.assertEqual(self.sum_of("penstock_handler_exceptions_total"), 0)

        # Every slot can be used, and not one more. There are fewer than in the beginning, since
        # engines that refused were given less.
        for _ in range(2):
            slots = int(self.sum_of("penstock_upstream_slots"))
            self.assertGreaterEqual(slots, 2)
            self.assertEqual(self.load.say("hold", self.served.port, 2 * SLOTS + 5),
                             f"silent {slots}")
            self.assertEqual(self.load.say("release"), "silent 0")
            self.wait_until_quiet()
        # A build that counts leaks by itself says so at the end.
        self.served.signal(signal.SIGTERM)
        self.assertEqual(self.served.wait(), 0, self.served.tail())
