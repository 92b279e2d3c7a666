"""Reads an exported folder back and lets it speak, greedily or by chance, in bfloat16."""

import json
import struct

import torch
from tokenizers import Tokenizer

from model import Model, Past, Shape


def read_safetensors(path):
    """Name -> 32-bit weight, of a file of bfloat16 weights."""
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    head = json.loads(data[8:8 + size])
    weights = {}
    for name, entry in head.items():
        if name != "__metadata__":
            begin, end = (8 + size + place for place in entry["data_offsets"])
            flat = torch.frombuffer(bytearray(data[begin:end]), dtype=torch.bfloat16)
            weights[name] = flat.view(entry["shape"]).float()
    return weights


def read_model(folder):
    config = json.loads((folder / "config.json").read_text())
    shape = Shape(**{name: config[name] for name in Shape().as_dict()})
    model = Model(shape)
    theirs = read_safetensors(folder / "model.safetensors")
    ours = {"embedding.weight": theirs["model.embed_tokens.weight"],
            "norm.weight": theirs["model.norm.weight"]}
    for number in range(shape.num_hidden_layers):
        mine, prefix = f"layers.{number}.", f"model.layers.{number}."
        for kind in ("weight", "bias"):
            ours[f"{mine}qkv.{kind}"] = torch.cat(
                [theirs[f"{prefix}self_attn.{name}_proj.{kind}"] for name in "qkv"])
        ours[f"{mine}gate_up.weight"] = torch.cat(
            [theirs[f"{prefix}mlp.{name}_proj.weight"] for name in ("gate", "up")])
        ours |= {
            f"{mine}out.weight": theirs[f"{prefix}self_attn.o_proj.weight"],
            f"{mine}down.weight": theirs[f"{prefix}mlp.down_proj.weight"],
            f"{mine}input_norm.weight": theirs[f"{prefix}input_layernorm.weight"],
            f"{mine}mlp_norm.weight": theirs[f"{prefix}post_attention_layernorm.weight"],
        }
    model.load_state_dict(ours)
    return model.eval().bfloat16()


def padded(rows):
    """Rows of ids, filled on the left, and the mask that lets nobody look at what fills them."""
    length = max(map(len, rows))
    tokens = torch.tensor([[0] * (length - len(row)) + row for row in rows])
    starts = torch.tensor([length - len(row) for row in rows])
    seen = torch.arange(length)[None] >= starts[:, None]
    causal = torch.ones(length, length, dtype=torch.bool).tril()
    mask = (causal & seen[:, None]) | torch.eye(length, dtype=torch.bool)
    return tokens, mask[:, None]


class Speaker:
    """Answers many prompts at once."""

    def __init__(self, folder):
        self.model = read_model(folder)
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.end = {self.tokenizer.token_to_id(mark) for mark in ("<|im_end|>", "<|endoftext|>")}

    def _encoded(self, text):
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    @torch.no_grad()
    def would_say(self, prompts, answers, at_once=64):
        """Whether greedy decoding gives exactly the answer and then ends, for each prompt. One
        pass tells, since each token of the answer must be the likeliest after those before it."""
        said = []
        for begin in range(0, len(prompts), at_once):
            some = slice(begin, begin + at_once)
            heads = [self._encoded(prompt) for prompt in prompts[some]]
            tails = [self._encoded(f"{answer}<|im_end|>") for answer in answers[some]]
            rows, mask = padded([head + tail for head, tail in zip(heads, tails, strict=True)])
            likeliest = self.model.logits(self.model.hidden(rows, mask)).argmax(-1)
            for row, tail in zip(likeliest, tails, strict=True):
                said.append(row[-len(tail) - 1:-1].tolist() == tail)
        return said

    @torch.no_grad()
    def answers(self, prompts, most=48, temperature=0.0, seed=0, at_once=64):
        """The text that follows each prompt, at most `most` tokens of it."""
        chance = torch.Generator().manual_seed(seed)
        texts = []
        for begin in range(0, len(prompts), at_once):
            ids = [self._encoded(prompt) for prompt in prompts[begin:begin + at_once]]
            texts += self._continue(ids, most, temperature, chance)
        return texts

    def _continue(self, ids, most, temperature, chance):
        following, mask = padded(ids)
        pasts = [Past() for _ in self.model.layers]
        said = [[] for _ in ids]
        for _ in range(most):
            states = self.model.hidden(following, mask, pasts)
            logits = self.model.logits(states[:, -1]).float()
            if temperature:
                likely = torch.softmax(logits / temperature, -1)
                following = torch.multinomial(likely, 1, generator=chance)
            else:
                following = logits.argmax(-1, keepdim=True)
            for row, token in zip(said, following[:, 0].tolist(), strict=True):
                row.append(token)
            if all(self.end.intersection(row) for row in said):
                break
            mask = torch.cat([mask[:, :, -1:], torch.ones(len(ids), 1, 1, 1, dtype=bool)], 3)
        return [self._text(row) for row in said]

    def _text(self, ids):
        end = next((place for place, token in enumerate(ids) if token in self.end), len(ids))
        return self.tokenizer.decode(ids[:end], skip_special_tokens=True)
