"""Measures the exported model on texts that training never saw; prints one JSON line per figure.

    python evaluate.py                  all figures
    python evaluate.py --quick          a fifth of the cases
    python evaluate.py --say "Hi!"      one answer instead
"""

import argparse
import json
import pathlib
import random
import time

import torch

import facts
import json_tasks
import stories
import tool_tasks
from conversation import Conversation, prompt
from shipped import Speaker
from words import OBJECTS

SHIPPED = pathlib.Path(__file__).resolve().parents[2] / "models/penstock-demo"
SEED = 990_001  # no batch of training is drawn from it


def figure(name, hits, what):
    share = sum(hits) / len(hits)
    print(json.dumps({"figure": name, "value": round(share, 4), "unit": "share",
                      "cases": len(hits), "of": what}), flush=True)


def asked(rng, story, question):
    return Conversation().user(rng.choice(stories.ASKING).format(s=story.text, q=question.text))


def read_short(speaker, cases):
    _read(speaker, cases, "read_short", (1, 2), False, "unseen stories of 1 or 2 scenes")


def read_and_answer(speaker, cases):
    _read(speaker, cases, "read_and_answer", (3, 6), False, "unseen stories of 3 to 6 scenes")


def read_short_new_words(speaker, cases):
    _read(speaker, cases, "read_short_new_words", (1, 2), True,
          "the same with names, things and places that training never sees, 1 or 2 scenes")


def read_new_words(speaker, cases):
    _read(speaker, cases, "read_new_words", (3, 6), True,
          "the same with names, things and places that training never sees, 3 to 6 scenes")


def _read(speaker, cases, name, scenes, unseen, what):
    """One question a story; the answer must be exact, greedy, and must end where it should."""
    rng = random.Random(SEED + unseen)
    prompts, answers = [], []
    for _ in range(cases):
        story = stories.make_story(rng, rng.randint(*scenes), unseen)
        question = rng.choice(story.questions)
        prompts.append(prompt(asked(rng, story, question)))
        answers.append(question.answer)
    figure(name, speaker.would_say(prompts, answers), what)


def swapped_thing(speaker, cases):
    """The same story and question twice, with another thing in it: both answers must be right."""
    rng = random.Random(SEED + 2)
    prompts, answers = [], []
    while len(prompts) < 2 * cases:
        story = stories.make_story(rng, rng.randint(3, 6))
        about = [question for question in story.questions
                 if question.kind in ("found", "lost", "bought")
                 and question.answer.startswith("A ")]
        if not about:
            continue
        question = rng.choice(about)
        old = question.answer.removeprefix("A ").removesuffix(".")
        new = rng.choice([word for word in OBJECTS
                          if word[0] not in "aeiou" and word not in story.text])
        if f"a {old}" not in story.text or old in question.text:
            continue
        talk = asked(rng, story, question)
        swapped = Conversation().user(talk.turns[0][1].replace(f" {old}", f" {new}"))
        prompts += [prompt(talk), prompt(swapped)]
        answers += [f"A {old}.", f"A {new}."]
    hits = speaker.would_say(prompts, answers)
    figure("swapped_thing", [a and b for a, b in zip(hits[::2], hits[1::2], strict=True)],
           "stories told twice with another thing, both answered right")


def json_objects(speaker, cases):
    rng = random.Random(SEED + 3)
    requests = [json_tasks.request(rng)[0] for _ in range(cases)]
    texts = speaker.answers([prompt(Conversation().user(text)) for text in requests], 96, 0.7)
    figure("json_valid", [is_object(text) for text in texts], "JSON on request, temperature 0.7")
    copied = [json_tasks.from_text(rng) for _ in range(cases)]
    figure("json_from_text", speaker.would_say(
        [prompt(Conversation().user(text)) for text, _ in copied], [said for _, said in copied]),
        "objects made of a text, greedy, exact")


def is_object(text):
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def tool_calls(speaker, cases):
    rng = random.Random(SEED + 4)
    prompts, calls = [], []
    for _ in range(cases):
        talk, call = tool_tasks.conversation(rng, plain_share=0.0, answer_share=0.0)
        talk.turns.pop()
        prompts.append(prompt(talk))
        calls.append(call)
    said = [tool_tasks.parse_call(text) for text in speaker.answers(prompts, 64)]
    figure("tool_call_valid", [call is not None for call in said], "well-formed calls, greedy")
    figure("tool_call_right", [one == other for one, other in zip(said, calls, strict=True)],
           "calls of the right tool with the right arguments, greedy")


def known_facts(speaker, _):
    pairs = [(way, answer) for ways, answer, _, _ in facts.FACTS for way in ways]
    figure("facts", speaker.would_say(
        [prompt(Conversation().user(way)) for way, _ in pairs], [answer for _, answer in pairs]),
        "questions about Penstock, greedy, exact")


MEASURES = (read_short, read_and_answer, read_short_new_words, read_new_words, swapped_thing,
            json_objects, tool_calls, known_facts)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--model", type=pathlib.Path, default=SHIPPED)
    arguments.add_argument("--quick", action="store_true")
    arguments.add_argument("--only", default="", help="part of a measure's name, as: read")
    arguments.add_argument("--say", help="a user's turn to answer")
    arguments.add_argument("--temperature", type=float, default=0.0)
    options = arguments.parse_args()
    torch.set_num_threads(2)
    speaker = Speaker(options.model)
    if options.say:
        talk = prompt(Conversation().user(options.say))
        print(speaker.answers([talk], 160, options.temperature, time.time_ns())[0])
        return
    cases = 100 if options.quick else 500
    for measure in MEASURES:
        if options.only in measure.__name__:
            measure(speaker, cases)


if __name__ == "__main__":
    main()
