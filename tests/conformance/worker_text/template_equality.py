#!/usr/bin/env python3
"""Chat templates rendered by the worker, compared with Jinja2 as Hugging Face sets it up.

    template_equality.py --driver build/release/tests/render_lines [--data FOLDER] [--conversations N]

Two comparisons: snippets of the language (snippets.json), and for each template under
FOLDER/tokenizers (PENSTOCK_TEST_DATA otherwise) N generated conversations (conversations.py).
Prints every difference and ends with `N equal, N different`.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

import conversations

HERE = Path(__file__).resolve().parent
TEMPLATES = ["qwen2.5-0.5b-instruct", "qwen3-0.6b", "deepseek-r1-distill-qwen-32b"]
SHOWN_MAX = 10


class Generation(jinja2.ext.Extension):
    """`{% generation %}`: its body, as when nothing is masked."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_render"), [], [], body).set_lineno(line)

    @staticmethod
    def _render(caller):
        return caller()


def environment():
    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators,
                          sort_keys=sort_keys)

    made = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
    made.filters["tojson"] = tojson
    made.globals["raise_exception"] = raise_exception
    return made


class Driver:
    """The worker's renderer: a line of JSON for a line of JSON."""

    def __init__(self, binary, *arguments):
        self.child = subprocess.Popen([binary, *arguments], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True, encoding="utf-8")

    def render(self, **line):
        self.child.stdin.write(json.dumps(line, ensure_ascii=False) + "\n")
        self.child.stdin.flush()
        answer = self.child.stdout.readline()
        if not answer:
            sys.exit(f"the renderer ended at {line!r}")
        return json.loads(answer)

    def close(self):
        self.child.stdin.close()
        return self.child.wait()


def expected(compiled, values):
    """Jinja's text, or its error: (text, None) or (None, (type, message))."""
    try:
        return compiled().render(**values), None
    except Exception as error:  # whatever Python raises is a refusal
        return None, (type(error).__name__, str(error))


def differs(answer, wanted, refusal):
    """Why the answer is not what Jinja gives, or None. Messages are compared where a template or an
    undefined value makes them; those of Python itself are only asked to be there."""
    if refusal is None:
        if "error" in answer:
            return f"refused: {answer['error']}"
        return None if answer["text"] == wanted else f"ours   {answer['text']!r}"
    if "error" not in answer:
        return f"not refused, gave {answer['text']!r}"
    kind, message = refusal
    if kind in ("TemplateError", "UndefinedError") and message not in answer["error"]:
        return f"another message: {answer['error']}"
    return None


class Count:
    def __init__(self):
        self.equal = self.different = 0

    def add(self, why, label, wanted, refusal):
        if why is None:
            self.equal += 1
            return
        self.different += 1
        if self.different <= SHOWN_MAX:
            print(f"{label}\n  {why}\n  Jinja2 {refusal or wanted!r}")


def compare_snippets(binary, count):
    file = json.loads((HERE / "snippets.json").read_text(encoding="utf-8"))
    values, made, driver = file["values"], environment(), Driver(binary)
    for group, sources in file["snippets"].items():
        for source in sources:
            wanted, refusal = expected(lambda: made.from_string(source), values)
            why = differs(driver.render(template=source, values=values), wanted, refusal)
            count.add(why, f"{group}: {source!r}", wanted, refusal)
        print(f"{group}: {len(sources)} snippets")
    driver.close()


def special_tokens(config):
    out = {}
    for name, token in config.items():
        if name.endswith("_token"):
            text = token["content"] if isinstance(token, dict) else token
            if isinstance(text, str):
                out[name] = text
    return out


def compare_template(binary, folder, number, count):
    config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    compiled = environment().from_string(config["chat_template"])
    constants = special_tokens(config)
    driver = Driver(binary, str(folder))
    refused = users = 0
    for index, values in enumerate(conversations.generate(number)):
        given = {"tools": None, "documents": None, **constants, **values}
        wanted, refusal = expected(lambda: compiled, given)
        answer = driver.render(values=values)
        why = differs(answer, wanted, refusal)
        refused += refusal is not None
        users += len(answer.get("users", []))
        count.add(why, f"{folder.name}, conversation {index}: {json.dumps(values)}", wanted, refusal)
    driver.close()
    print(f"{folder.name}: {number} conversations, {refused} refused by both, {users} user ranges")
    if refused == number or users == 0:
        sys.exit("the conversations show nothing")


def main():
    options = argparse.ArgumentParser(description=__doc__,
                                      formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--driver", required=True)
    options.add_argument("--data", default=os.environ.get("PENSTOCK_TEST_DATA"))
    options.add_argument("--conversations", type=int, default=2000)
    given = options.parse_args()
    count = Count()
    compare_snippets(given.driver, count)
    if given.data:
        for name in TEMPLATES:
            compare_template(given.driver, Path(given.data) / "tokenizers" / name,
                             given.conversations, count)
    else:
        print("templates: skipped, PENSTOCK_TEST_DATA is not set")
    print(f"{count.equal} equal, {count.different} different")
    return 1 if count.different else 0


if __name__ == "__main__":
    sys.exit(main())
