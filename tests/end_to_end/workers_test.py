"""Bundled workers: a worker that is killed comes back, and none outlives its gateway. They are
tests/support/fake_worker, or, with PENSTOCK_WORKER and PENSTOCK_WORKER_MODEL, that program with the
model of that folder."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from rig import CHAT, PATIENCE, PENSTOCK, Case, Stream, exchange, wait_for

PROGRAM = os.environ.get("PENSTOCK_WORKER") or Path(PENSTOCK).parent / "tests" / "fake_worker"
MODEL = os.environ.get("PENSTOCK_WORKER_MODEL")
GONE_WITHIN = 2.0   # seconds after the gateway's death
BODY = {"model": "chat", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 4}


def is_alive(pid):
    """Runs, and is no zombie that waits for somebody to take its status."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Workers(Case):
    def serve(self, script="", ready=True, environment=None):
        """A gateway with one worker; what a fake one does stands in `script`."""
        model = self.folder / "model"
        if not model.exists():
            if MODEL:
                model.symlink_to(Path(MODEL).resolve(), target_is_directory=True)
            else:
                model.mkdir()
                self.write("model/config.json", "{}")
                self.write("model/script", script)
        gateway = self.gateway(
            "listen: [{address: 127.0.0.1:0}]\n"
            f"worker: {{program: '{PROGRAM}', restart: {{first: 100ms}}}}\n"
            "models: {chat: {replicas: [{worker: {model: model}}]}}\n", environment=environment)
        if ready:
            self.wait_until_ready(gateway)
        return gateway

    def wait_until_ready(self, gateway, patience=120.0):
        wait_for("the worker is ready", lambda: self.is_up(gateway), patience)

    def is_up(self, gateway):
        return any(line.startswith("penstock_worker_up{") and line.endswith(" 1")
                   for line in self.get(gateway, "/metrics")[1].splitlines())

    def pids(self, gateway):
        return [line["pid"] for line in gateway.events("worker_started")]

    def long_stream(self, gateway):
        stream = Stream(self.connect(gateway))
        self.assertEqual(stream.status, 200)
        self.assertTrue(stream.next_event())
        return stream

    def kill_and_look(self, gateway):
        """Kills the gateway as hard as can be; the seconds until its workers are gone."""
        workers = self.pids(gateway)
        self.assertTrue(workers)
        self.assertTrue(all(map(is_alive, workers)))
        gateway.signal(signal.SIGKILL)
        begun = time.monotonic()
        gateway.wait()
        wait_for("no worker is left", lambda: not any(map(is_alive, workers)), GONE_WITHIN)
        return time.monotonic() - begun

    def test_a_gateway_that_is_killed_leaves_no_worker_behind(self):
        gateway = self.serve()
        self.assertLess(self.kill_and_look(gateway), GONE_WITHIN)

    def test_the_socket_folder_of_one_that_was_killed_is_gone_after_the_next_start(self):
        runtime = self.folder / "run"
        runtime.mkdir()

        def served(gateway):
            self.wait_until_ready(gateway)
            return {each for each in runtime.iterdir() if any(each.glob("*.sock"))}

        environment = {"XDG_RUNTIME_DIR": str(runtime)}
        killed = self.serve(environment=environment)
        (old,) = served(killed)
        self.kill_and_look(killed)
        self.assertTrue(old.exists())
        living = self.serve(environment=environment)
        (of_living,) = served(living)
        self.assertNotEqual(of_living, old)
        self.assertFalse(old.exists())
        beside = self.serve(environment=environment)
        self.assertEqual(len(served(beside)), 2)
        self.assertTrue(of_living.exists())
        self.assertEqual(exchange(self.connect(living), "POST", CHAT, BODY)[0], 200)
        for each in (living, beside):
            each.signal(signal.SIGTERM)
            self.assertEqual(each.wait(), 0)
        self.assertEqual(list(runtime.iterdir()), [])

    def test_nor_does_one_that_is_killed_in_mid_stream(self):
        gateway = self.serve("words 5000\npause 20\n")
        self.long_stream(gateway)
        self.assertLess(self.kill_and_look(gateway), GONE_WITHIN)

    def test_nor_does_one_that_is_killed_while_its_worker_starts(self):
        gateway = self.serve("ready_after 3600000\n", ready=False)
        wait_for("the worker starts", lambda: self.pids(gateway))
        self.assertLess(self.kill_and_look(gateway), GONE_WITHIN)

    def test_a_killed_worker_ends_its_stream_with_an_error_and_the_next_request_is_answered(self):
        gateway = self.serve("words 5000\npause 20\n")
        stream = self.long_stream(gateway)
        os.kill(self.pids(gateway)[0], signal.SIGKILL)
        events = stream.rest()
        self.assertIn('"error"', events[-1])
        self.assertNotIn("[DONE]", events)
        wait_for("the restart", lambda: len(self.pids(gateway)) == 2)
        self.wait_until_ready(gateway)
        self.assertEqual(exchange(self.connect(gateway), "POST", CHAT, BODY)[0], 200)
        self.assertEqual([line["how"] for line in gateway.events("worker_died")], ["signal 9"])

    def test_sigterm_stops_the_worker_after_the_requests(self):
        gateway = self.serve("words 20\npause 20\n")
        stream = self.long_stream(gateway)
        workers = self.pids(gateway)
        gateway.signal(signal.SIGTERM)
        self.assertEqual(stream.rest()[-1], "[DONE]")
        self.assertEqual(gateway.wait(), 0)
        self.assertFalse(any(map(is_alive, workers)))
        self.assertEqual([line["how"] for line in gateway.events("worker_stopped")], ["status 0"])

    def test_what_a_worker_says_is_in_the_gateways_log(self):
        gateway = self.serve()
        said = gateway.events("worker_said")
        self.assertTrue(any(line["line"].startswith("ready") for line in said), said)
        self.assertEqual({line["replica"] for line in said}, {"chat/default/default/model"})

    def test_a_missing_program_is_said(self):
        (self.folder / "model").mkdir()
        self.write("model/config.json", "{}")
        beside = self.folder / "penstock"
        shutil.copy(PENSTOCK, beside)
        config = self.write("penstock.yaml", "listen: [{address: 127.0.0.1:0}]\n"
                            "models: {chat: {replicas: [{worker: {model: model}}]}}\n")
        status, text = self.penstock("check", config)
        self.assertEqual(status, 0, text)
        done = subprocess.run([beside, "serve", "--config", config], capture_output=True,
                              text=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"no program {self.folder}/penstock-worker", done.stderr)
