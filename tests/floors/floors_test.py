"""Holds the repository against the rules of tests/floors/rules.py, and each rule against a small
tree that breaks it. Usage: floors_test.py [FILTER]. Ends with `N passed, N failed`."""

import sys
import tempfile
from pathlib import Path

import rules

ROOT = Path(__file__).resolve().parents[2]
LATER = "TO" + "DO"

HEADER = "// What it is for.\n#pragma once\n"
ERRORS = "// Errors.\n#pragma once\nenum class errc {\n    a,\n    b,\n    count_\n};\n"
TABLE = "// Rows.\nrows table{{\n    {errc::a, 400},\n    {errc::b, 500},\n}};\n"
CONTRACT = HEADER + "class routing_policy {};\n"

# A tree that keeps every rule; each case below changes some files of it.
GOOD = {
    "include/penstock/error.hpp": ERRORS,
    "include/penstock/contracts/routing.hpp": CONTRACT,
    "base/error.cpp": TABLE,
    "policies/catalogue.hpp": HEADER + '#include "policies/routing/first.hpp"\n',
    "policies/routing/first.hpp": HEADER
    + '#include "penstock/contracts/routing.hpp"\nclass first final : public routing_policy {};\n',
    "gateway/gateway.hpp": HEADER,
    "gateway/gateway.cpp": '// Root.\n#include "policies/routing/first.hpp"\n',
    "gateway/stages/relay.cpp": "// Relay: says std::mutex and ::now() in a comment only.\n"
    "if (ready(c)) co_await drain();\nif (ready) {\n    CO_CHECK(read(c));\n}\n",
    "worker/api/chat.cpp": '// Chat.\n#include "worker/engine/engine.hpp"\n',
    "tests/policies/first_test.cpp": '// Test.\n#include "policies/routing/first.hpp"\n',
}

# rule -> files that break it, one case each; the broken file comes first
BROKEN = {
    "includes_go_down": [
        {"base/a.cpp": '// A.\n#include "policies/catalogue.hpp"\n'},
        {"policies/a.cpp": '// A.\n#include "gateway/stages/relay.hpp"\n'},
        {"policies/a.cpp": "// A.\n#include <gateway/stages/relay.hpp>\n"},
        {"policies/routing/a.cpp": '// A.\n#include "../../gateway/stages/relay.hpp"\n'},
        {"gateway/stages/a.cpp": '// A.\n#include "gateway/gateway.hpp"\n'},
        {"base/a.cpp": '// A.\n#include "tests/support/clock.hpp"\n'},
    ],
    "includes_are_full_paths": [
        {"base/io/a.cpp": '// A.\n#include "../b.hpp"\n'},
        {"tests/base/a_test.cpp": '// A.\n#include "./b.hpp"\n'},
    ],
    "policies_do_no_io": [
        {"policies/a.cpp": "// A.\n#include <boost/asio/io_context.hpp>\n"},
        {"policies/a.cpp": "// A.\n#include <mutex>\n"},
        {"policies/a.cpp": "// A.\n#include <spdlog/spdlog.h>\n"},
        {"policies/a.cpp": '// A.\n#include "penstock/io/loop.hpp"\n'},
        {"policies/a.cpp": "// A.\nauto t = std::chrono::steady_clock::now();\n"},
        {"policies/a.cpp": "// A.\nstd::random_device source;\n"},
        {"policies/a.cpp": "// A.\n/* a comment\n ends */ std::atomic<int> n;\n"},
    ],
    "policies_and_simulator_have_no_threads": [
        {"simulator/a.cpp": "// A.\n#include <thread>\n"},
        {"simulator/a.cpp": "// A.\nstd::atomic_flag busy;\n"},
        {"tests/simulator/a_test.cpp": "// A.\n#include <mutex>\n"},
        {"tests/policies/a_test.cpp": "// A.\nauto done = std::async(work);\n"},
    ],
    "contracts_are_values": [
        {"include/penstock/contracts/a.hpp": HEADER + "#include <mutex>\n"},
        {"include/penstock/contracts/a.hpp": HEADER + '#include "penstock/io/task.hpp"\n'},
        {"include/penstock/contracts/a.hpp": HEADER + "std::mutex lock;\n"},
    ],
    "gateway_and_worker_meet_over_http": [
        {"gateway/a.cpp": '// A.\n#include "worker/api/chat.hpp"\n'},
        {"worker/a.cpp": '// A.\n#include "gateway/request_context.hpp"\n'},
    ],
    "the_simulator_stands_beside_the_gateway": [
        {"simulator/run.cpp": '// A.\n#include "gateway/settings/settings.hpp"\n'},
        {"simulator/command/a.cpp": '// A.\n#include "gateway/stages/relay.hpp"\n'},
        {"gateway/stages/a.cpp": '// A.\n#include "simulator/run.hpp"\n'},
        {"worker/api/a.cpp": '// A.\n#include "simulator/run.hpp"\n'},
    ],
    "text_and_tensors_meet_at_token_ids": [
        {"worker/api/a.cpp": '// A.\n#include "worker/models/language_model.hpp"\n'},
        {"worker/text/a.cpp": '// A.\n#include "worker/engine/scheduler.hpp"\n'},
        {"worker/engine/a.cpp": '// A.\n#include "worker/text/tokenizer.hpp"\n'},
        {"worker/ops/cpu/a.cpp": '// A.\n#include "penstock/http/server.hpp"\n'},
    ],
    "only_roots_name_concrete_policies": [
        {"gateway/stages/admit.cpp": '// A.\n#include "policies/routing/first.hpp"\n'},
    ],
    "every_error_has_its_row": [
        {"base/error.cpp": "// Rows.\n    {errc::a, 400},\n"},
        {"base/error.cpp": "// Rows.\n    {errc::b, 400},\n    {errc::a, 400},\n"},
        {"base/error.cpp": TABLE + "    {errc::c, 400},\n"},
    ],
    "tests_do_not_sleep": [
        {"tests/base/a_test.cpp": "// A.\nstd::this_thread::sleep_for(1ms);\n"},
        {"tests/base/a_test.cpp": "// A.\nusleep(5);\n"},
    ],
    "awaits_stand_alone": [
        {"gateway/a.cpp": "// A.\nif (co_await ready()) leave();\n"},
        {"gateway/a.cpp": "// A.\nauto x = ok ? co_await a() : b();\n"},
        {"gateway/a.cpp": "// A.\nauto x = pair{co_await a(), 1};\n"},
    ],
    "forwarding_macros_are_braced": [
        {"gateway/a.cpp": "// A.\nif (ready) CO_CHECK(read(c));\n"},
        {"gateway/a.cpp": "// A.\nif (ready)\n    TRY(auto x, read(c));\n"},
        {"gateway/a.cpp": "// A.\nelse\n    CHECK(read(c));\n"},
    ],
    "files_are_short": [
        {"base/a.cpp": "// A.\n" * 401},
        {"tests/end_to_end/a.py": "# A.\n" * 401},
    ],
    "lines_are_short": [
        {"base/a.cpp": "// " + "a" * 98 + "\n"},
        {"base/a.cpp": "// A.\n// clang-format off\n// clang-format on\n// " + "a" * 98 + "\n"},
    ],
    "files_say_what_they_are_for": [
        {"base/a.cpp": "#include <string>\n"},
        {"base/a.hpp": "// A.\nint x;\n"},
        {"base/a.cpp": ""},
    ],
    "names_mean_something": [
        {"base/string_utils.cpp": "// A.\n"},
        {"gateway/helpers/a.cpp": "// A.\n"},
    ],
    "nothing_is_put_off": [
        {"base/a.cpp": f"// {LATER}: later.\n"},
        {"docs/a.md": f"{LATER}\n"},
    ],
}


def violations(rule: rules.Rule, files: dict[str, str]) -> list[rules.Violation]:
    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            file = Path(folder, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return list(rule(rules.Tree(Path(folder))))


def broken_rules(rule: rules.Rule, repository: rules.Tree) -> list[str]:
    """What is wrong: with the repository by this rule, or with the rule itself."""
    name = rule.__name__
    wrong = [str(each) for each in rule(repository)]
    wrong += [f"self-test: a good tree breaks it: {each}" for each in violations(rule, GOOD)]
    if not BROKEN.get(name):
        wrong.append("self-test: no tree that breaks it")
    for change in BROKEN.get(name, []):
        culprit = next(iter(change))
        found = {each.file for each in violations(rule, GOOD | change)}
        if culprit not in found and "include/penstock/error.hpp" not in found:
            wrong.append(f"self-test: {culprit!r} does not break it: {change[culprit][:60]!r}")
    return wrong


def main() -> int:
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    repository = rules.Tree(ROOT)
    passed = failed = 0
    for rule in rules.RULES:
        if wanted not in f"floors {rule.__name__}":
            continue
        wrong = broken_rules(rule, repository)
        for each in wrong:
            print(f"{rule.__name__}: {each}")
        passed, failed = passed + (not wrong), failed + bool(wrong)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
