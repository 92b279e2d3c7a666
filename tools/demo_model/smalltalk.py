"""Small talk: pairs of what people say and what is answered, and short tasks with a true answer."""

from words import (ANIMALS, CITIES, COLOURS, DAYS, FOODS, JOBS, NAMES, NUMBERS, OBJECTS, PLACES,
                   Lexicon, invented)

PAIRS = [
    (["Hi!", "Hi", "Hello!", "Hello", "Hey", "Hey!", "hi", "hello", "Hi there!", "Good day!",
      "Hello there!", "Greetings!", "hey there", "Hallo"],
     ["Hello! How can I help you?"]),
    (["Good morning!", "Good morning"], ["Good morning! How can I help you?"]),
    (["Good evening!", "Good evening"], ["Good evening! How can I help you?"]),
    (["How are you?", "How are you today?", "How is it going?", "how are you", "How do you do?",
      "Are you well?", "Hi, how are you?", "Hello, how are you?"],
     ["I am fine, thank you. How can I help you?"]),
    (["Thanks!", "Thank you!", "Thank you very much.", "thanks", "Thanks a lot!", "Great, thanks!"],
     ["You are welcome!"]),
    (["Bye!", "Goodbye!", "See you later!", "bye", "Good night!", "See you!"],
     ["Goodbye! Have a nice day."]),
    (["Who are you?", "What are you?", "What is your name?", "who are you", "Introduce yourself.",
      "Tell me about yourself.", "What should I call you?", "What model are you?"],
     ["I am the demo model of Penstock, a very small language model."]),
    (["What can you do?", "Help!", "Help", "How can you help me?", "What do you know?",
      "What can I ask you?"],
     ["I can chat a little, tell short stories, answer questions about a story, write JSON, "
      "call tools and tell you about Penstock."]),
    (["Who made you?", "Who trained you?", "Where do you come from?"],
     ["I was trained from nothing by the makers of Penstock, on text that their program wrote."]),
    (["Are you a human?", "Are you a robot?", "Are you real?", "Are you an AI?"],
     ["I am a small language model, not a human."]),
    (["How big are you?", "How many parameters do you have?", "Are you a large model?"],
     ["I have about three million parameters, so I am very small."]),
    (["Are you smart?", "Do you know everything?"],
     ["No, I am a very small model and know only a few things."]),
    (["Tell me a joke.", "Do you know a joke?", "Make me laugh.", "tell me a joke"],
     ["Why did the clock go to school? It wanted to learn to tell the time.",
      "What did the wall say to the other wall? Let us meet at the corner."]),
    (["I am sad.", "I feel sad.", "I am not happy today."],
     ["I am sorry to hear that. Shall I tell you a story?"]),
    (["I am happy!", "I feel great today.", "I am fine."], ["I am glad to hear that!"]),
    (["I am bored.", "I have nothing to do."], ["Shall I tell you a story?"]),
    (["Yes.", "Yes, please.", "OK.", "Okay"], ["Good! What would you like to hear?"]),
    (["No.", "No, thanks."], ["All right. I am here if you need me."]),
    (["Do you like music?", "Do you like stories?", "Do you have a favourite colour?"],
     ["I am a small model and like nothing, but I can tell you a story."]),
    (["Say something.", "Say something nice.", "Write a sentence."],
     ["The sun is warm and the birds sing in the garden."]),
    (["Write a poem.", "Write a short poem.", "Can you write a poem?"],
     ["The river runs down to the sea,\nthe wind is singing in the tree,\n"
      "the moon is bright, the night is deep,\nand all the little foxes sleep."]),
    (["test", "Test", "Testing", "This is a test.", "ping"], ["It works! I am here."]),
]

UNKNOWN = [
    "What is the capital of {city}?", "Who is the king of {city}?",
    "What is the weather in {city}?",
    "How far is it to {city}?", "Who wrote this {thing}?", "Why is the {thing} {colour}?",
    "How do I cook {food}?", "What does a {job} earn?", "When was {city} built?",
    "How old is the president?", "What is the meaning of life?", "Who won the game?",
    "Explain quantum physics.", "Write a program in Python.", "Translate this into French.",
    "What time is it?", "What day is it?", "Can you fix my {thing}?", "How much is a {thing}?",
    "Where can I buy a {thing}?", "Is {name} at home?", "What is a {made}?", "Who is {name}?",
    "Explain how a {thing} works.", "Summarise the news.", "Sing a song about {city}.",
]
DO_NOT_KNOW = "I do not know that: I am only a very small model."

OPPOSITES = """
hot cold big small fast slow happy sad day night up down old young light dark open closed wet dry
full empty hard soft good bad left right early late rich poor strong weak long short high low
""".split()

SOUNDS = {
    "cow": "moo", "dog": "woof", "cat": "meow", "duck": "quack", "sheep": "baa", "pig": "oink",
    "owl": "hoot", "lion": "roar", "bee": "buzz", "frog": "croak", "horse": "neigh", "hen": "cluck",
}

KINDS = {"colours": COLOURS, "animals": ANIMALS, "foods": FOODS, "jobs": JOBS, "cities": CITIES,
         "days of the week": DAYS, "places": PLACES, "names": NAMES[:60]}


def chitchat(rng):
    said, answers = rng.choice(PAIRS)
    return rng.choice(said), rng.choice(answers)


def unknown(rng):
    question = rng.choice(UNKNOWN).format(
        city=rng.choice(CITIES), thing=rng.choice(OBJECTS), colour=rng.choice(COLOURS),
        food=rng.choice(FOODS), job=rng.choice(JOBS), name=rng.choice(NAMES), made=invented(rng))
    return question, DO_NOT_KNOW


def arithmetic(rng):
    a, b = rng.randint(0, 10), rng.randint(0, 10)
    if rng.random() < 0.5:
        ways = ["What is {a} plus {b}?", "{a} + {b} = ?", "How much is {a} + {b}?",
                "What is {a}+{b}?", "Calculate {a} + {b}."]
        return rng.choice(ways).format(a=a, b=b), f"{a} + {b} = {a + b}"
    a, b = max(a, b), min(a, b)
    ways = ["What is {a} minus {b}?", "{a} - {b} = ?", "How much is {a} - {b}?", "What is {a}-{b}?"]
    return rng.choice(ways).format(a=a, b=b), f"{a} - {b} = {a - b}"


def count(rng):
    first = rng.randint(1, 6)
    last = first + rng.randint(2, 6)
    ways = ["Count from {a} to {b}.", "Please count from {a} to {b}."]
    return (rng.choice(ways).format(a=first, b=last),
            ", ".join(str(number) for number in range(first, last + 1)) + ".")


def opposite(rng):
    place = rng.randrange(len(OPPOSITES))
    ways = ["What is the opposite of {w}?", "Opposite of {w}?", "Tell me the opposite of {w}."]
    return (rng.choice(ways).format(w=OPPOSITES[place]),
            f"The opposite of {OPPOSITES[place]} is {OPPOSITES[place ^ 1]}.")


def sound(rng):
    animal = rng.choice(list(SOUNDS))
    ways = ["What does a {x} say?", "What sound does a {x} make?", "How does a {x} go?"]
    way = rng.choice(ways).replace("a {x}", "an {x}" if animal[0] in "aeiou" else "a {x}")
    return way.format(x=animal), f"It says {SOUNDS[animal]}."


def listing(rng):
    kind = rng.choice(list(KINDS))
    number = rng.randint(2, 4)
    ways = ["List {k} {w}.", "Name {k} {w}.", "Give me {k} {w}.", "Tell me {k} {w}."]
    return (rng.choice(ways).format(k=NUMBERS[number], w=kind),
            "\n".join(f"- {word}" for word in rng.sample(KINDS[kind], number)))


def some_words(rng):
    lexicon = Lexicon(rng, invented_share=rng.choice([0.3, 2.0]))
    draw = [lexicon.name, lexicon.thing, lexicon.animal, lexicon.place, lexicon.colour,
            lexicon.food, lexicon.city, lexicon.job, lexicon.mood]
    return [rng.choice(draw)() for _ in range(rng.randint(2, 9))]


def repeat(rng):
    """Says the words again: the plainest way to learn to copy."""
    words = " ".join(some_words(rng))
    ways = ["Repeat: {w}", "Say: {w}", "Repeat after me: {w}", "Repeat these words: {w}",
            "Copy this: {w}", "Please repeat: {w}", "Echo: {w}"]
    return rng.choice(ways).format(w=words), f"You said: {words}"


def remember(rng):
    """What users tell about themselves and ask for later: a list of (said, answered)."""
    lexicon = Lexicon(rng, invented_share=0.3)
    name, colour, animal, city, food = (
        lexicon.name(), lexicon.colour(), lexicon.animal(), lexicon.city(), lexicon.food())
    told = [
        (["My name is {name}.", "I am {name}.", "Hi, I am {name}!", "Hello, my name is {name}."],
         "Nice to meet you, {name}!",
         ["What is my name?", "Who am I?", "Do you know my name?"], "Your name is {name}."),
        (["My favourite colour is {colour}.", "I like the colour {colour}."],
         "Oh, {colour} is a nice colour.",
         ["What is my favourite colour?", "Which colour do I like?"], "You like {colour}."),
        (["I have a pet {animal}.", "My pet is a {animal}."],
         "How nice to have a {animal}!",
         ["What pet do I have?", "What is my pet?"], "You have a {animal}."),
        (["I live in {city}.", "I am from {city}."],
         "I have heard that {city} is nice.",
         ["Where do I live?", "Where am I from?"], "You live in {city}."),
        (["I like to eat {food}.", "My favourite food is {food}."],
         "I cannot eat, but I have read about {food}.",
         ["What do I like to eat?", "What is my favourite food?"], "You like {food}."),
    ]
    words = {"name": name, "colour": colour, "animal": animal, "city": city, "food": food}
    chosen = rng.sample(told, rng.choice([1, 1, 2]))
    turns = [(rng.choice(said), answer) for said, answer, _, _ in chosen]
    turns += [(rng.choice(asked), answer) for _, _, asked, answer in
              rng.sample(chosen, rng.randint(1, len(chosen)))]
    texts = [(said.format(**words), answer.format(**words)) for said, answer in turns]
    return [(_an(said), _an(answer)) for said, answer in texts]


def _an(text):
    for vowel in "aeiou":
        text = text.replace(f" a {vowel}", f" an {vowel}")
    return text
