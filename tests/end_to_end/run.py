#!/usr/bin/env python3
"""Runs the real binary as a process and looks at it from outside.

    tests/end_to_end/run.py [--penstock BINARY] [FILTER]

Ends with the line `N passed, N failed`.
"""

import argparse
import os
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main():
    options = argparse.ArgumentParser(description=__doc__,
                                      formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("filter", nargs="?", help="only tests whose name contains this")
    options.add_argument("--penstock", type=Path, help="the gateway's binary",
                         default=HERE.parents[1] / "build/release/penstock")
    given = options.parse_args()
    if not os.access(given.penstock, os.X_OK):
        sys.exit(f"end to end: there is no program at {given.penstock}; ./dev build makes it")
    os.environ["PENSTOCK"] = str(given.penstock.resolve())
    sys.path.insert(0, str(HERE))

    loader = unittest.TestLoader()
    if given.filter:
        loader.testNamePatterns = [f"*{given.filter}*"]
    suite = loader.discover(str(HERE), pattern="*_test.py")
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    bad = {test.id().split(" ")[0] for test, _ in result.failures + result.errors}
    failed, skipped = len(bad), len(result.skipped)
    if result.testsRun == 0 and not given.filter:
        failed = 1
    passed = max(result.testsRun - failed - skipped, 0)
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
