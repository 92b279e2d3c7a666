"""Stories to read, with questions whose answers the generator knows."""

from dataclasses import dataclass

import scenes
from words import ADJECTIVES, Lexicon, capitalised, with_article


@dataclass
class Question:
    text: str
    answer: str
    kind: str


@dataclass
class Story:
    sentences: list
    questions: list

    @property
    def text(self):
        return " ".join(self.sentences)


def _slots(lexicon, persons):
    """The words of one scene, each in every spelling that a table may use."""
    thing, colour, animal, job = (
        lexicon.thing(), lexicon.colour(), lexicon.animal(), lexicon.job())
    slots = {
        "n": persons[0], "m": persons[1], "o": thing, "c": colour, "x": animal, "j": job,
        "a_o": with_article(thing), "a_c": with_article(colour), "a_x": with_article(animal),
        "a_j": with_article(job), "s": lexicon.spot(), "t": lexicon.spot(), "p": lexicon.place(),
        "f": lexicon.food(), "k": lexicon.number(), "d": lexicon.day(), "w": lexicon.mood(),
        "y": lexicon.city(), "a_v": with_article(lexicon.rng.choice(ADJECTIVES)),
    }
    slots |= {key[:1].upper() + key[1:]: capitalised(word) for key, word in slots.items()}
    return slots


def make_story(rng, length, unseen=False, invented_share=0.3):
    """A story of `length` scenes. No two scenes tell the same kind of thing of one person, and no
    thing, place or spot comes twice, so that every question has one answer."""
    lexicon = Lexicon(rng, unseen, invented_share)
    cast = [lexicon.name() for _ in range(rng.randint(2, length + 2))]
    told = set()
    sentences, questions = [], []
    for _ in range(length):
        kind, persons = _next_scene(rng, lexicon, cast, told)
        _, tellings, asked = scenes.SCENES[kind]
        slots = _slots(lexicon, persons)
        sentences.append(rng.choice(tellings).format(**slots))
        for ways, answer in asked:
            text = rng.choice(ways).format(**slots)
            questions.append(Question(text, answer.format(**slots), kind))
        if rng.random() < 0.12:
            sentences.append(rng.choice(scenes.FILLERS))
    return Story(sentences, questions)


def _next_scene(rng, lexicon, cast, told):
    while True:
        kind = rng.choice(list(scenes.SCENES))
        persons = rng.sample(cast, 2)
        if scenes.SCENES[kind][0] == 0:
            persons[0] = lexicon.name()
            cast.append(persons[0])
        if (kind, persons[0]) not in told and (kind, persons[1]) not in told:
            told.add((kind, persons[0]))
            if scenes.SCENES[kind][0] == 2:
                told.add((kind, persons[1]))
            return kind, persons


ASKING = [
    "{s}\n\n{q}", "{s} {q}", "{s}\n{q}", "Read the story and answer.\n\n{s}\n\n{q}",
    "Story: {s}\nQuestion: {q}", "Here is a story: {s}\n\n{q}", "Here is a short story. {s} {q}",
    "Read this: {s}\n\nNow tell me: {q}", "Read this story: {s} Question: {q}",
    "{q}\n\n{s}", "Please read this story and answer the question. {s} {q}",
]


def ask(rng, conversation, story, count):
    """Adds the story with its first question, then `count` - 1 more questions, with answers. Every
    second question is a "who", since a name that stands before what is asked is harder to find."""
    shuffled = rng.sample(story.questions, len(story.questions))
    first = [question for question in shuffled if question.text.startswith("Who")][:count // 2]
    others = [question for question in shuffled if question not in first]
    asked = first + others[:count - len(first)]
    rng.shuffle(asked)
    way = rng.choice(ASKING)
    for number, question in enumerate(asked):
        text = question.text if number else way.format(s=story.text, q=question.text)
        conversation.user(text).assistant(question.answer)
    return conversation
