#!/usr/bin/env python3
"""User instructions that a request costs a gateway, by callgrind: the same on a busy machine.

Of each binary: the difference of two runs, divided by what one has more, after a warm-up; one
thread, one key, one replica. With several binaries the first is what the others are compared with.
One JSON object per line; docs/benchmarks.md explains the figures.
"""

import argparse
import contextlib
import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "bench/load"))
from figures import commit, machine  # noqa: E402
from processes import KEY, proxy, upstream  # noqa: E402
from proxies import Penstock  # noqa: E402

WARM_UP = 300       # requests of each load
FEW, MANY = 200, 400
# The upstream makes of a stream as many events as its text says.
LOADS = {"unstreamed": ("Tell me a story.", False),
         "streamed": ("Tell me a story. #events=20 #period_us=2000", True)}


class Counted(Penstock):
    """The gateway under callgrind, whose counts lie in `folder`/counts.N."""

    def command(self, folder, port, upstream_port):
        command, environment = super().command(folder, port, upstream_port)
        return ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/counts",
                *command], environment


class Counter:
    def __init__(self, pid, folder):
        self._pid, self._folder, self._dumps = str(pid), folder, 0

    def _control(self, order):
        subprocess.run(["callgrind_control", order, self._pid], check=True, capture_output=True)

    def of(self, work):
        """Instructions of the gateway while `work()` ran."""
        self._control("-z")
        work()
        time.sleep(0.3)  # what it does once an answer is out: its line, its metrics
        self._control("-d")
        self._dumps += 1
        file = self._folder / f"counts.{self._dumps}"
        limit = time.monotonic() + 30
        while time.monotonic() < limit:
            with contextlib.suppress(FileNotFoundError):
                if found := re.search(r"^totals: (\d+)", file.read_text(), re.M):
                    return int(found[1])
            time.sleep(0.1)
        raise RuntimeError(f"callgrind wrote no {file}")


def ask(connection, load, times):
    text, stream = LOADS[load]
    body = json.dumps({"model": "bench", "stream": stream, "max_tokens": 100, "temperature": 0.7,
                       "messages": [{"role": "system", "content": "You are a helpful assistant."},
                                    {"role": "user", "content": text}]})
    head = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"}
    for _ in range(times):
        connection.request("POST", "/v1/chat/completions", body, head)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"the gateway answered {answer.status}")


def measure(binary, port, core, folder):
    """Instructions of a request, by load."""
    with proxy(Counted(binary), port, core, folder) as (own, process):
        connection = http.client.HTTPConnection("127.0.0.1", own, timeout=60)
        for load in LOADS:
            ask(connection, load, WARM_UP)
        counter = Counter(min(process.members()), folder)
        found = {}
        for load in LOADS:
            few, many = (counter.of(lambda times=times: ask(connection, load, times))
                         for times in (FEW, MANY))
            found[load] = round((many - few) / (MANY - FEW))
        return found


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binaries", nargs="*", default=[ROOT / "build/release/penstock"],
                        help="gateways; build/release/penstock when none is named")
    given = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    context = {"machine": machine(), "commit": commit(ROOT)}
    first = None
    with tempfile.TemporaryDirectory(prefix="penstock-cost-") as made:
        scratch = pathlib.Path(made)
        with upstream(ROOT / "build/release/bench/load", cores[-1], scratch) as (port, _):
            for binary in given.binaries:
                found = measure(binary, port, cores[0], scratch / "gateway")
                first = first or found
                for load, value in found.items():
                    line = {"figure": f"instructions_per_request_{load}", "value": value,
                            "unit": "instructions", "ratio": round(value / first[load], 4)}
                    print(json.dumps({**line, "binary": str(binary), **context}), flush=True)


if __name__ == "__main__":
    main()
