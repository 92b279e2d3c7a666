"""The rules of the house as functions: each takes a tree of sources and yields what breaks it.

A rule reads text only, so that it holds for code that no build of this machine compiles.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Iterator

LINES_MAX = 400
COLUMNS_MAX = 100

# What every floor may include: itself and what lies below. `gateway` and `worker` share a number
# and have a rule of their own.
FLOORS = {"include": 0, "base": 0, "policies": 1, "gateway": 2, "simulator": 2, "worker": 2}
# What no floor may include.
OUTSIDE = {"tests", "support", "bench", "tools"}
# The composition roots; only `main` may include them.
TOP_FLOOR = re.compile(r"^(gateway|worker)/(main|gateway|worker)\.(hpp|cpp)$")
# Who may name concrete policies (beside the policies and the tests).
ROOTS = {"gateway/gateway.cpp", "policies/catalogue.hpp", "policies/catalogue.cpp"}

CPP = (".cpp", ".hpp")
CODE = CPP + (".py", ".sh", ".cmake")
PROSE = CODE + (".md", ".txt", ".yaml", ".yml", ".json", "dev")
SKIPPED_FOLDERS = {"build", "run", "node_modules", "__pycache__", "corpus"}
TRAINED_MODELS = "models"  # at the root: files that are not written by hand

# The worker's rooms of text, its rooms of tensors, and the headers at which they meet: only token
# ids cross.
TEXT_ROOMS = ("worker/text/", "worker/api/")
TENSOR_ROOMS = tuple(f"worker/{r}/" for r in ("ops", "weights", "models", "cache", "engine"))
MEETING_POINT = {"worker/engine/engine.hpp", "worker/ops/sampling.hpp", "worker/ops/tensor.hpp"}

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')


@dataclass
class Violation:
    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


@dataclass
class Source:
    path: str
    lines: list[str]
    code: list[str] = field(default_factory=list)  # without comments and the text of strings

    @property
    def top(self) -> str:
        return self.path.split("/", 1)[0]


def without_comments(lines: list[str]) -> list[str]:
    """Each line without comments and without what its string literals say."""
    kept, in_block = [], False
    token = re.compile(r'/\*|//|"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])\'')
    for line in lines:
        out, at = "", 0
        while at < len(line):
            if in_block:
                end = line.find("*/", at)
                if end < 0:
                    break
                in_block, at = False, end + 2
                continue
            found = token.search(line, at)
            if not found:
                out += line[at:]
                break
            out += line[at : found.start()]
            if found.group() == "//":
                break
            if found.group() == "/*":
                in_block = True
            else:
                out += '""'
            at = found.end()
        kept.append(out)
    return kept


class Tree:
    def __init__(self, root: Path):
        self.root = root
        self.sources: dict[str, Source] = {}
        for folder, folders, files in os.walk(root):
            skipped = SKIPPED_FOLDERS | ({TRAINED_MODELS} if Path(folder) == root else set())
            folders[:] = [f for f in folders if f not in skipped and f[0] != "."]
            for name in files:
                if name.endswith(PROSE):
                    self._add(Path(folder, name))

    def _add(self, file: Path) -> None:
        path = file.relative_to(self.root).as_posix()
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        code = without_comments(lines) if path.endswith(CPP) else []
        self.sources[path] = Source(path, lines, code)

    def cpp(self, *tops: str) -> Iterator[Source]:
        for path in sorted(self.sources):
            source = self.sources[path]
            if path.endswith(CPP) and (not tops or source.top in tops):
                yield source

    def includes(self, source: Source) -> Iterator[tuple[int, str, bool]]:
        """(line, target, quoted); a quoted target is a path from the root where it is ours."""
        for number, line in enumerate(source.lines, 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            target, quoted = match.group(2), match.group(1) == '"'
            if target.startswith("penstock/"):
                target = "include/" + target
            elif quoted and target.split("/", 1)[0] not in {*FLOORS, *OUTSIDE}:
                beside = os.path.join(os.path.dirname(source.path), target)
                target = os.path.normpath(beside)
            yield number, target, quoted


def includes_go_down(tree: Tree) -> Iterator[Violation]:
    for source in tree.cpp(*FLOORS):
        own = 3 if TOP_FLOOR.match(source.path) else FLOORS[source.top]
        for line, target, _ in tree.includes(source):
            top = target.split("/", 1)[0]
            if top in FLOORS:
                other = 3 if TOP_FLOOR.match(target) else FLOORS[top]
                if other > own:
                    yield Violation(source.path, line, f"floor {own} includes {target}")
            elif top in OUTSIDE:
                yield Violation(source.path, line, f"the product includes {target}")


def includes_are_full_paths(tree: Tree) -> Iterator[Violation]:
    for source in tree.cpp():
        for number, line in enumerate(source.lines, 1):
            match = INCLUDE.match(line)
            if match and re.search(r"(^|/)\.\.?/", match.group(2)):
                yield Violation(source.path, number, f"relative include: {match.group(2)}")


def policies_do_no_io(tree: Tree) -> Iterator[Violation]:
    yield from _forbid(
        tree,
        tree.cpp("policies"),
        includes=r"^(boost/asio|boost/beast|sys/|netinet/|arpa/|unistd\.h|poll\.h|fcntl\.h"
        r"|thread|mutex|shared_mutex|condition_variable|atomic|semaphore|latch|barrier|future"
        r"|spdlog|iostream|fstream|filesystem|cstdio|stdio\.h|ctime|time\.h|openssl"
        r"|include/penstock/io/|include/penstock/http/|include/penstock/observe/)",
        words=r"::now\s*\(|\brandom_device\b|\b(std::|::|\b)s?rand\s*\(|\bgetenv\s*\("
        r"|\bclock_gettime\b|\bgettimeofday\b|\bstd::(this_thread|cout|cerr|clog)\b"
        r"|\bstd::(jthread|thread|mutex|atomic)\b|\bprintf\s*\(",
    )


def policies_and_simulator_have_no_threads(tree: Tree) -> Iterator[Violation]:
    """Why the thread sanitizer may pass their tests over (decision 0015)."""
    sources = tree.cpp("policies", "simulator", "tests")
    alone = re.compile("^(tests/)?(policies|simulator)/")
    yield from _forbid(
        tree,
        (s for s in sources if alone.match(s.path)),
        includes=r"^(thread|mutex|shared_mutex|condition_variable|atomic|semaphore|latch|barrier"
        r"|future|stop_token)$",
        words=r"\bstd::(jthread|thread|this_thread|mutex|atomic\w*|async)\b|\bpthread_\w+",
    )


def contracts_are_values(tree: Tree) -> Iterator[Violation]:
    contracts = (s for s in tree.cpp("include") if s.path.startswith("include/penstock/contracts/"))
    yield from _forbid(
        tree,
        contracts,
        includes=r"^(boost/asio|thread|mutex|shared_mutex|atomic|condition_variable|coroutine"
        r"|include/penstock/io/)",
        words=r"\bstd::(mutex|atomic|thread|jthread|lock_guard|unique_lock)\b|::now\s*\(|\basio::",
    )


def _forbid(
    tree: Tree, sources: Iterator[Source], includes: str, words: str
) -> Iterator[Violation]:
    for source in sources:
        for line, target, _ in tree.includes(source):
            if re.search(includes, target):
                yield Violation(source.path, line, f"includes {target}")
        for number, line in enumerate(source.code, 1):
            match = re.search(words, line)
            if match and not INCLUDE.match(line):
                yield Violation(source.path, number, f"says {match.group().strip()}")


def gateway_and_worker_meet_over_http(tree: Tree) -> Iterator[Violation]:
    other = {"gateway": "worker/", "worker": "gateway/"}
    for source in tree.cpp(*other):
        for line, target, _ in tree.includes(source):
            if target.startswith(other[source.top]):
                yield Violation(source.path, line, f"includes {target}")


def the_simulator_stands_beside_the_gateway(tree: Tree) -> Iterator[Violation]:
    """Its command reads the gateway's settings; the gateway's main offers its command."""
    for source in tree.cpp("simulator", "gateway", "worker"):
        for line, target, _ in tree.includes(source):
            if source.top == "simulator":
                is_command = source.path.startswith("simulator/command/")
                allowed = is_command and target.startswith("gateway/settings/")
                crosses = target.startswith(("gateway/", "worker/")) and not allowed
            else:
                crosses = target.startswith("simulator/") and source.path != "gateway/main.cpp"
            if crosses:
                yield Violation(source.path, line, f"includes {target}")


def text_and_tensors_meet_at_token_ids(tree: Tree) -> Iterator[Violation]:
    for source in tree.cpp("worker"):
        if source.path.startswith(TEXT_ROOMS):
            forbidden = TENSOR_ROOMS
        elif source.path.startswith(TENSOR_ROOMS):
            forbidden = TEXT_ROOMS + ("include/penstock/http/", "include/penstock/openai/")
        else:
            continue
        for line, target, _ in tree.includes(source):
            if target.startswith(forbidden) and target not in MEETING_POINT:
                yield Violation(source.path, line, f"includes {target}")


def only_roots_name_concrete_policies(tree: Tree) -> Iterator[Violation]:
    contracts = set()
    for source in tree.cpp("include"):
        if source.path.startswith("include/penstock/contracts/"):
            for line in source.code:
                contracts.update(re.findall(r"\bclass\s+(\w+_policy)\b", line))
    names = "|".join(sorted(contracts)) or "-"
    implements = re.compile(rf":\s*public\s+(?:penstock::)?({names})\b")
    concrete = {
        source.path
        for source in tree.cpp("policies")
        if source.path.endswith(".hpp") and implements.search("\n".join(source.code))
    }
    for source in tree.cpp("include", "base", "gateway", "simulator", "worker"):
        for line, target, _ in tree.includes(source):
            if target in concrete and source.path not in ROOTS:
                yield Violation(source.path, line, f"names the concrete policy {target}")


def every_error_has_its_row(tree: Tree) -> Iterator[Violation]:
    header, table = "include/penstock/error.hpp", "base/error.cpp"
    if header not in tree.sources or table not in tree.sources:
        yield Violation(header, 1, "the error table is not where it is looked for")
        return
    text = "\n".join(tree.sources[header].code)
    enum = re.search(r"enum class errc[^{]*\{(.*?)\}", text, re.S)
    codes = re.findall(r"\b(\w+)\b", enum.group(1)) if enum else []
    codes = [code for code in codes if code != "count_"]
    rows = [
        (number, match.group(1))
        for number, line in enumerate(tree.sources[table].lines, 1)
        if (match := re.match(r"\s*\{errc::(\w+),", line))
    ]
    for index, (number, name) in enumerate(rows):
        if index >= len(codes) or codes[index] != name:
            wanted = codes[index] if index < len(codes) else "nothing"
            yield Violation(table, number, f"row of {name} where {wanted} belongs")
            return
    for code in codes[len(rows) :]:
        yield Violation(header, 1, f"errc::{code} has no row in {table}")


def tests_do_not_sleep(tree: Tree) -> Iterator[Violation]:
    """A scripted peer in tests/support may pace its bytes; a test waits for what it expects."""
    sleeping = re.compile(r"\bsleep_(for|until)\s*\(|(?<![\w.])u?sleep\s*\(|\bnanosleep\s*\(")
    for source in tree.cpp("tests"):
        if source.path.startswith("tests/support/"):
            continue
        for number, line in enumerate(source.code, 1):
            if sleeping.search(line):
                yield Violation(source.path, number, line.strip())


def awaits_stand_alone(tree: Tree) -> Iterator[Violation]:
    """g++ 12 destroys temporaries twice when co_await stands inside a larger expression."""
    condition = re.compile(r"\b(?:if|while|switch)\s*\(")
    inside = re.compile(r"(\?|&&|\|\|)\s*co_await\b|\{\s*co_await\b[^;]*\}")
    for source in tree.cpp():
        for number, line in enumerate(source.code, 1):
            heads = (_parenthesized(line, m.end() - 1) for m in condition.finditer(line))
            if inside.search(line) or any("co_await" in head for head in heads):
                yield Violation(source.path, number, line.strip())


def _parenthesized(line: str, opening: int) -> str:
    depth = 0
    for at in range(opening, len(line)):
        depth += (line[at] == "(") - (line[at] == ")")
        if depth == 0:
            return line[opening : at + 1]
    return line[opening:]


def forwarding_macros_are_braced(tree: Tree) -> Iterator[Violation]:
    """TRY and its kin expand to several statements; an `if` without braces takes only the first."""
    macro = r"(CO_)?(TRY|CHECK)\("
    same_line = re.compile(r"(\)|\belse)\s*" + macro)
    next_line = re.compile(r"^\s*" + macro)
    bare_head = re.compile(r"^\s*(\}\s*else\s+)?(if|for|while)\b.*\)\s*$|\belse\s*$")
    for source in tree.cpp("include", "base", "policies", "gateway", "simulator", "worker"):
        before = ""
        for number, line in enumerate(source.code, 1):
            is_bare = next_line.match(line) and bare_head.search(before)
            if is_bare or (same_line.search(line) and "#define" not in line):
                yield Violation(source.path, number, line.strip())
            before = line


def files_are_short(tree: Tree) -> Iterator[Violation]:
    for path, source in sorted(tree.sources.items()):
        if path.endswith(CODE) and len(source.lines) > LINES_MAX:
            yield Violation(path, LINES_MAX + 1, f"{len(source.lines)} lines")


def lines_are_short(tree: Tree) -> Iterator[Violation]:
    """Tables that clang-format is told to leave alone may be as wide as they need."""
    for path, source in sorted(tree.sources.items()):
        if not path.endswith(CODE):
            continue
        is_table = False
        for number, line in enumerate(source.lines, 1):
            if "clang-format off" in line or "clang-format on" in line:
                is_table = "clang-format off" in line
            elif len(line) > COLUMNS_MAX and not is_table:
                yield Violation(path, number, f"{len(line)} columns")


def files_say_what_they_are_for(tree: Tree) -> Iterator[Violation]:
    for source in tree.cpp():
        first = source.lines[0] if source.lines else ""
        if not re.match(r"// \S", first):
            yield Violation(source.path, 1, "the first line is not a comment that says its purpose")
        if source.path.endswith(".hpp") and "#pragma once" not in source.lines:
            yield Violation(source.path, 1, "no #pragma once")


def names_mean_something(tree: Tree) -> Iterator[Violation]:
    empty = re.compile(r"(^|_)(utils?|helpers?|managers?|misc|common)($|_|\.)")
    for path in sorted(tree.sources):
        for part in path.split("/"):
            if empty.search(part):
                yield Violation(path, 1, f"'{part}' names no idea")


def nothing_is_put_off(tree: Tree) -> Iterator[Violation]:
    later = re.compile(r"\b(TO" + "DO|FIX" + r"ME|XX" + r"X)\b")
    for path, source in sorted(tree.sources.items()):
        for number, line in enumerate(source.lines, 1):
            if later.search(line):
                yield Violation(path, number, line.strip())


Rule = Callable[[Tree], Iterator[Violation]]

RULES: list[Rule] = [
    includes_go_down,
    includes_are_full_paths,
    policies_do_no_io,
    policies_and_simulator_have_no_threads,
    contracts_are_values,
    gateway_and_worker_meet_over_http,
    the_simulator_stands_beside_the_gateway,
    text_and_tensors_meet_at_token_ids,
    only_roots_name_concrete_policies,
    every_error_has_its_row,
    tests_do_not_sleep,
    awaits_stand_alone,
    forwarding_macros_are_braced,
    files_are_short,
    lines_are_short,
    files_say_what_they_are_for,
    names_mean_something,
    nothing_is_put_off,
]
