#!/usr/bin/env python3
"""The load bench: the gateway beside HAProxy, nginx, Envoy, vllm-router and LiteLLM.

Each proxy runs alone on one core with one thread; generator and upstream share another. Rounds go
through the proxies forward and backward (ABBA), each with fresh processes. Prints one JSON object
per line; progress goes to standard error. docs/benchmarks.md explains the figures.
"""

import argparse
import json
import os
import pathlib
import shutil
import sys
import time

import figures
from measure import QUICK, Lengths, Rig, Samples
from processes import Generator
from proxies import ROOT, LeftOut, table

MINUTES = 28  # after which no round is begun; the whole run is to end within 30


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a rough answer in about a minute")
    parser.add_argument("--penstock", default=ROOT / "build/release/penstock", help="the gateway")
    parser.add_argument("--tools", default=ROOT / "build/release/bench/load", type=pathlib.Path)
    parser.add_argument("--only", help="names of proxies, comma separated")
    parser.add_argument("--rounds", type=int, help="an even number; by default 6, --quick 2")
    parser.add_argument("--no-memory", action="store_true", help="without bytes_per_stream")
    return parser.parse_args()


def say(started, text):
    print(f"[{time.monotonic() - started:6.1f} s] {text}", file=sys.stderr, flush=True)


def installed(rows, may_download):
    """The rows that can be measured; each other one is named with its reason."""
    found = []
    for row in rows:
        try:
            row.install(may_download)
            found.append(row)
        except LeftOut as why:
            leave_out(row.name, why)
    return found


def leave_out(name, why):
    print(json.dumps({"left_out": name, "why": str(why)}), flush=True)
    print(f"left out: {name}: {why}", file=sys.stderr)


def attempt(rows, row, what, *arguments, **options):
    """Runs one step of the bench; a proxy that fails is left out from then on."""
    try:
        what(*arguments, **options)
    except Exception as error:  # a peer's failure must not cost the others their figures
        if row is None:
            raise
        leave_out(row.name, f"{type(error).__name__}: {error}")
        rows.remove(row)


def run_rounds(rig, rows, options, started):
    """Pairs of rounds, forward and backward, while there is time for another pair."""
    pair_took = 0.0
    for pair in range(options.rounds // 2):
        begun = time.monotonic()
        if begun - started + pair_took > MINUTES * 60:
            say(started, f"no time for more than {2 * pair} rounds")
            break
        for backward in (False, True):
            say(started, f"round {2 * pair + backward + 1} of {options.rounds}")
            order = [None, *(row for row in rows if row.name != "litellm")]
            for row in reversed(order) if backward else order:
                # A quick run asks the others for requests per second alone, and once.
                aside = options.quick and row and row.name not in ("penstock", "haproxy")
                if not (aside and backward):
                    attempt(rows, row, rig.session, row, only_closed=bool(aside))
        pair_took = time.monotonic() - begun
        for row in [row for row in rows if row.name == "litellm" and pair == 0]:
            say(started, f"{row.name}, at the rates that it holds")
            attempt(rows, row, rig.session, row, only_closed=options.quick)


def run_memory(rig, rows, options, started):
    for row in list(rows):
        if row.name == "litellm" or (options.quick and row.name != "penstock"):
            continue
        say(started, f"open streams: {row.name}")
        attempt(rows, row, rig.memory, row)


def main():
    options = parse()
    started = time.monotonic()
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        sys.exit("the load bench needs two cores: one for the proxy, one for the rig")
    lengths = QUICK if options.quick else Lengths()
    options.rounds = options.rounds or lengths.rounds
    names = options.only.split(",") if options.only else None
    rows = [row for row in table(options.penstock) if not names or row.name in names]
    rows = installed(rows, may_download=not options.quick)
    versions = {row.name: row.version() for row in rows}

    samples = Samples()
    generator = Generator(options.tools.resolve(), cores[-1])
    folder = ROOT / "build" / "bench" / "load"
    rig = Rig(options.tools.resolve(), folder, generator, cores[0], cores[-1], lengths, samples)
    if not options.no_memory:
        run_memory(rig, rows, options, started)
    run_rounds(rig, rows, options, started)

    context = {
        "machine": figures.machine(),
        "versions": versions,
        "commit": figures.commit(ROOT),
        "quick": options.quick,
    }
    report = figures.Report(samples, context)
    report.print_measured()
    report.print_added([row.name for row in rows])
    report.print_rig()
    report.print_final()
    if not any(row.name == "penstock" for row in rows):
        say(started, "no figure of the gate: penstock was not measured")
    shutil.rmtree(folder, ignore_errors=True)  # configurations, and logs of gigabytes
    say(started, "done")


if __name__ == "__main__":
    main()
