"""One session: one fresh proxy process, all loads on it in order, samples of every figure."""

import contextlib
import sys
import time
from dataclasses import dataclass, field

from processes import proxy, upstream

BODIES = (400, 8192)
STREAMS = (1, 50, 200, 500)
EVENTS_PER_SECOND = 50
RATE = 1000
OPEN_STREAMS = 9000
# What a slow proxy is asked for, in turn, until it holds: requests a second; events a second of
# each stream.
RATES = (1000, 700, 500, 350, 250, 180, 120, 80, 60, 40, 28, 20, 14, 10, 7, 5, 3, 2, 1)
PACES = (50, 30, 20, 12, 8, 5, 3, 2, 1, 0.5, 0.25)
# Seconds that a slow proxy gets for its search, and over which its streams begin at most.
SEARCH_SECONDS = 240
LONGEST_RAMP = 15


@dataclass
class Lengths:
    """Seconds of each load, and its cases."""

    warm: float = 1.0
    closed: float = 3.0
    paced: float = 4.0
    streamed: float = 3.0
    ramp: float = 1.0
    rounds: int = 6
    paced_bodies: tuple = BODIES
    streams: tuple = STREAMS


QUICK = Lengths(
    warm=0.3, closed=0.8, paced=0.8, streamed=0.6, ramp=0.4, rounds=2,
    paced_bodies=BODIES[:1], streams=(1, STREAMS[-1]),
)


@dataclass
class Samples:
    """Per (figure, proxy, body, streams): one value a round, and what else was seen then."""

    values: dict = field(default_factory=dict)
    extras: dict = field(default_factory=dict)

    def add(self, figure, proxy_name, value, body=None, streams=None, **extra):
        key = (figure, proxy_name, body, streams)
        self.values.setdefault(key, []).append(value)
        self.extras.setdefault(key, []).append(extra)


class Rig:
    """The two cores and the programs on them."""

    def __init__(self, tools, folder, generator, proxy_core, rig_core, lengths, samples):
        self.tools = tools
        self.folder = folder
        self.generator = generator
        self.proxy_core = proxy_core
        self.rig_core = rig_core
        self.lengths = lengths
        self.samples = samples

    def session(self, row, only_closed=False):
        """All loads through `row`; None is the direct way."""
        name = row.name if row else "direct"
        folder = self.folder / name
        with contextlib.ExitStack() as stack:
            self.folder.mkdir(parents=True, exist_ok=True)
            up, engine = stack.enter_context(upstream(self.tools, self.rig_core, self.folder))
            port, process = up, engine
            if row:
                port, process = stack.enter_context(proxy(row, up, self.proxy_core, folder))
            slow = name == "litellm"
            self.generator.run(port, seconds=self.lengths.warm, body=BODIES[0])
            for body in BODIES:
                self._closed(name, port, process, engine, body, 4 if slow else 1)
            if only_closed:
                return
            if slow:
                return self._slow(name, port, process, up)
            for body in self.lengths.paced_bodies:
                self._paced(name, port, body, RATE)
            for streams in self.lengths.streams:
                seconds = self.lengths.ramp + self.lengths.streamed
                seen = self._stream(port, process, streams, EVENTS_PER_SECOND, seconds)
                self._take_streams(name, seen)

    def _closed(self, name, port, process, engine, body, times):
        seconds = times * self.lengths.closed
        cpu, rig = process.cpu_seconds(), engine.cpu_seconds()
        seen = self.generator.run(port, seconds=seconds, body=body)
        cpu, rig = process.cpu_seconds() - cpu, engine.cpu_seconds() - rig
        complain(f"{name}, closed loop, {body} B", seen, seen["requests"])
        rig += seen["cpu_seconds"]
        extra = {"errors": seen["errors"], "rig_core_busy": round(rig / seconds, 3)}
        self.samples.add("rps", name, seen["rps"], body=body, **extra)
        if name != "direct" and seen["requests"]:
            each = cpu / seen["requests"] * 1e6
            self.samples.add("cpu_us_per_request", name, each, body=body, errors=seen["errors"])

    def _paced(self, name, port, body, rate):
        seen = self.generator.run(port, seconds=self.lengths.paced, body=body, rate=rate)
        complain(f"{name}, {rate} requests/s, {body} B", seen, seen["requests"])
        for quantile in ("p50", "p99"):
            value = seen["latency_us"][quantile]
            extra = {"rate": rate, "errors": seen["errors"]}
            self.samples.add(f"latency_us_{quantile}", name, value, body=body, **extra)
        return seen

    def _stream(self, port, process, streams, pace, seconds, ramp=None):
        """One run of paced streams that each last `seconds`."""
        ramp = ramp or self.lengths.ramp
        events = max(3, round(seconds * pace))
        cpu = process.cpu_seconds()
        seen = self.generator.run(
            port, streams=streams, events=events, events_per_second=pace,
            seconds=ramp + (events + 1) / pace, ramp=ramp,
        )
        cpu = process.cpu_seconds() - cpu
        return {**seen, "cpu": cpu, "streams": streams, "pace": pace, "expected": events * streams}

    def _take_streams(self, name, seen):
        complain(f"{name}, {seen['streams']} streams", seen, seen["streams"])
        streams, latency = seen["streams"], seen["event_latency_us"]
        extra = {"events_per_second": seen["pace"], "errors": seen["errors"]}
        gaps = {f"gap_us_{quantile}": seen["gap_us"][quantile] for quantile in ("p50", "p99")}
        self.samples.add(
            "event_latency_us", name, latency["p50"], streams=streams, p99=latency["p99"],
            **extra, **gaps,
        )
        if streams == STREAMS[-1] and not name.startswith("direct") and seen["events"]:
            each = seen["cpu"] / seen["events"] * 1e6
            self.samples.add("cpu_us_per_event", name, each, streams=streams, **extra, **gaps)

    def _slow(self, name, port, process, direct_port):
        """A proxy that cannot hold the common load: its latencies at the highest rate that it
        holds, each with direct at the same rate right after."""
        limit = time.monotonic() + SEARCH_SECONDS
        for body in self.lengths.paced_bodies:
            rate = self._highest_rate(name, port, body)
            if rate:
                self._paced(name, port, body, rate)
                self._paced(f"direct for {name}", direct_port, body, rate)
        most = PACES[0] * STREAMS[-1]
        begun_each_second = 0.4 * self.samples.values[("rps", name, BODIES[0], None)][-1]
        for streams in self.lengths.streams:
            ramp = min(LONGEST_RAMP, max(self.lengths.ramp, streams / max(begun_each_second, 1)))
            seconds = ramp + self.lengths.streamed
            for pace in (pace for pace in PACES if pace * streams <= most):
                if time.monotonic() > limit:
                    return complain_unheld(name, f"{streams} streams at a pace found in time")
                seen = self._stream(port, process, streams, pace, seconds, ramp)
                if holds(seen, seen["event_latency_us"]) and seen["events"] == seen["expected"]:
                    self._take_streams(name, seen)
                    direct = self._stream(direct_port, process, streams, pace, seconds, ramp)
                    self._take_streams(f"direct for {name}", direct)
                    break
                done = seen["events"] / (seconds + ramp)
                most = min(0.8 * pace * streams, max(done, PACES[-1] * streams))
            else:
                complain_unheld(name, f"{streams} streams at any pace")

    def _highest_rate(self, name, port, body):
        most = 0.9 * self.samples.values[("rps", name, body, None)][-1]
        for rate in (rate for rate in RATES if rate <= max(most, RATES[-1])):
            seen = self.generator.run(port, seconds=self.lengths.paced, body=body, rate=rate)
            if holds(seen, seen["latency_us"]):
                return rate
        return complain_unheld(name, f"any rate with {body} B bodies")

    def memory(self, row, streams=OPEN_STREAMS):
        """What each open stream adds to the proxy's resident memory."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as stack:
            up, _ = stack.enter_context(upstream(self.tools, self.rig_core, self.folder))
            folder = self.folder / row.name
            port, process = stack.enter_context(proxy(row, up, self.proxy_core, folder))
            self.generator.run(port, seconds=0.3, connections=8)
            before = process.resident_bytes()
            with self.generator.holding(port, streams, events_per_second=0.25) as ready:
                each = (process.resident_bytes() - before) / max(ready, 1)
            if ready < streams:
                complain_unheld(row.name, f"{streams} open streams, only {ready}")
                return
            self.samples.add("bytes_per_stream", row.name, each, streams=streams)


def holds(seen, latency):
    """Nothing failed and nothing piled up."""
    return seen["errors"] == 0 and latency["p99"] < 1e6


def complain(load, seen, requests):
    kinds = ("bad_status", "bad_answer", "not_connected", "unfinished")
    if seen["errors"] > 0:
        why = ", ".join(f"{kind} {seen[kind]}" for kind in kinds if seen[kind])
        of = f"{seen['errors']} errors of {requests + seen['errors']}"
        print(f"{load}: {of} ({why})", file=sys.stderr)


def complain_unheld(name, what):
    print(f"{name} does not hold {what}", file=sys.stderr)
