"""Packs conversations into rows of equal length; each token sees its own conversation only."""

import random
from dataclasses import dataclass

import torch

import mixture
from conversation import pieces


@dataclass
class Batch:
    tokens: torch.Tensor  # [rows, length]
    targets: torch.Tensor  # [rows, length]
    weights: torch.Tensor  # [rows, length], of the targets in the loss
    mask: torch.Tensor  # [rows, 1, length, length], true where a position may look


def encode(tokenizer, conversation):
    """Returns (token ids, weights of the tokens as targets)."""
    parts = list(pieces(conversation))
    encoded = tokenizer.encode_batch_fast([text for text, _ in parts], add_special_tokens=False)
    ids, weights = [], []
    for (_, weight), part in zip(parts, encoded, strict=True):
        ids += part.ids
        weights += [weight] * len(part.ids)
    weights[0] = 0.0
    return ids, weights


def make_batch(tokenizer, seed, age, rows, length, longer_than=0):
    """A batch that depends on nothing but its arguments, of conversations that fit into a row and
    are longer than `longer_than` tokens."""
    rng = random.Random(seed)
    ids = [[] for _ in range(rows)]
    weights = [[] for _ in range(rows)]
    owners = [[] for _ in range(rows)]
    misses = number = 0
    while misses < 8:
        new_ids, new_weights = encode(tokenizer, mixture.draw(rng, age))
        if not longer_than < len(new_ids) <= length + 1:
            continue
        row = next((r for r in range(rows) if len(ids[r]) + len(new_ids) <= length + 1), None)
        if row is None:
            misses += 1
            continue
        number += 1
        ids[row] += new_ids
        weights[row] += new_weights
        owners[row] += [number] * len(new_ids)
    for row in range(rows):
        missing = length + 1 - len(ids[row])
        ids[row] += [0] * missing
        weights[row] += [0.0] * missing
        owners[row] += [-1] * missing
    tokens, owner = torch.tensor(ids), torch.tensor(owners)[:, :-1]
    same = owner[:, None, :, None] == owner[:, None, None, :]
    causal = torch.ones(length, length, dtype=torch.bool).tril()
    return Batch(tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous(),
                 torch.tensor(weights)[:, 1:].contiguous(), same & causal)
