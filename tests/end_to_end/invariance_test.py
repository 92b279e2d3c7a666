"""The same request has the same answer, to the bit, whatever else the workers do: two worker
processes behind one gateway, and a load of other requests beside it."""

import concurrent.futures
import http.client
import json
import random

from rig import CHAT, PATIENCE, ROOT, Case

COPIES = 1000
AT_ONCE = 32
ASKED = {"model": "demo", "temperature": 0, "max_tokens": 12, "logprobs": True, "top_logprobs": 2,
         "messages": [{"role": "user", "content": "Tell me a short story about a fox."}]}


def noise(source):
    """A request of random length, cut and sampled at random."""
    words = " ".join(source.choice(["fox", "ball", "a", "the", "garden", "7"])
                     for _ in range(source.randrange(1, 200)))
    return {"model": "demo", "messages": [{"role": "user", "content": words}],
            "max_tokens": source.randrange(1, 24), "temperature": source.random() * 2,
            "seed": source.randrange(1 << 30), "stream": source.random() < 0.5}


class Invariance(Case):
    def ask(self, gateway, body):
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=4 * PATIENCE)
        try:
            connection.request("POST", CHAT, json.dumps(body),
                               {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.getheader("x-penstock-replica"), answer.read()
        finally:
            connection.close()

    def test_a_thousand_copies_under_random_load_over_two_workers_have_one_answer(self):
        model = ROOT / "models/penstock-demo"
        replicas = "".join(
            f"      - {{id: {name}, worker: {{model: {model}, device: cpu, threads: {threads}}}}}\n"
            for name, threads in (("one", 1), ("two", 2)))
        gateway = self.gateway(
            "listen: [{address: 127.0.0.1:0}]\nexpose_headers: all\n"
            f"models:\n  demo:\n    replicas:\n{replicas}")
        source = random.Random(4)
        load = [ASKED if i % 2 else noise(source) for i in range(2 * COPIES)]
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            answers = list(pool.map(lambda body: self.ask(gateway, body), load))
        for status, _, text in answers:
            self.assertEqual(status, 200, text)
        copies = [a for body, a in zip(load, answers) if body is ASKED]
        self.assertEqual(len(copies), COPIES)
        self.assertEqual(len({replica for _, replica, _ in copies}), 2, "both workers answered")
        choices = {json.dumps(json.loads(text)["choices"], sort_keys=True)
                   for _, _, text in copies}
        self.assertEqual(len(choices), 1)
