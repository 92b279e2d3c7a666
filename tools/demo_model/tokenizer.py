"""Trains the byte-level BPE tokenizer of the demo model, in the shape of Qwen2.5's."""

import argparse
import json
import pathlib
import random

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers
from tokenizers import pre_tokenizers, processors, trainers

import mixture
from conversation import pieces

VOCABULARY = 2048
CONVERSATIONS = 60_000
SEED = 20_001
GROWN = 100.0  # an age at which the mixture no longer changes
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>",
           "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"]
MARKS = ["<tool_call>", "</tool_call>", "<think>", "</think>"]  # kept when specials are skipped
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def texts():
    """What the tokenizer learns from: conversations of the late stage, without marks."""
    rng = random.Random(SEED)
    for _ in range(CONVERSATIONS):
        text = "".join(text for text, _ in pieces(mixture.draw(rng, GROWN)))
        for mark in SPECIAL + MARKS:
            text = text.replace(mark, "\n")
        yield text


def train():
    tokenizer = Tokenizer(models.BPE(fuse_unk=False, byte_fallback=False,
                                     continuing_subword_prefix="", end_of_word_suffix=""))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(SPLIT), "isolated", invert=False),
        pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False),
    ])
    tokenizer.post_processor = processors.ByteLevel(
        add_prefix_space=False, trim_offsets=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel(
        add_prefix_space=False, trim_offsets=False, use_regex=False)
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(SPECIAL) - len(MARKS), min_frequency=2, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(texts(), trainer)
    tokenizer.add_tokens([AddedToken(mark, special=True, normalized=False) for mark in SPECIAL])
    tokenizer.add_tokens([AddedToken(mark, special=False, normalized=False) for mark in MARKS])
    return tokenizer


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--out", type=pathlib.Path, required=True, help="folder of the model")
    out = arguments.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    tokenizer = train()
    if tokenizer.get_vocab_size() != VOCABULARY:
        raise SystemExit(f"{tokenizer.get_vocab_size()} tokens came out, not {VOCABULARY}")
    tokenizer.save(str(out / "tokenizer.json"))
    added = {
        str(number): {"content": token.content, "lstrip": token.lstrip, "rstrip": token.rstrip,
                      "normalized": token.normalized, "single_word": token.single_word,
                      "special": token.special}
        for number, token in sorted(tokenizer.get_added_tokens_decoder().items())
    }
    template = pathlib.Path(__file__).with_name("chat_template.jinja").read_text()
    settings = {
        "add_bos_token": False, "add_prefix_space": False, "added_tokens_decoder": added,
        "additional_special_tokens": ["<|im_start|>", "<|im_end|>"], "bos_token": None,
        "chat_template": template, "clean_up_tokenization_spaces": False,
        "eos_token": "<|im_end|>", "errors": "replace", "model_max_length": 1024,
        "pad_token": "<|endoftext|>", "split_special_tokens": False,
        "tokenizer_class": "Qwen2Tokenizer", "unk_token": None,
    }
    (out / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")


if __name__ == "__main__":
    main()
