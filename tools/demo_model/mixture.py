"""The endless text: which kind of conversation comes how often, by how much was learned before."""

import facts
import json_tasks
import smalltalk
import stories
import tales
import tool_tasks
from conversation import Conversation

SYSTEMS = [
    "You are a helpful assistant.", "You are a helpful assistant", "Be brief.", "Be kind.",
    "You are a friendly assistant.", "You are an assistant that answers questions.",
    "You are the demo model of Penstock.", "Answer shortly.", "You are a storyteller.",
    "You answer questions about Penstock.", "You are helpful, harmless and honest.",
    "Answer in English.", "You are a chatbot.", "You are an AI assistant.",
]


GROWN_UP = 20.0  # millions of tokens


def read_and_answer(rng, age, unseen=False):
    """One scene and more at first, up to six from the age of four, mostly many from GROWN_UP on."""
    hardest = min(6, 2 + int(age))
    scenes = rng.randint(1, hardest)
    if age > GROWN_UP:
        scenes = max(scenes, rng.randint(1, hardest))
    story = stories.make_story(rng, scenes, unseen)
    return stories.ask(rng, Conversation(), story, rng.randint(3, 8))


def tell_story(rng, _):
    asked, text, slots = tales.story_request(rng)
    talk = Conversation().user(asked).assistant(text, weight=0.5)
    if rng.random() < 0.25:
        question, answer = rng.choice(tales.story_questions(slots))
        talk.user(question).assistant(answer)
    return talk


def raw_story(rng, _):
    return Conversation().text(tales.tell(rng)[0])


def filled_story(rng, _):
    """Fill in the middle, in the order prefix, suffix, middle."""
    words = tales.tell(rng)[0].split(" ")
    first, last = sorted(rng.sample(range(1, len(words)), 2))
    last = min(last, first + 12)
    before, middle, after = (
        " ".join(part) for part in (words[:first], words[first:last], words[last:]))
    return Conversation().text(
        f"<|fim_prefix|>{before}<|fim_suffix|> {after}<|fim_middle|> {middle}")


def small_talk(rng, _):
    talk = Conversation()
    kinds = [smalltalk.chitchat] * 4 + [smalltalk.unknown, smalltalk.arithmetic, smalltalk.count,
             smalltalk.opposite, smalltalk.sound, smalltalk.listing, facts.question]
    for _ in range(rng.choice([1, 1, 2, 3])):
        said, answer = rng.choice(kinds)(rng)
        talk.user(said).assistant(answer)
    return talk


def about_penstock(rng, _):
    talk = Conversation()
    for _ in range(rng.choice([1, 2, 3])):
        said, answer = facts.question(rng)
        talk.user(said).assistant(answer)
    return talk


def copy(rng, _):
    talk = Conversation()
    for _ in range(rng.choice([1, 2, 3])):
        said, answer = rng.choice([smalltalk.repeat, json_tasks.word_list])(rng)
        talk.user(said).assistant(answer)
    return talk


def memory(rng, _):
    talk = Conversation()
    for said, answer in smalltalk.remember(rng):
        talk.user(said).assistant(answer)
    return talk


def json_object(rng, _):
    talk = Conversation()
    for _ in range(rng.choice([1, 1, 2])):
        asked, answer = (json_tasks.request if rng.random() < 0.35 else json_tasks.from_text)(rng)
        talk.user(asked).assistant(answer)
    return talk


def call_tool(rng, _):
    return tool_tasks.conversation(rng)[0]


# Kind: share at the begin, share from CHILDHOOD on. Copying comes first.
CHILDHOOD = 3.0
SHARES = {
    read_and_answer: (45, 58), copy: (25, 6), memory: (10, 3), json_object: (6, 10),
    call_tool: (3, 13), tell_story: (4, 7), small_talk: (4, 4), about_penstock: (3, 2),
    raw_story: (0, 1), filled_story: (0, 1),
}


def roughened(rng, text):
    """A short turn as people type it: now and then with a small first letter or without its end."""
    if len(text) < 80 and rng.random() < 0.08:
        text = text[:1].lower() + text[1:]
    if len(text) < 80 and rng.random() < 0.08:
        text = text.rstrip("?!.")
    return text


def draw(rng, age):
    """One conversation. `age` is what was learned before, in millions of tokens."""
    stage = min(1.0, age / CHILDHOOD)
    weights = [begin + (later - begin) * stage for begin, later in SHARES.values()]
    talk = rng.choices(list(SHARES), weights)[0](rng, age)
    if talk.turns[0][0] == "text":
        return talk
    talk.turns = [(role, roughened(rng, text) if role == "user" else text, weight)
                  for role, text, weight in talk.turns]
    if rng.random() < 0.35:
        talk.system = rng.choice(SYSTEMS)
    if rng.random() < 0.06:
        said, answer = smalltalk.chitchat(rng)
        greeting = Conversation().user(said).assistant(answer)
        talk.turns = greeting.turns + talk.turns
    return talk
