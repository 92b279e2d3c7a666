"""One conversation, and its text in the words of chat_template.jinja, cut into weighted pieces."""

import json
from dataclasses import dataclass, field

TOOLS_BEFORE = "You may call functions. These are there:\n<tools>"
TOOLS_AFTER = (
    "\n</tools>\nTo call one, answer with its name and arguments:\n"
    '<tool_call>\n{"name": <name>, "arguments": <arguments>}\n</tool_call>'
)
READ_WEIGHT = 0.1  # of what users and systems say: only read, yet it teaches how words follow


@dataclass
class Conversation:
    """`turns` are (role, text, weight). Raw text without roles has the one role "text"."""

    turns: list = field(default_factory=list)
    tools: list = field(default_factory=list)
    system: str | None = None

    def user(self, text):
        self.turns.append(("user", text, READ_WEIGHT))
        return self

    def assistant(self, text, weight=1.0):
        self.turns.append(("assistant", text, weight))
        return self

    def tool_answer(self, text):
        return self.user(f"<tool_response>\n{text}\n</tool_response>")

    def text(self, text, weight=0.4):
        self.turns.append(("text", text, weight))
        return self


def tool_call(name, arguments):
    """What the assistant says to call a tool, spelled as the template spells it."""
    body = json.dumps({"name": name, "arguments": arguments}, ensure_ascii=False)
    return f"<tool_call>\n{body}\n</tool_call>"


def system_text(conversation):
    """The system turn's text or None."""
    if not conversation.tools:
        return conversation.system
    listed = "".join("\n" + json.dumps(tool, ensure_ascii=False) for tool in conversation.tools)
    preamble = TOOLS_BEFORE + listed + TOOLS_AFTER
    return f"{conversation.system}\n\n{preamble}" if conversation.system else preamble


def pieces(conversation):
    """Yields (text, weight of its tokens in the loss); the texts joined are the whole prompt."""
    system = system_text(conversation)
    if system is not None:
        yield f"<|im_start|>system\n{system}<|im_end|>\n", 0.02
    for role, text, weight in conversation.turns:
        if role == "text":
            yield f"{text}<|endoftext|>", weight
        elif role == "assistant":
            yield "<|im_start|>assistant\n", 0.0
            yield f"{text}<|im_end|>", weight
            yield "\n", 0.0
        else:
            yield f"<|im_start|>{role}\n", 0.0
            yield f"{text}<|im_end|>\n", weight


def prompt(conversation):
    """The text that the model continues with the assistant's next turn."""
    return "".join(text for text, _ in pieces(conversation)) + "<|im_start|>assistant\n"
