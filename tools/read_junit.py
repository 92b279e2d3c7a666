"""Prints `PASSED FAILED SKIPPED` of a ctest JUnit file; on stderr what failed, and its output."""

import sys
import xml.etree.ElementTree as ElementTree

OUTPUT_CHARACTERS_MAX = 4000


def main(path: str) -> int:
    passed = failed = skipped = 0
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        if case.find("failure") is not None or case.get("status") == "fail":
            failed += 1
            output = case.findtext("system-out") or ""
            print(f"FAILED {case.get('name')}", file=sys.stderr)
            print(output[-OUTPUT_CHARACTERS_MAX:], file=sys.stderr)
        elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            skipped += 1
        else:
            passed += 1
    print(passed, failed, skipped)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
