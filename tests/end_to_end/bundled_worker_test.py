"""The real worker with the model that we ship: killed in mid-stream behind the gateway, and left by
ten thousand clients."""

import json
import os
import random
import shutil
import signal
import socket
import threading

from rig import (CHAT, PENSTOCK, ROOT, Case, Process, Stream, UnixConnection, digest_of, exchange,
                 wait_for)

MODEL = ROOT / "models/penstock-demo"
WORKER = os.path.join(os.path.dirname(PENSTOCK), "penstock-worker")
ASKED = {"model": "demo", "max_tokens": 400, "ignore_eos": True,
         "messages": [{"role": "user", "content": "Tell me a short story about a fox."}]}


class Killed(Case):
    def test_a_worker_killed_in_mid_stream_ends_it_with_an_error_and_answers_the_next(self):
        gateway = self.gateway(
            "listen: [{address: 127.0.0.1:0}]\n"
            f"models: {{demo: {{replicas: [{{worker: {{model: {MODEL}, device: cpu}}}}]}}}}\n")
        self.assertEqual(exchange(self.connect(gateway), "POST", CHAT,
                                  {**ASKED, "max_tokens": 4})[0], 200)
        (worker,) = [started["pid"] for started in gateway.events("worker_started")]
        body = {**ASKED, "stream": True, "max_tokens": 900}
        stream = Stream(self.connect(gateway), body=body)
        self.assertEqual(stream.status, 200)
        self.assertIn("choices", stream.next_event())
        os.kill(worker, signal.SIGSTOP)  # so that it cannot finish first
        os.kill(worker, signal.SIGKILL)
        rest = stream.rest()
        self.assertIn("error", json.loads(rest[-1]))
        self.assertNotIn("[DONE]", rest)
        wait_for("the worker's death is noticed", lambda: gateway.events("worker_died"))
        status, text = exchange(self.connect(gateway), "POST", CHAT, {**ASKED, "max_tokens": 4})
        self.assertEqual(status, 200, text)
        self.assertEqual(len(gateway.events("worker_started")), 2)


class Limits(Case):
    """What passes the gateway is not refused by its own worker."""

    def ask(self, limits, size, **more):
        gateway = self.gateway(
            f"listen: [{{address: 127.0.0.1:0}}]\nlimits: {{{limits}}}\n"
            f"models: {{demo: {{replicas: [{{worker: {{model: {MODEL}, device: cpu}}}}]}}}}\n")
        body = json.dumps({**ASKED, "max_tokens": 2, **more})
        return exchange(self.connect(gateway), "POST", CHAT, body.ljust(size))

    def test_a_body_above_the_workers_own_default_is_answered(self):
        status, text = self.ask("body: 48Mi", 40 << 20)
        self.assertEqual(status, 200, text)

    def test_a_body_to_which_the_gateway_adds_is_answered_though_it_was_as_large_as_may_be(self):
        status, text = self.ask("body: 1Ki", 1 << 10, stream=True)
        self.assertEqual(status, 200, text)
        self.assertIn("[DONE]", text)


class Tenants(Case):
    """What the gateway tells its worker of who asks."""

    LONG = [{"role": "user", "content": "The fox has a red ball. " * 20}]

    def setUp(self):
        super().setUp()
        keys = "".join(f"  - {{name: {name}, sha256: {digest_of(name)}, tenant: {name}}}\n"
                       for name in ("one", "two"))
        self.served = self.gateway(
            f"listen: [{{address: 127.0.0.1:0}}]\nkeys:\n{keys}"
            f"models: {{demo: {{replicas: [{{worker: {{model: {MODEL}, device: cpu}}}}]}}}}\n")

    def cached(self, key, **headers):
        body = {"model": "demo", "max_tokens": 2, "messages": self.LONG}
        status, text = exchange(self.connect(self.served), "POST", CHAT, body,
                                {"x-api-key": key, **headers})
        self.assertEqual(status, 200, text)
        return json.loads(text)["usage"]["prompt_tokens_details"]["cached_tokens"]

    def worker_state(self):
        said = [line["line"] for line in self.served.events("worker_said")]
        (ready,) = [line for line in said if line.startswith("ready unix:")]
        return json.loads(exchange(UnixConnection(ready.removeprefix("ready unix:")), "GET",
                                   "/internal/state")[1])

    def test_one_tenant_finds_nothing_in_the_cache_that_another_asked(self):
        self.assertEqual(self.cached("one"), 0)
        self.assertGreaterEqual(self.cached("one"), 64)
        self.assertEqual(self.cached("two"), 0)
        self.assertGreaterEqual(self.cached("two"), 64)

    def test_the_worker_orders_by_the_requests_class(self):
        self.cached("one", **{"x-penstock-class": "bulk"})
        self.cached("one")
        state = self.worker_state()
        ended = [sum(state[each][how] for how in ("stop", "length"))
                 for each in ("bulk", "realtime")]
        self.assertEqual(ended, [1, 1])


class Alone(Case):
    """The worker without a gateway."""

    def serve(self, model, *options):
        self.path = self.folder / "worker.sock"
        self.worker = Process([WORKER, "--model", str(model), "--listen", f"unix:{self.path}",
                               "--served-name", "demo", "--threads", "1", *options])
        self.addCleanup(self.worker.stop)
        wait_for("the worker is ready",
                 lambda: any(line.startswith("ready") for line in self.worker.lines["stdout"]))


class Template(Alone):
    def ids(self, model):
        self.serve(model)
        status, text = exchange(UnixConnection(self.path), "POST", "/tokenize",
                                {"messages": ASKED["messages"]})
        self.assertEqual(status, 200, text)
        self.worker.stop()
        return json.loads(text)["tokens"]

    def test_one_edited_word_of_a_template_changes_the_ids(self):
        edited = self.folder / "edited"
        shutil.copytree(MODEL, edited)
        settings = edited / "tokenizer_config.json"
        before = settings.read_text()
        settings.write_text(before.replace("<|im_start|>assistant", "<|im_start|>helper"))
        self.assertNotEqual(settings.read_text(), before)
        self.assertNotEqual(self.ids(edited), self.ids(MODEL))


class Storm(Alone):
    CLIENTS, EACH = 20, 500

    def setUp(self):
        super().setUp()
        self.serve(MODEL, "--max-sequences", "8", "--max-waiting", "12")

    def state(self):
        status, text = exchange(UnixConnection(self.path), "GET", "/internal/state")
        self.assertEqual(status, 200)
        return json.loads(text)

    def is_at_rest(self):
        state = self.state()
        return state["kv_pages_used"] == 0 and not any(
            state[each][length] for each in ("realtime", "bulk")
            for length in ("q_len_prefill", "q_len_decode"))

    def resident_bytes(self):
        with open(f"/proc/{self.worker.child.pid}/statm", encoding="ascii") as pages:
            return int(pages.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def leave(self, seed):
        """Asks again and again, and goes: at once, or with the first bytes of the answer."""
        source = random.Random(seed)
        for _ in range(self.EACH):
            body = json.dumps({**ASKED, "max_tokens": 60, "stream": source.random() < 0.5}).encode()
            kind = "bulk" if source.random() < 0.3 else "realtime"
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(30)
                client.connect(str(self.path))
                client.sendall(b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n"
                               b"X-Penstock-Class: %s\r\n\r\n%s"
                               % (CHAT.encode(), len(body), kind.encode(), body))
                if source.random() < 0.3:
                    client.recv(1)

    def storm(self):
        clients = [threading.Thread(target=self.leave, args=(seed,))
                   for seed in range(self.CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        wait_for("nothing is held", self.is_at_rest)

    def test_ten_thousand_that_left_leave_nothing_behind(self):
        self.leave(1)
        wait_for("nothing is held", self.is_at_rest)
        before = self.resident_bytes()
        self.storm()
        self.assertLess(self.resident_bytes() - before, 32 << 20)
        state = self.state()
        ended = sum(state[each][how] for each in ("realtime", "bulk")
                    for how in ("aborted", "stop", "length", "refused"))
        self.assertGreater(state["realtime"]["aborted"], 1000)
        self.assertGreaterEqual(ended, 1000)
        status, _ = exchange(UnixConnection(self.path), "POST", CHAT, {**ASKED, "max_tokens": 4})
        self.assertEqual(status, 200)
