"""The table of scenes: how something happens in a story, and what can be asked about it.

A scene is (persons, tellings, questions). Names of slots: n, m persons; o a thing, a_o with its
article; s, t spots ("under the bed"); p a place; c a colour; f food; k a number; d a day; j a job;
w a mood; y a city. A slot in capitals begins with a capital letter. Answers begin with a common
word, never with a name, so that what is copied looks just as it does in the story.
"""

SCENES = {
    "found": (1, [
        "{n} found {a_o} {s}.",
        "{S}, {n} found {a_o}.",
        "{n} looked {s} and found {a_o}.",
    ], [
        (["What did {n} find?", "What was it that {n} found?"], "{A_o}."),
        (["Where did {n} find the {o}?", "Where was the {o}?"], "{S}."),
        (["Who found the {o}?", "Who was it that found the {o}?"], "It was {n}."),
    ]),
    "put": (1, [
        "{n} put the {o} {s}.",
        "{n} took the {o} and put it {s}.",
        "Then {n} left the {o} {s}.",
    ], [
        (["Where did {n} put the {o}?", "Where is the {o}?", "Where is the {o} now?"], "{S}."),
        (["Who put the {o} {s}?", "Who had the {o}?"], "It was {n}."),
        (["What did {n} put {s}?", "What is {s}?"], "The {o}."),
    ]),
    "went": (1, [
        "{n} went to the {p}.",
        "{n} walked to the {p}.",
        "On {d}, {n} went to the {p}.",
        "Early in the morning, {n} went to the {p}.",
    ], [
        (["Where did {n} go?", "Where is {n}?"], "To the {p}."),
        (["Who went to the {p}?"], "It was {n}."),
    ]),
    "has": (1, [
        "{n} had {a_c} {o}.",
        "{n} owned {a_c} {o}.",
        "{n} carried {a_c} {o}.",
    ], [
        (["What colour was the {o}?", "What colour was {n}'s {o}?"], "It was {c}."),
        (["Who had the {o}?", "Who had the {c} {o}?"], "It was {n}."),
        (["What did {n} have?"], "{A_c} {o}."),
    ]),
    "gave": (2, [
        "{n} gave the {o} to {m}.",
        "{n} gave {m} the {o}.",
        "{n} handed the {o} to {m}.",
    ], [
        (["Who gave the {o} to {m}?", "Who gave {m} the {o}?"], "It was {n}."),
        (["Who got the {o}?", "Who has the {o} now?"], "Now {m} has it."),
        (["What did {n} give to {m}?", "What did {m} get?"], "The {o}."),
    ]),
    "age": (1, [
        "{n} was {k} years old.",
        "{n} had just turned {k}.",
    ], [
        (["How old was {n}?", "What was the age of {n}?"], "{K} years old."),
        (["Who was {k} years old?"], "It was {n}."),
    ]),
    "job": (1, [
        "{n} was {a_j}.",
        "{n} worked as {a_j}.",
    ], [
        (["What was the job of {n}?", "What did {n} work as?", "What was {n}'s job?"], "{A_j}."),
        (["Who was the {j}?"], "It was {n}."),
    ]),
    "ate": (1, [
        "{n} ate some {f}.",
        "{n} had {f} for dinner.",
        "For lunch, {n} had some {f}.",
    ], [
        (["What did {n} eat?"], "Some {f}."),
        (["Who ate the {f}?", "Who had {f}?"], "It was {n}."),
    ]),
    "mood": (1, [
        "{n} was very {w}.",
        "{n} felt {w}.",
        "That day {n} was {w}.",
    ], [
        (["How did {n} feel?", "How was {n}?"], "Very {w}."),
        (["Who was {w}?", "Who felt {w}?"], "It was {n}."),
    ]),
    "bought": (1, [
        "{n} bought {a_o} for {k} coins.",
        "At the {p}, {n} bought {a_o} for {k} coins.",
    ], [
        (["What did {n} buy?"], "{A_o}."),
        (["How much was the {o}?", "How many coins did {n} pay?"], "{K} coins."),
        (["Who bought the {o}?"], "It was {n}."),
    ]),
    "lives": (1, [
        "{n} lived in {y}.",
        "{n} came from {y}.",
    ], [
        (["Where did {n} live?", "Where was {n} from?"], "In {y}."),
        (["Who lived in {y}?", "Who was from {y}?"], "It was {n}."),
    ]),
    "met": (2, [
        "{n} met {m} at the {p}.",
        "At the {p}, {n} met {m}.",
        "On {d}, {n} met {m} at the {p}.",
    ], [
        (["Where did {n} meet {m}?"], "At the {p}."),
        (["Who did {n} meet?", "Who did {n} meet at the {p}?"], "It was {m}."),
    ]),
    "lost": (1, [
        "{n} lost {a_o}.",
        "One day {n} lost {a_o} at the {p}.",
    ], [
        (["What did {n} lose?"], "{A_o}."),
        (["Who lost the {o}?"], "It was {n}."),
    ]),
    "when": (1, [
        "On {d}, {n} made {a_o}.",
        "{n} made {a_o} on {d}.",
    ], [
        (["When did {n} make the {o}?", "On which day did {n} make the {o}?"], "On {d}."),
        (["What did {n} make?", "What did {n} make on {d}?"], "{A_o}."),
        (["Who made the {o}?"], "It was {n}."),
    ]),
    "hid": (1, [
        "{n} hid the {o} {s}.",
        "{S}, {n} hid the {o}.",
    ], [
        (["Where did {n} hide the {o}?", "Where is the {o}?"], "{S}."),
        (["What did {n} hide?", "What is hidden {s}?"], "The {o}."),
        (["Who hid the {o}?"], "It was {n}."),
    ]),
    "moved": (2, [
        "{n} put the {o} {s}. Later {m} moved it and put it {t}.",
        "The {o} was {s}, but then {m} put it {t}.",
    ], [
        (["Where is the {o} now?", "Where did {m} put the {o}?"], "{T}."),
        (["Where was the {o} before?", "Where was the {o} at first?"], "{S}."),
        (["Who moved the {o}?"], "It was {m}."),
    ]),
    "animal": (0, [
        "There was {a_x} called {n}.",
        "Once upon a time there was {a_x} named {n}.",
        "Once there was {a_v} {x} called {n}.",
    ], [
        (["What was the name of the {x}?", "What was the {x} called?", "Who was the {x}?"],
         "The {x} was called {n}."),
        (["What kind of animal was {n}?", "What was {n}?", "What animal was {n}?"], "{A_x}."),
    ]),
}

FILLERS = [
    "It was a sunny day.", "The sky was blue.", "The birds sang.", "It rained a little.",
    "The wind was cold.", "Then it was evening.", "Nobody else was there.", "It was very quiet.",
    "The day was long.", "Everyone was glad.", "The sun went down.", "A bell rang far away.",
]
