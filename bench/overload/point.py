"""One point: a gateway between real engines and clients, and the same in the simulator."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.append(str(ROOT / "tests/support"))
from gateway_process import Gateway, digest_of, wait_for  # noqa: E402

REPLICAS = 4
LOAD = HERE / "load.yaml"


class Programs:
    """What is run, and on which cores; None: on any."""

    def __init__(self, penstock, bench, gateway_core=None, rig_core=None):
        self.penstock, self.bench = penstock, bench
        self.gateway_core, self.rig_core = gateway_core, rig_core


@contextlib.contextmanager
def on_core(core):
    """What is started inside runs there."""
    before = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_seconds(pid):
    """Time on a core so far, of all threads."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def settings_of(hello, slots, kv_tokens, **values):
    keys = "\n".join(f"  - {{name: {each['tenant']}, sha256: {digest_of(each['key'])}}}"
                     for each in hello["keys"])
    replicas = "\n".join(
        f'      - {{id: engine-{number}, url: "http://127.0.0.1:{port}", slots: {slots}, '
        f"kv_tokens: {kv_tokens}}}"
        for number, port in enumerate(hello["engines"]))
    text = (HERE / "penstock.yaml").read_text()
    for name, value in {"keys": keys, "replicas": replicas, **values}.items():
        text = text.replace("{{" + name + "}}", value)
    return text


def replicas_up(gateway, key):
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=5)
    connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {key}"})
    text = connection.getresponse().read().decode()
    connection.close()
    return sum(map(float, re.findall(r"^penstock_upstream_up\{[^}]*\} (\S+)$", text, re.M)))


def command_of(programs, load, replicas, options):
    words = [str(programs.bench), "--load", str(load), "--replicas", str(replicas)]
    for name, value in options.items():
        if value is not None:
            words += [f"--{name.replace('_', '-')}", str(value)]
    return words


def measure(programs, folder, load=LOAD, replicas=REPLICAS, slots=64, kv_tokens=300_000,
            ttft="2s", scrape_every="1s", **options):
    """Runs one point in `folder`, where the gateway's requests.log stays. The program's figures,
    and `gateway_core`: the share of one core that the gateway used while arrivals counted."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with on_core(programs.rig_core):
        rig = subprocess.Popen(command_of(programs, load, replicas, options), text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    gateway = None
    try:
        hello = _line_of(rig)
        with on_core(programs.gateway_core):
            settings = settings_of(hello, slots, kv_tokens, ttft=ttft, scrape_every=scrape_every)
            gateway = Gateway(programs.penstock, settings, folder)
        wait_for("all engines are up",
                 lambda: replicas_up(gateway, hello["keys"][0]["key"]) == replicas)
        print(gateway.port, gateway.config, file=rig.stdin, flush=True)
        used = {}
        while "window" in (line := _line_of(rig)):
            used[line["window"]] = (cpu_seconds(gateway.child.pid), time.monotonic())
        cpu, took = (end - begin for begin, end in zip(used["begins"], used["ends"]))
        return {**line, "gateway_core": cpu / took}
    finally:
        if gateway:
            gateway.stop()
        rig.kill()
        rig.wait()
        rig.stdin.close()
        rig.stdout.close()


def _line_of(rig):
    line = rig.stdout.readline()
    if not line:
        raise RuntimeError(f"bench_overload ended with status {rig.wait()}")
    return json.loads(line)
