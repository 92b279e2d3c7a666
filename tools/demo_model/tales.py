"""Stories that the assistant tells: one hero, one trouble, one good end."""

from words import ADJECTIVES, ANIMALS, NAMES, OBJECTS, Lexicon, invented, with_article

BEGINNINGS = [
    "Once upon a time there was {a_v} {x} called {n}.",
    "Once there was {a_v} {x} named {n}.",
    "There once lived {a_v} {x} called {n}.",
]

PLOTS = [
    [
        ["{n} had {a_c} {o} and loved it very much.", "{n} owned a fine {c} {o}."],
        ["One day the {o} was gone.", "But one morning {n} could not find the {o}."],
        ["{n} looked {s} and {t}, but it was not there."],
        ["Then {m} the {z} came and said: \"I have seen your {o} at the {p}!\""],
        ["They ran to the {p}, and there was the {o}.",
         "Together they went to the {p} and found it."],
        ["{n} was happy and thanked {m}.", "From that day on, {n} and {m} were friends."],
    ],
    [
        ["{n} lived near the {p} and had no friends.", "{n} lived all alone at the {p}."],
        ["One day {n} met {a_z} called {m}.", "One morning {a_z} named {m} came by."],
        ["{m} was hungry, so {n} gave {m} some {f}.", "{n} shared some {f} with {m}."],
        ["\"Thank you,\" said {m}. \"Will you be my friend?\""],
        ["\"Yes!\" said {n}.", "{n} said yes at once."],
        ["From then on they played at the {p} every day.", "And {n} was never lonely again."],
    ],
    [
        ["{n} wanted to see the {p}.", "{n} dreamed of the {p}."],
        ["But the way was long, and {n} was afraid of the dark."],
        ["{m} the {z} said: \"Take my {o}. It will help you.\"",
         "\"Take this {o},\" said {m} the {z}."],
        ["So {n} took the {o} and went.", "{n} took the {o} and walked all night."],
        ["In the morning {n} saw the {p}.", "At last {n} came to the {p}."],
        ["It was more beautiful than any dream.", "{n} was very proud, and {m} was too."],
    ],
    [
        ["One day it rained and rained.", "One night there was a big storm."],
        ["{n} found {m}, a little {z}, {s}.", "{S}, {n} found {a_z} called {m}."],
        ["{m} was cold and could not go home."],
        ["{n} gave {m} {a_c} {o} and some warm {f}."],
        ["When the sun came out, {n} took {m} home to the {p}."],
        ["{m} never forgot how kind {n} was.", "Since then they have been best friends."],
    ],
    [
        ["{n} wanted to bake a cake with {f}.", "{n} had no gift for {m} the {z}."],
        ["So {n} went to the {p} and looked for something nice."],
        ["{S} there was {a_c} {o}.", "There {n} found {a_c} {o}."],
        ["{n} gave it to {m} the {z}.", "{n} took it and ran to {m} the {z}."],
        ["\"What a lovely {o}!\" said {m}.", "{m} smiled and danced."],
        ["They ate {f} together and laughed until evening."],
    ],
]

ASKED = [
    "Tell me a story{t}.", "Tell me a short story{t}.", "Please tell me a story{t}.",
    "Can you tell me a story{t}?", "Write a short story{t}.", "Write a story{t}, please.",
    "I want to hear a story{t}.", "Could you write me a little story{t}?", "A story{t}, please!",
    "Make up a story{t}.", "Tell a story{t}.", "Give me a short story{t}.", "tell me a story{t}",
]


def _slots(rng, hero, animal, thing):
    lexicon = Lexicon(rng, invented_share=0)
    lexicon.used |= {hero, animal, thing}
    friend, friend_animal, colour = lexicon.name(), lexicon.animal(), lexicon.colour()
    adjective = rng.choice(ADJECTIVES)
    slots = {
        "n": hero, "x": animal, "o": thing, "m": friend, "z": friend_animal, "c": colour,
        "v": adjective, "a_v": with_article(adjective), "a_c": with_article(colour),
        "a_z": with_article(friend_animal), "p": lexicon.place(), "s": lexicon.spot(),
        "t": lexicon.spot(), "f": lexicon.food(),
    }
    slots["S"] = slots["s"].capitalize()
    return slots


def tell(rng, hero=None, animal=None, thing=None):
    """Returns (text, slots)."""
    hero = hero or rng.choice(NAMES)
    animal = animal or rng.choice(ANIMALS)
    with_thing = [plot for plot in PLOTS if any("{o}" in way for step in plot for way in step)]
    plot = rng.choice(with_thing if thing else PLOTS)
    slots = _slots(rng, hero, animal, thing or rng.choice(OBJECTS))
    steps = [rng.choice(BEGINNINGS)] + [rng.choice(step) for step in plot]
    return " ".join(steps).format(**slots), slots


def story_request(rng):
    """Returns (what the user asks, what the assistant tells, the slots of what was told)."""
    wanted = rng.random()
    topic, named = "", {}
    if wanted < 0.4:
        named["animal"] = rng.choice(ANIMALS)
        topic = f" about {with_article(named['animal'])}"
    elif wanted < 0.65:
        named["animal"] = rng.choice(ANIMALS)
        hero = rng.choice(NAMES) if rng.random() < 0.6 else invented(rng).capitalize()
        named["hero"] = hero
        middle = rng.choice(["called", "named"])
        topic = f" about {with_article(named['animal'])} {middle} {hero}"
    elif wanted < 0.75:
        named["animal"], named["thing"] = rng.choice(ANIMALS), rng.choice(OBJECTS)
        topic = f" about {with_article(named['animal'])} and {with_article(named['thing'])}"
    elif wanted < 0.85:
        named["thing"] = rng.choice(OBJECTS)
        topic = f" about {with_article(named['thing'])}"
    text, slots = tell(rng, **named)
    return rng.choice(ASKED).format(t=topic), text, slots


def story_questions(slots):
    """Questions about a told story, with answers."""
    return [
        (f"What was the name of the {slots['x']}?", f"The {slots['x']} was called {slots['n']}."),
        (f"What was the {slots['x']} called?", f"The {slots['x']} was called {slots['n']}."),
        (f"What kind of animal was {slots['n']}?",
         f"{with_article(slots['x']).capitalize()}."),
    ]
