"""Strings on which tokenizers differ: the same for the same seed."""

import random

# Fragments by what they try. Every list is drawn from alone and in a soup with all others.
ASCII = "".join(map(chr, range(32, 127)))
SPACES = " \t\n\r\v\f\x1c\x1f\x85\xa0\u1680\u2000\u2003\u200a\u2028\u2029\u202f\u205f\u3000"
NEAR_SPACES = "\u180e\u200b\u200c\u200d\u2060\ufeff\x00\x7f\xad"
MARKS = ("\u0300\u0301\u0304\u0308\u0316\u0323\u0327\u0328\u0345\u0360\u05b0\u05bc\u064b\u0651"
         "\u0654\u093c\u094d\u0b57\u0bd7\u0cd5\u0e38\u0f71\u0f74\u1039\u302a\u3099\u309a\u20d0"
         "\U0001d165\U0001d16d\u1dc4\u1df6\U0001e130\U00010d24\u08d3\u07fd")
COMPOSED = "éàñçöüÅÅΩΩẹ̈ệǖǘἄᾧ가각힣ᄀ까ᅢᆨᆩᇂनऩक़ড়ਖ਼ଢ଼שׁײַשּׁ豈﨑ñôⅫ①½ſﬁﬆµ"
CONTRACTIONS = ["'s", "'S", "'t", "'re", "'RE", "'vE", "'m", "'ll", "'Ll", "'d", "'ſ", "'x",
                "’s", "''s", "'", "'l", "'r", "'v", "'st", "'lll", "don't", "I'll", "WE'RE"]
DIGITS = ["0", "7", "42", "123", "1234", "3.14", "1,000,000", "٣٤٥", "१२३", "Ⅻ", "½", "²³", "①②",
          "𝟘𝟙𝟚", "一二三", "𑁦𑁧", "\U00010d40\U00010d41", "\U0001ccf3", "0x1F", "1e-9"]
CODE = ["def f(x):\n    return x ** 2\n", "int main() {\n\tstd::cout << \"hi\\n\";\n}\n",
        "</div>", "#include <vector>", "SELECT * FROM t WHERE a='b';", "{\"a\": [1, 2, null]}",
        "if (a&&b||!c)", "    \n\n\t\t}", "/* ... */", "λ = λx. x", "==> <=> !== ::", "\\u0041\\n",
        "$HOME/.bashrc\r\n", "a_b_c.d->e()", "camelCaseXMLHttpRequest", "\r\n\r\n", "```python\n",
        "<|", "|>", "<|im_"]
WORDS = ["the", " quick", "Hello", " World", "привет", " мир", "Съешь ещё этих", " мягких булок",
         "ЁЖИК", "你好", "世界", "，今天天气很好。", "機械学習", "こんにちは", "カタカナ", "안녕하세요",
         "ﾊﾝｶｸ", "العربية", " مَرْحَبًا", "עִבְרִית", "हिन्दी", " नमस्ते", "ภาษาไทย", "ไม่ได้",
         "Việt Nam",
         "tiếng Việt", "Ελληνικά", "ქართული", "Հայերեն", "አማርኛ", "Zürich", "naïve", "œuvre",
         "မြန်မာ", "ខ្មែរ", "বাংলা", "தமிழ்", "ᏣᎳᎩ", "ꦗꦮ", "𐌰𐌱", "𝒜𝓑", "ѕɑⅿе"]
EMOJI = ["😀", "👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇷🇺🇨🇳", "❤️", "☺︎", "1️⃣", "🫠", "🪿", "©️", "™", "→", "█▓▒"]
EDGES = ["\x00", "\x01", "\x7f", "\x80", "\x9f", "\u0378", "\ud7ff", "\ue000", "\ufdd0", "\ufffd",
         "\ufffe", "\uffff", "\U00010000", "\U0001ffff", "\U000e0041", "\U000f0000", "\U0010ffff",
         "\u1c89", "\ua7cb", "\U000105c0", "\U0002ebf0", "\U00013460", "\u2fff", "\U0002fa1d"]


def repeated(draw):
    unit = draw.choice([*"aA1.-=_ \n\té你😀'", "ab", "ha", "\r\n", "! ", "e\u0301", "\u0301\u0316",
                        "\u1100\u1161\u11a8", "12", "<|", "가", "\U0001f1f7"])
    return unit * draw.randint(1, 300)


def any_characters(draw):
    end = draw.choice([0x80, 0x250, 0x800, 0x3000, 0x10000, 0x20000, 0x110000])
    drawn = (draw.randrange(end) for _ in range(draw.randint(1, 60)))
    return "".join(chr(code) for code in drawn if not 0xD800 <= code < 0xE000)


def some_of(pool, most, between=("", "", " ", "  ", "\n")):
    def draw_some(draw):
        return "".join(draw.choice(pool) + draw.choice(between)
                       for _ in range(draw.randint(1, most)))

    return draw_some


def strings(added, count, seed):
    """`count` strings; `added` are the texts of the vocabulary's added tokens."""
    draw = random.Random(seed)
    cut = [token[:i] for token in added for i in (len(token) // 2, len(token) - 1)]
    pools = [some_of(ASCII, 80, ("",)), some_of(SPACES + NEAR_SPACES, 30, ("",)),
             some_of(SPACES, 12, ("", "", "a", ".", "1", "é")), some_of(CONTRACTIONS, 12),
             some_of([*MARKS, *"aeouAE ", *COMPOSED], 40, ("",)), some_of(DIGITS, 12),
             some_of(CODE, 8), some_of(WORDS, 20), some_of(EMOJI, 12), some_of(EDGES, 12),
             some_of([*added, *cut, *WORDS, *SPACES], 12), repeated, any_characters]

    def soup(draw_from):
        return "".join(draw_from.choice(pools)(draw_from) for _ in range(draw_from.randint(2, 5)))

    return [draw.choice([*pools, soup])(draw) for _ in range(count)]


def every_character():
    """Each character that is one, alone among spaces and before a letter, in a few strings."""
    codes = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    return ["".join(f"{chr(code)} {chr(code)}a" for code in codes[at : at + 1024])
            for at in range(0, len(codes), 1024)]
