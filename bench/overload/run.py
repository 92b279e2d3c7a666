#!/usr/bin/env python3
"""The overload bench: the gateway with real bytes beside the simulator, under the same load.

Engines that batch as the simulator's do and clients that send when they are due share one core; the
gateway has the other. Prints a table, then one JSON object per line; progress goes to standard
error. Ends with status 1 when the two disagree by more than they may. docs/benchmarks.md explains
the figures.
"""

import argparse
import json
import os
import pathlib
import shutil
import sys
import time

import compare
from point import LOAD, ROOT, Programs, measure

sys.path.append(str(ROOT / "bench/load"))
from figures import commit, machine  # noqa: E402

POINTS = (0.7, 1.0, 2.0, 10.0)
FROZEN_FOR = 60     # seconds


def parse():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", help="multiples of capacity, comma separated")
    parser.add_argument("--seconds", type=float,
                        help="of arrivals that count; 120, --quick 20, --freeze 60")
    parser.add_argument("--warm-up", type=float, help="seconds before them; 30, --quick 15")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--load", type=pathlib.Path, default=LOAD)
    parser.add_argument("--quick", action="store_true", help="one point, roughly, in a minute")
    parser.add_argument("--freeze", choices=("nothing", "old"),
                        help="each point again with engines whose metrics stand still for 60 s: "
                             "they say nothing, or what they said before")
    parser.add_argument("--penstock", type=pathlib.Path, default=ROOT / "build/release/penstock")
    parser.add_argument("--bench", type=pathlib.Path,
                        default=ROOT / "build/release/bench/overload/bench_overload")
    given = parser.parse_args()
    given.seconds = given.seconds or (20 if given.quick else FROZEN_FOR if given.freeze else 120)
    given.warm_up = given.warm_up if given.warm_up is not None else (15 if given.quick else 30)
    given.drain = 20 if given.quick else 60
    words = given.points.split(",") if given.points else [2.0] if given.quick else POINTS
    given.points = [float(word) for word in words]
    return given


def run_point(programs, folder, given, load, **more):
    """Figures of one point, with what they were measured under."""
    print(f"{load:g} C, {given.warm_up:g} + {given.seconds:g} s …", file=sys.stderr, flush=True)
    before = os.getloadavg()[0]
    seen = measure(programs, folder, given.load.resolve(), rate=f"{load}C", seed=given.seed,
                   seconds=given.seconds, warm_up=given.warm_up, drain=given.drain, **more)
    return {**seen, "load": load, "load_average_before": before}


def main():
    given = parse()
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        sys.exit("the overload bench needs two cores: one for the gateway, one for the rig")
    programs = Programs(given.penstock.resolve(), given.bench.resolve(), cores[0], cores[-1])
    folder = ROOT / "build/bench/overload"
    context = {"seconds": given.seconds, "warm_up": given.warm_up, "seed": given.seed,
               "machine": machine(), "commit": commit(ROOT), "quick": given.quick}
    started = time.monotonic()
    points, frozen = [], []
    for load in given.points:
        points.append(run_point(programs, folder, given, load))
        if given.freeze:
            frozen.append(run_point(programs, folder, given, load, freeze=given.freeze,
                                    freeze_at=given.warm_up, freeze_for=FROZEN_FOR))
    print(compare.table(points))
    lines = [line for point in points for line in compare.figures(point)]
    lines += [compare.cost_of_freezing(*pair, given.freeze) for pair in zip(points, frozen)]
    for line in lines:
        print(json.dumps({**line, **context}), flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    print(f"done in {time.monotonic() - started:.0f} s", file=sys.stderr)
    wrong = [line["figure"] for line in lines if not line.get("within_bound", True)]
    if wrong:
        print(f"out of bounds: {', '.join(wrong)}", file=sys.stderr)
    return 1 if wrong and not given.quick else 0


if __name__ == "__main__":
    sys.exit(main())
