"""More load than engines can bear, with real bytes: engines that batch, clients that do not wait
for each other, the gateway between them."""

import json
import os
import sys
from pathlib import Path

from rig import PENSTOCK, ROOT, Case

sys.path.append(str(ROOT / "bench/overload"))
from point import Programs, measure  # noqa: E402

BENCH = Path(PENSTOCK).parent / "bench/overload/bench_overload"
SLOTS, KV_TOKENS = 8, 20_000
# Two of these do about 90 requests a second.
LOAD = """
length: {length}s
warm_up: {warm_up}s
rate: {rate}C
classes: {{realtime: {{share: 100%, patience: 10s}}, bulk: {{share: 0%}}}}
mixes: [{{prompt: {{median: 150, sigma: 0.5, least: 20, most: 1000}},
         output: {{median: 25, sigma: 0.5, least: 2, most: 100}}}}]
engine: {{iteration: 4ms, per_sequence: 50us, prefill: 40000, chunk: 512, sequences: 8,
         kv_tokens: 20000}}
"""


def jain(values):
    return sum(values) ** 2 / (len(values) * sum(value ** 2 for value in values))


def fair_shares(asked, in_all):
    """Of `in_all`, by max-min: who asks for less than an equal part of what is left gets it all."""
    shares, left = {}, in_all
    for number, name in enumerate(sorted(asked, key=asked.get)):
        shares[name] = min(asked[name], left / (len(asked) - number))
        left -= shares[name]
    return shares


class Overload(Case):
    def setUp(self):
        super().setUp()
        self.assertTrue(os.access(BENCH, os.X_OK), f"{BENCH} is not built")

    def measure(self, name, rate, warm_up, counted, more="", **options):
        load = self.write(f"{name}.yaml", LOAD.format(rate=rate, warm_up=warm_up,
                                                      length=warm_up + counted) + more)
        seen = measure(Programs(PENSTOCK, BENCH), self.folder / name, load, replicas=2,
                       slots=SLOTS, kv_tokens=KV_TOKENS, drain=5, **options)
        real, simulated = seen["real"], seen["simulated"]
        print(f"    {name}: goodput {real['goodput']:.1f}/s, simulated {simulated['goodput']:.1f}/s"
              f", core {100 * seen['gateway_core']:.0f} %, {seen['failures']}", flush=True)
        self.assertEqual(seen["failures"], {})
        return seen

    def test_engines_whose_metrics_stand_still_cost_at_most_a_tenth_of_the_goodput(self):
        # Full when the numbers stop, nearly empty from then on: who believes them takes what is
        # free for what others have. Two hundred looks of the gateway find nothing new.
        warm_up, counted = 2, 4
        options = {"ttft": "500ms", "scrape_every": "20ms", "freeze_at": warm_up,
                   "freeze_for": counted, "more": f"steps: [{{at: {warm_up}s, rate: 0.3C}}]"}
        before = self.measure("told", 1.5, warm_up, counted, **options)["real"]["goodput"]
        self.assertGreater(before, 15)
        for how in ("nothing", "old"):
            seen = self.measure(f"frozen_{how}", 1.5, warm_up, counted, freeze=how, **options)
            self.assertGreaterEqual(seen["real"]["goodput"], 0.9 * before, how)

    def test_a_tenant_with_most_of_an_overload_takes_nothing_from_the_others(self):
        tenants = ", ".join(f"{{name: {name}, share: {share}%}}" for name, share in
                            (("loud", 60), ("a", 10), ("b", 10), ("c", 10), ("d", 10)))
        self.measure("tenants", 1.5, 4, 14, f"tenants: [{tenants}]")
        lines = [json.loads(line) for line in
                 (self.folder / "tenants/requests.log").read_text().splitlines()]
        counted_from = min(line["t_arrive"] for line in lines) + 4_000_000
        counted = [line for line in lines if line["t_arrive"] >= counted_from]
        served = {line["tenant"]: 0 for line in counted}
        self.assertEqual(len(served), 5)
        for line in counted:
            if line["verdict"] == "served":
                served[line["tenant"]] += line["prompt"] + 2 * line["output"]
        # What was refused from its head alone was never measured: a request is worth the mean.
        num_served = sum(line["verdict"] == "served" for line in counted)
        mean = sum(served.values()) / num_served
        asked = {name: mean * sum(line["tenant"] == name for line in counted) for name in served}
        shares = fair_shares(asked, sum(served.values()))
        backlogged = [name for name in served if asked[name] > 1.05 * shares[name]]
        of_share = {name: served[name] / shares[name] for name in served}
        print(f"    of its fair share each got {of_share}", flush=True)
        self.assertLess(num_served, 0.8 * len(counted), "there was no overload")
        self.assertIn("loud", backlogged)
        self.assertGreaterEqual(jain([served[name] for name in backlogged]), 0.95)
        self.assertGreaterEqual(jain(list(of_share.values())), 0.95)
