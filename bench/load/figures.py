"""From samples to figures: medians of rounds, one JSON object a line."""

import json
import pathlib
import platform
import statistics
import subprocess

from measure import BODIES, EVENTS_PER_SECOND, OPEN_STREAMS, RATE, STREAMS

UNITS = {
    "cpu_us_per_request": "us",
    "rps": "requests/s",
    "cpu_us_per_event": "us",
    "added_us_p50": "us",
    "added_us_p99": "us",
    "per_token_overhead_us": "us",
    "bytes_per_stream": "bytes",
}
OURS = "penstock"


def machine():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    memory = pathlib.Path("/proc/meminfo").read_text().split()[1]
    model = models[0] if models else platform.machine()
    cores = len([line for line in lines if line.startswith("processor")])
    return f"{model}, {cores} cores, {int(memory) // 2**20} GiB, Linux {platform.release()}"


def commit(root):
    def git(*words):
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True)
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no")
    return (git("rev-parse", "--short=12", "HEAD") or "unknown") + ("+changes" if changed else "")


class Report:
    def __init__(self, samples, context):
        self._samples = samples
        self._context = context

    def median(self, figure, proxy, body=None, streams=None):
        values = self._samples.values.get((figure, proxy, body, streams))
        return statistics.median(values) if values else None

    def _rounds(self, figure, proxy, body=None, streams=None):
        return len(self._samples.values[(figure, proxy, body, streams)])

    def _extras(self, figure, proxy, body, streams):
        seen = self._samples.extras.get((figure, proxy, body, streams), [])
        names = {name for each in seen for name in each}
        collect = {name: [each[name] for each in seen if name in each] for name in sorted(names)}
        return {
            name: sum(values) if name == "errors" else round(statistics.median(values), 3)
            for name, values in collect.items()
        }

    def _print(self, figure, value, unit, **fields):
        shown = round(value, 3) if isinstance(value, float) else value
        print(json.dumps({"figure": figure, "value": shown, "unit": unit, **fields}), flush=True)

    def print_measured(self):
        """cpu_us_per_request, rps and cpu_us_per_event of every proxy."""
        for (figure, proxy, body, streams), values in sorted(
            self._samples.values.items(), key=lambda item: str(item[0])
        ):
            if figure not in ("cpu_us_per_request", "rps", "cpu_us_per_event") or " " in proxy:
                continue
            self._print(
                figure,
                statistics.median(values),
                UNITS[figure],
                proxy=proxy,
                body=body,
                streams=streams,
                lowest=round(min(values), 3),
                highest=round(max(values), 3),
                rounds=len(values),
                **self._extras(figure, proxy, body, streams),
            )

    def _added(self, source, proxy, **case):
        """The median over rounds of what `proxy` adds to the direct way."""
        through = self._samples.values.get((source, proxy, case.get("body"), case.get("streams")))
        own = f"direct for {proxy}"
        for way in (own, "direct"):
            direct = self._samples.values.get((source, way, case.get("body"), case.get("streams")))
            if through and direct:
                pairs = zip(through, direct)
                return statistics.median(ours - theirs for ours, theirs in pairs), len(through)
        return None

    def print_added(self, proxies):
        for proxy in proxies:
            for body in BODIES:
                for quantile in ("p50", "p99"):
                    source = f"latency_us_{quantile}"
                    found = self._added(source, proxy, body=body)
                    if found:
                        extras = self._extras(source, proxy, body, None)
                        whole = round(self.median(source, proxy, body=body), 1)
                        self._print(
                            f"added_us_{quantile}", found[0], "us", proxy=proxy, body=body,
                            streams=None, whole_request_us=whole, rounds=found[1], **extras,
                        )
            for streams in STREAMS:
                found = self._added("event_latency_us", proxy, streams=streams)
                if found:
                    extras = self._extras("event_latency_us", proxy, None, streams)
                    self._print(
                        "per_token_overhead_us", found[0], "us", proxy=proxy, body=None,
                        streams=streams, rounds=found[1], **extras,
                    )

    def _ratio(self, figure, peer, worst, cases):
        """Ours / theirs in the worst of the cases that both have; with the case."""
        found = []
        for case in cases:
            ours = self.median(figure, OURS, **case)
            theirs = self.median(figure, peer, **case)
            if ours is not None and theirs:
                found.append((ours / theirs, case))
        return worst(found, key=lambda each: each[0]) if found else None

    def print_final(self):
        """Each figure of the gate exactly once, as the worst of its cases."""
        bodies = [{"body": body} for body in BODIES]
        streams = [{"streams": STREAMS[-1]}]
        gates = [
            ("cpu_ratio_haproxy", "cpu_us_per_request", "haproxy", max, bodies, {}),
            ("event_ratio_haproxy", "cpu_us_per_event", "haproxy", max, streams,
             {"events_per_second": EVENTS_PER_SECOND}),
            ("p99_ratio_haproxy", "latency_us_p99", "haproxy", max, bodies, {"rate": RATE}),
            ("bytes_per_stream", None, None, None, None, None),
            ("rps_ratio_envoy", "rps", "envoy", min, bodies, {}),
            ("rps_ratio_vllm_router", "rps", "vllm-router", min, bodies, {}),
            ("rps_ratio_litellm", "rps", "litellm", min, bodies, {}),
        ]
        for name, figure, peer, worst, cases, fields in gates:
            if name == "bytes_per_stream":
                self._print_memory()
                continue
            found = self._ratio(figure, peer, worst, cases)
            if not found:
                continue
            ratio, case = found
            both = (OURS, peer)
            rounds = {proxy: self._rounds(figure, proxy, **case) for proxy in both}
            of = {proxy: round(self.median(figure, proxy, **case), 3) for proxy in both}
            self._print(
                name, ratio, "ratio", of=figure, **case, **fields, medians=of, rounds=rounds,
                **self._context,
            )

    def _print_memory(self):
        """Ours, with the peers' beside it: the figure's name is printed once."""
        ours = self.median("bytes_per_stream", OURS, streams=OPEN_STREAMS)
        if ours is None:
            return
        peers = {
            proxy: round(statistics.median(values))
            for (figure, proxy, _, _), values in self._samples.values.items()
            if figure == "bytes_per_stream" and proxy != OURS
        }
        self._print(
            "bytes_per_stream", round(ours), "bytes", proxy=OURS, body=None, streams=OPEN_STREAMS,
            peers=peers, **self._context,
        )

    def print_rig(self):
        """Whether the rig is fast enough: both ends on one core against HAProxy alone on one."""
        body = BODIES[0]
        rig = self.median("rps", "direct", body=body)
        speeds = {
            proxy: statistics.median(values)
            for (figure, proxy, size, _), values in self._samples.values.items()
            if figure == "rps" and size == body and proxy != "direct"
        }
        if rig is None or not speeds:
            return
        reference = "haproxy" if "haproxy" in speeds else max(speeds, key=speeds.get)
        busy = [
            extra["rig_core_busy"]
            for (figure, proxy, _, _), seen in self._samples.extras.items()
            if figure == "rps" and proxy != "direct"
            for extra in seen
        ]
        ratio = rig / speeds[reference]
        self._print(
            "rig_speed_ratio", ratio, "ratio", rig_ok=ratio >= 2, over=reference, rps=round(rig),
            over_fastest=round(rig / max(speeds.values()), 3), rig_core_busy_most=max(busy),
        )
