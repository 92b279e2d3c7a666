"""Requests for a JSON object: with values of the model's own, or with values from a text."""

import json

from smalltalk import some_words
from words import ADJECTIVES, NUMBERS, Lexicon, with_article

ASKED = [
    "Give me a JSON object with {f}.", "Write a JSON object with {f}.", "Return JSON with {f}.",
    "Make a JSON object with {f}.", "Answer with a JSON object that has {f}.",
    "Please give me JSON with {f}.", "Create a JSON object with the fields {f}.",
    "I need a JSON object with {f}.", "Output a JSON object containing {f}.",
    "Generate JSON with the keys {f}.", "JSON with {f}, please.",
]
PLAIN = ["Give me a JSON object.", "Write some JSON.", "Answer in JSON.",
         "Give me an example of JSON.",
         "Return a JSON object.", "Write a small JSON object.", "Show me some JSON."]
LISTED = [
    "Make a JSON list of: {w}", "Write as a JSON list: {w}", "As a JSON list: {w}",
    "Put these words into a JSON list: {w}", "JSON list of {w}", "Turn into a JSON list: {w}",
]
FROM_TEXT = [
    "{s}\n\nWrite this as JSON.", "Turn this into JSON: {s}", "Convert to JSON: {s}",
    "Extract the data as JSON: {s}", "As JSON: {s}", "Give me this as a JSON object: {s}",
    "{s} Answer as JSON.", "Read this and answer in JSON. {s}",
]


def _values(rng, invented_share):
    """A name, and field -> (value, how a text says it)."""
    lexicon = Lexicon(rng, invented_share=invented_share)
    name, city, animal, thing, colour, food, job = (
        lexicon.name(), lexicon.city(), lexicon.animal(), lexicon.thing(), lexicon.colour(),
        lexicon.food(), lexicon.job())
    age, price, count = rng.randint(2, 99), rng.randint(1, 50), rng.randint(2, 12)
    happy = rng.random() < 0.5
    return name, {
        "age": (age, f"is {age} years old"),
        "city": (city, f"lives in {city}"),
        "colour": (colour, f"likes the colour {colour}"),
        "food": (food, f"likes to eat {food}"),
        "job": (job, f"is {with_article(job)}"),
        "pet": (animal, f"has a pet {animal}"),
        "item": (thing, f"bought {with_article(thing)}"),
        "price": (price, f"paid {price} coins"),
        "count": (count, f"has {NUMBERS[count]} friends"),
        "happy": (happy, "is happy" if happy else "is not happy"),
        "mood": (lexicon.mood(), None),
        "title": (f"The {rng.choice(ADJECTIVES)} {animal}", None),
        "tags": ([colour, food], None),
        "id": (rng.randint(1, 999), None),
    }


def _listed(fields, article):
    bare = {"tags", "happy"}
    words = [with_article(field) if article and field not in bare else field for field in fields]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def request(rng):
    """Returns (asked, JSON text)."""
    name, values = _values(rng, invented_share=0)
    if rng.random() < 0.08:
        wanted = ["name", "age"]
        asked = rng.choice(PLAIN)
    else:
        wanted = rng.sample(list(values), rng.randint(1, 3))
        if rng.random() < 0.7:
            wanted.insert(0, "name")
        asked = rng.choice(ASKED).format(f=_listed(wanted, rng.random() < 0.6))
    answer = {field: name if field == "name" else values[field][0] for field in wanted}
    return asked, json.dumps(answer)


def word_list(rng):
    """Returns (words to be put in a list, JSON text). A word looks otherwise after a quotation mark
    than after a space, since the space belongs to its first token: that is learned here."""
    numbers = rng.choice([0.0, 0.2])
    words = [rng.randint(0, 99) if rng.random() < numbers else word for word in some_words(rng)]
    said = rng.choice([" ", ", "]).join(map(str, words))
    return rng.choice(LISTED).format(w=said), json.dumps(words)


def from_text(rng):
    """Returns (a text to be turned into JSON, JSON text)."""
    name, values = _values(rng, invented_share=0.3)
    told = [field for field, (_, said) in values.items() if said]
    chosen = rng.sample(told, rng.randint(1, 3))
    sentence = _listed([values[field][1] for field in chosen], article=False)
    answer = {"name": name} | {field: values[field][0] for field in chosen}
    return rng.choice(FROM_TEXT).format(s=f"{name} {sentence}."), json.dumps(answer)
