"""Checks that chat_template.jinja, rendered as Hugging Face does, gives the text trained on. Needs
Jinja2 3.1."""

import json
import pathlib
import random

from jinja2.sandbox import ImmutableSandboxedEnvironment

import mixture
from conversation import pieces

CONVERSATIONS = 5_000


def environment():
    made = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    made.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
    return made


def messages(talk):
    """The conversation as clients send it: calls and answers of tools in their own fields."""
    said = [{"role": "system", "content": talk.system}] if talk.system else []
    for role, text, _ in talk.turns:
        if text.startswith("<tool_call>"):
            call = json.loads(text.removeprefix("<tool_call>\n").removesuffix("\n</tool_call>"))
            said.append({"role": role, "content": None,
                         "tool_calls": [{"type": "function", "function": call}]})
        elif text.startswith("<tool_response>"):
            inner = text.removeprefix("<tool_response>\n").removesuffix("\n</tool_response>")
            said.append({"role": "tool", "content": inner})
        else:
            said.append({"role": role, "content": text})
    return said


def main():
    rng = random.Random(5)
    source = pathlib.Path(__file__).with_name("chat_template.jinja").read_text()
    template = environment().from_string(source)
    compared = 0
    while compared < CONVERSATIONS:
        talk = mixture.draw(rng, 100.0)
        if talk.turns[0][0] == "text":
            continue
        rendered = template.render(messages=messages(talk), tools=talk.tools or None)
        trained = "".join(text for text, _ in pieces(talk))
        if rendered != trained:
            raise SystemExit(f"The template gives\n{rendered}\nand training has\n{trained}")
        compared += 1
    print(f"The template gives the text trained on, {compared} conversations out of {compared}.")


if __name__ == "__main__":
    main()
