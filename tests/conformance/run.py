#!/usr/bin/env python3
"""Runs the official client SDKs, and the request shapes of well-known clients, through the gateway.

    tests/conformance/run.py [--penstock BINARY] [FILTER]

Installs the pinned SDKs under build/ on the first run (npm and PyPI are needed then, and only then)
and ends with the line `N passed, N failed, N skipped`.
"""

import argparse
import collections
import hashlib
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import rig

HERE = Path(__file__).resolve().parent
TEST_SECONDS_MAX = 300
# As unittest and as TAP say it.
SKIPPED = r"""(?:skipped ['"]|# SKIP )(.*?)['"]?$"""
PYTHON_COUNTS = (r"^Ran (\d+) test", r"\b(?:failures|errors)=(\d+)", r"\bskipped=(\d+)")
NODE_COUNTS = (r"^# tests (\d+)", r"^# fail (\d+)", r"^# skipped (\d+)")


def installed(folder, pins, install):
    """Installs into `folder` unless these pins are there already."""
    stamp = folder / ".pins"
    digest = hashlib.sha256(b"".join(pin.read_bytes() for pin in pins)).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        install(folder)
    except subprocess.CalledProcessError as failed:
        shutil.rmtree(folder, ignore_errors=True)
        names = ", ".join(pin.name for pin in pins)
        sys.exit(f"conformance: could not install {names}: the registry may be out of reach.\n"
                 f"{failed.stdout or ''}{failed.stderr or ''}")
    stamp.write_text(digest)
    return folder


def quietly(*command, **options):
    subprocess.run(command, check=True, capture_output=True, text=True, **options)


def install_python(folder):
    venv.create(folder, with_pip=True)
    quietly(folder / "bin/pip", "install", "--quiet", "--disable-pip-version-check",
            "--requirement", HERE / "requirements.txt")


def install_node(folder):
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder)
    quietly("npm", "ci", "--no-audit", "--no-fund", cwd=folder)


def counted(name, command, environment, patterns):
    """Runs one suite; (passed, failed, skipped), with the reasons of the last. One that ended badly
    without counting failed as a whole."""
    print(f"== {name}", flush=True)
    try:
        done = subprocess.run(command, cwd=HERE, env=environment, timeout=TEST_SECONDS_MAX,
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output, status = done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        output, status = f"{late.stdout}\nran longer than {TEST_SECONDS_MAX} s", 1
    run, failed, skipped = (sum(int(n) for n in re.findall(pattern, output, re.MULTILINE))
                            for pattern in patterns)
    if status != 0 and failed == 0:
        failed = 1
    print(output if failed else f"{run - skipped} tests", flush=True)
    for why, count in collections.Counter(re.findall(SKIPPED, output, re.MULTILINE)).items():
        print(f"{count} skipped: {why}", flush=True)
    return max(run - failed - skipped, 0), failed, skipped


def run_suites(suites, binary, upstream_port, folder):
    """Starts the gateway and runs each suite against it; their counts."""
    gateway, log = rig.start_gateway(binary, upstream_port, folder)
    try:
        environment = {
            **os.environ, "PENSTOCK_URL": gateway.url, "PENSTOCK_KEY": rig.KEY,
            "PENSTOCK_CHAT_ONLY_KEY": rig.CHAT_ONLY_KEY, "REQUEST_LOG": str(log),
            "UPSTREAM_URL": f"http://127.0.0.1:{upstream_port}",
            "WORKER_SOCKET": rig.worker_socket(gateway),
            # Otherwise the SDK looks for its price list on the network.
            "LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONDONTWRITEBYTECODE": "1"}
        counts = [counted(name, command, environment, patterns)
                  for name, command, patterns in suites]
        if gateway.child.poll() is not None:
            print(f"the gateway ended with {gateway.child.returncode}\n{gateway.tail()}")
            counts.append((0, 1, 0))
        return counts
    finally:
        gateway.stop()


def main():
    options = argparse.ArgumentParser(description=__doc__,
                                      formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("filter", nargs="?", help="only tests whose name contains this")
    options.add_argument("--penstock", type=Path, help="the gateway's binary",
                         default=HERE.parents[1] / "build/release/penstock")
    options.add_argument("--build", type=Path, default=HERE.parents[1] / "build",
                         help="where SDKs and logs go")
    options.add_argument("--only", choices=["python", "node"], help="one of the two suites")
    given = options.parse_args()
    if shutil.which("node") is None and given.only != "python":
        sys.exit("conformance: Node.js is missing (Debian: apt-get install nodejs npm)")

    sdks = given.build.resolve() / "conformance"
    suites = []
    if given.only != "node":
        venv_folder = installed(sdks / "venv", [HERE / "requirements.txt"], install_python)
        wanted = ["-k", given.filter] if given.filter else []
        suites.append(("python", [venv_folder / "bin/python", "-m", "unittest", "discover", "-v",
                                  "-p", "*_test.py", *wanted],
                       PYTHON_COUNTS))
        os.environ.setdefault("PENSTOCK_RENDERER",
                              str(given.penstock.resolve().parent / "tests/render_lines"))
        os.environ.setdefault("TOKENIZE_LINES",
                              str(given.penstock.resolve().parent / "tests/tokenize_lines"))
        if "PENSTOCK_TEST_DATA" in os.environ:
            suites.append(("tokenizer", [venv_folder / "bin/python", "-m", "unittest", "-v",
                                         *wanted, "worker_text.tokenizer_equality"], PYTHON_COUNTS))
        else:
            print("== tokenizer: 4 tests skipped, PENSTOCK_TEST_DATA is not set", flush=True)
    if given.only != "python":
        modules = installed(sdks / "node", [HERE / "package.json", HERE / "package-lock.json"],
                            install_node)
        # Node looks for packages beside the file that names them.
        tests = [shutil.copy(test, modules) for test in sorted(HERE.glob("*.test.mjs"))]
        wanted = [f"--test-name-pattern={given.filter}"] if given.filter else []
        suites.append(("node", ["node", "--test", "--test-reporter=tap", *wanted, *tests],
                       NODE_COUNTS))

    upstream = rig.start_upstream()
    try:
        counts = run_suites(suites, given.penstock.resolve(), upstream.port, sdks / "run")
    except rig.Failed as reason:
        print(reason)
        counts = [(0, 1, 0)]
    finally:
        upstream.stop()
    passed, failed, skipped = (sum(column) for column in zip(*counts))
    if passed + failed == 0 and not given.filter:
        failed = 1
        print("no test ran")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
