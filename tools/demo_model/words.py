"""The words that the generated texts are made of, and those that training never sees."""

NAMES = """
Ada Adam Alba Alex Alice Amy Ana Andy Anna Anton Aria Ben Bella Bert Beth Bill Bob Carl Carla Cleo
Clara Dan Dana David Dora Ed Eli Ella Elsa Emil Emma Erik Eva Finn Flora Frank Fred Gina Grace Greta
Gus Hana Hans Harry Hugo Ida Igor Ines Iris Ivan Jack Jane Jim Joe John Jon Julia Kai Kate Ken Kim
Kira Lara Lea Leo Lena Lia Lily Lisa Lou Lucy Luke Luna Lux Mara Mark Marta Mary Mats Max Maya Meg
Mia Mike Mila Milo Mona Nad Nora Nell Nick Nils Nina Noah Noor Ola Olaf Omar Oscar Otto Pam Paul
Pia Pip Rita Rob Rosa Ruth Sam Sara Sid Sofia Stan Sue Tara Ted Tess Theo Tim Tina Tom Uma Una
Vera Vic Vito Walt Wendy Will Xena Yara Yuri Zara Zoe Zora
""".split()

UNSEEN_NAMES = """
Agnes Bruno Cyrus Delia Edgar Felix Gwen Heidi Irma Jonas Karin Lorenz Mabel Nestor Olive Petra
Quentin Rufus Silvia Tobias Ursula Vincent Wanda Yvonne Zelda Bianca Dexter Floyd Hilda Magnus
""".split()

ANIMALS = """
fox owl bear cat dog mouse rabbit frog duck hen goat horse wolf deer bee crow swan mole otter badger
hedgehog squirrel turtle sheep pig cow goose snail beaver robin lion tiger monkey elephant penguin
""".split()

UNSEEN_ANIMALS = "lynx parrot camel lizard hamster moose".split()

OBJECTS = """
lamp key coin book ball hat cup map rope box bell ring drum kite boat bag stone shell flute clock
spoon pen letter basket brush bucket button candle coat comb doll feather flag fork glove hammer
jar kettle knife ladder mask mirror nail needle net plate pot purse ribbon saw scarf shoe shovel
sock stick string ticket torch towel toy trumpet vase violin whistle blanket pillow pencil stamp
crown sword shield wheel chain hook bottle cap card chair stool painting photo radio phone watch
umbrella apple egg orange pear plum lemon carrot cake pie acorn leaf flower rose seed nut
""".split()

UNSEEN_OBJECTS = """
lantern compass helmet wallet notebook statue teapot marble puzzle anchor saddle banjo
thimble goblet bracelet telescope walnut peach magnet parcel
""".split()

PLACES = """
garden kitchen forest market park school library barn cellar attic station harbour castle church
mill farm shop bakery beach river lake meadow field hill cave bridge village town museum theatre
hospital office hotel island orchard playground stable tower workshop zoo pond well square
""".split()

UNSEEN_PLACES = "chapel temple lighthouse vineyard quarry tavern canyon pier".split()

SPOTS = """
table bed chair desk shelf box drawer basket door window stairs rug tree bush bench rock fence wall
gate log sofa stove sink cupboard bucket wagon boat haystack barrel chest oven roof pillow
""".split()

UNSEEN_SPOTS = "piano fountain counter mattress hedge cabinet crate statue".split()

PREPOSITIONS = {
    "in": {"box", "drawer", "basket", "bucket", "wagon", "boat", "barrel", "chest", "oven",
           "cupboard", "sink", "haystack", "bush", "crate", "cabinet"},
    "on": {"table", "bed", "chair", "desk", "shelf", "stairs", "rug", "bench", "rock", "fence",
           "wall", "log", "sofa", "stove", "roof", "pillow", "piano", "counter", "mattress"},
    "under": {"table", "bed", "chair", "desk", "tree", "bush", "bench", "rug", "stairs", "sofa",
              "wagon", "pillow", "rock", "window", "piano", "mattress", "crate", "statue"},
    "behind": {"door", "tree", "rock", "fence", "wall", "gate", "sofa", "stove", "barrel",
               "fountain", "hedge", "statue", "piano"},
    "near": {"window", "door", "gate", "tree", "stairs", "fountain", "hedge", "cabinet"},
}

COLOURS = """
red blue green yellow black white brown grey pink purple orange golden silver
""".split()

FOODS = """
bread soup cheese rice honey jam fish pasta salad porridge corn beans butter cake milk tea juice
cocoa popcorn pancakes noodles cookies berries nuts grapes cherries
""".split()

MOODS = "happy sad angry tired scared proud lonely excited calm hungry sleepy worried".split()

JOBS = """
baker farmer teacher doctor sailor painter singer cook driver nurse pilot tailor gardener hunter
writer builder judge miner potter guard
""".split()

CITIES = """
Paris London Berlin Rome Madrid Oslo Vienna Prague Dublin Athens Lisbon Warsaw Tokyo Cairo Lima
Delhi Boston Chicago Toronto Sydney Geneva Milan Kyoto Seoul Bern Riga Porto Turin Lyon Hamburg
""".split()

UNSEEN_CITIES = "Helsinki Budapest Nairobi Bogota Denver Osaka Skopje Malmo".split()

NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve".split()

DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()

ADJECTIVES = """
little brave clever kind old young shy quick lazy gentle curious small funny quiet wise
""".split()

ONSETS = "b d f g h j k l m n p r s t v z br dr gr kr pl st tr th sh".split()
VOWELS = "a e i o u".split()
CODAS = ["", "", "", "n", "l", "r", "m", "s", "k", "t", "x", "nd", "lk", "sh"]


def with_article(noun):
    return ("an " if noun[0] in "aeiou" else "a ") + noun


def capitalised(text):
    return text[:1].upper() + text[1:]


def _syllables(rng):
    word = rng.choice(ONSETS) + rng.choice(VOWELS)
    if rng.random() < 0.6:
        word += rng.choice(ONSETS[:16]) + rng.choice(VOWELS)
    return word + rng.choice(CODAS)


def _crossed(rng):
    """The head of one word and the tail of another."""
    head, tail = rng.choice(rng.choice(KNOWN)).lower(), rng.choice(rng.choice(KNOWN)).lower()
    return head[:rng.randint(1, 4)] + tail[-rng.randint(2, 4):]


def invented(rng, unseen=False):
    """A made-up word. The unseen ones are those that a fixed rule sets aside, one in eight."""
    while True:
        word = _syllables(rng) if rng.random() < 0.5 else _crossed(rng)
        set_aside = sum(map(ord, word)) % 8 == 0
        if len(word) > 2 and word not in RESERVED and set_aside == unseen:
            return word


KNOWN = [NAMES, ANIMALS, OBJECTS, PLACES, SPOTS, COLOURS, FOODS, JOBS, CITIES, ADJECTIVES]
RESERVED = {
    word.lower() for words in (UNSEEN_NAMES, UNSEEN_ANIMALS, UNSEEN_OBJECTS, UNSEEN_PLACES,
                               UNSEEN_SPOTS, UNSEEN_CITIES, *KNOWN) for word in words
}


class Lexicon:
    """Draws words for one text without repeating a name or a thing. `unseen` draws the names,
    things, places and spots that training never sees."""

    def __init__(self, rng, unseen=False, invented_share=0.3):
        self.rng = rng
        self.unseen = unseen
        self.invented_share = invented_share
        self.used = set()

    def _fresh(self, words, unseen_words=None, made_up=0.0):
        """A word not used yet; `made_up` is the share of invented ones, in shares of names."""
        if self.rng.random() < made_up * self.invented_share:
            word = invented(self.rng, self.unseen)
        else:
            words = unseen_words if self.unseen and unseen_words else words
            word = self.rng.choice(words)
            while word in self.used and not self.used.issuperset(words):
                word = self.rng.choice(words)
        self.used.add(word)
        return word

    def name(self):
        return capitalised(self._fresh(NAMES, UNSEEN_NAMES, made_up=1.0))

    def thing(self):
        return self._fresh(OBJECTS, UNSEEN_OBJECTS, made_up=0.6)

    def animal(self):
        return self._fresh(ANIMALS, UNSEEN_ANIMALS, made_up=0.5)

    def place(self):
        return self._fresh(PLACES, UNSEEN_PLACES, made_up=0.5)

    def city(self):
        return capitalised(self._fresh(CITIES, UNSEEN_CITIES, made_up=0.5))

    def spot(self):
        """A phrase such as "under the bed"."""
        noun = self._fresh(SPOTS, UNSEEN_SPOTS, made_up=0.4)
        fitting = [word for word, nouns in PREPOSITIONS.items() if noun in nouns]
        return f"{self.rng.choice(fitting or list(PREPOSITIONS))} the {noun}"

    def colour(self):
        return self._fresh(COLOURS)

    def food(self):
        return self._fresh(FOODS)

    def mood(self):
        return self._fresh(MOODS)

    def job(self):
        return self._fresh(JOBS)

    def number(self):
        return self._fresh(NUMBERS[2:])

    def day(self):
        return self._fresh(DAYS)
