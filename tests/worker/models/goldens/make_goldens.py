"""Writes the goldens of tests/worker/models: every stage of tiny models, by Hugging Face's code.

Nothing of ours is imported. The weights are made here a second time, from the description in
tests/support/tiny_checkpoint.hpp; their SHA-256 stands in each golden, so that a test sees at once
whether both made the same. Models run in double precision, with attention by torch's sdpa, which
keeps it throughout; only Hugging Face's norms round to fp32 in between.

    pip install torch transformers        # the versions of README.md
    python make_goldens.py                # writes *.safetensors beside this file
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM

NUM_TOKENS = 300  # more than one attention chunk, more than four pages
ROWS = [0, 1, 63, 64, 255, 256, 299]  # of the stages of every row; logits are of the last three
LOGIT_ROWS = [255, 256, 299]
GREEDY_PROMPT, GREEDY_TOKENS = 100, 64  # of a prompt so long, of an answer so long
GREEDY_MARGIN = 2e-4  # between the two largest logits: twice what golden_test.cpp lets them be off


@dataclass
class Spec:
    name: str
    family: str = "qwen2"
    dtype: torch.dtype = torch.float32
    tied: bool = True
    yarn: bool = False
    greedy: bool = False  # whether an answer is kept, too
    vocabulary: int = 320
    hidden: int = 64
    intermediate: int = 96
    layers: int = 2
    heads: int = 4
    kv_heads: int = 2
    positions: int = 512
    key_bias: float = 100.0
    seed: int = 1

    @property
    def head_dim(self) -> int:
        return 32 if self.family == "qwen3" else self.hidden // self.heads


SPECS = [
    Spec("qwen2_tied", greedy=True),
    Spec("qwen2_untied", tied=False, kv_heads=1, vocabulary=307, seed=2),
    Spec("qwen2_yarn", yarn=True, seed=3),
    Spec("qwen2_bf16", dtype=torch.bfloat16, key_bias=4.0, seed=4),
    Spec("qwen3_untied", family="qwen3", tied=False, kv_heads=4, seed=5, greedy=True),
    Spec("qwen3_bf16", family="qwen3", dtype=torch.bfloat16, seed=6),
]

MASK = (1 << 64) - 1


def fnv1a(text: str) -> int:
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 & MASK
    return value


def splitmix_output(x: np.ndarray) -> np.ndarray:
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def drawn(spec: Spec, name: str, count: int) -> np.ndarray:
    """fp32 in [0, 1), in steps of 2^-24."""
    seed = splitmix_output(np.array([spec.seed], np.uint64))[0]
    key = np.uint64(fnv1a(name)) ^ seed
    index = np.arange(1, count + 1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        bits = splitmix_output(key + index * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)
    return bits.astype(np.float32) * np.float32(2**-24)


def make_tensor(spec: Spec, name: str, shape: tuple[int, ...]) -> torch.Tensor:
    unit = drawn(spec, name, int(np.prod(shape)))
    centred = np.float32(2) * unit - np.float32(1)
    if name.endswith("norm.weight"):
        values = unit + np.float32(0.5)
    elif name.endswith(".bias"):
        values = centred * np.float32(0.5)
        if "k_proj" in name:
            values[spec.head_dim // 2 - 1] = spec.key_bias
            values[-1] = -spec.key_bias / 2
    elif "embed_tokens" in name or "lm_head" in name:
        values = centred * np.float32(0.6)
    else:
        values = centred * np.float32(0.26)
    return torch.from_numpy(values.reshape(shape)).to(spec.dtype)


def make_model(spec: Spec) -> torch.nn.Module:
    rope = {"rope_type": "default", "rope_theta": 1e6}
    if spec.yarn:
        rope |= {"rope_type": "yarn", "factor": 4.0}
        rope["original_max_position_embeddings"] = spec.positions // 4
    settings = dict(
        vocab_size=spec.vocabulary,
        hidden_size=spec.hidden,
        intermediate_size=spec.intermediate,
        num_hidden_layers=spec.layers,
        num_attention_heads=spec.heads,
        num_key_value_heads=spec.kv_heads,
        max_position_embeddings=spec.positions,
        rope_parameters=rope,
        rms_norm_eps=1e-6,
        tie_word_embeddings=spec.tied,
        attn_implementation="sdpa",
    )
    if spec.family == "qwen2":
        return Qwen2ForCausalLM(Qwen2Config(**settings))
    return Qwen3ForCausalLM(Qwen3Config(head_dim=spec.head_dim, **settings))


def load_weights(spec: Spec, model: torch.nn.Module) -> bytes:
    """Fills the model; the digest of its tensors' bytes in order of name."""
    digest = hashlib.sha256()
    parameters = dict(model.named_parameters())
    for name in sorted(parameters):
        tensor = make_tensor(spec, name, tuple(parameters[name].shape))
        digest.update(tensor.view(torch.uint8).numpy().tobytes())
        parameters[name].data = tensor.double()
    if spec.tied:
        assert model.lm_head.weight is model.model.embed_tokens.weight
    return digest.digest()


def greedy_answer(model: torch.nn.Module, prompt: torch.Tensor) -> torch.Tensor:
    """Of the whole sequence anew for every token: nothing depends on a cache."""
    all_tokens = prompt
    for _ in range(GREEDY_TOKENS):
        with torch.no_grad():
            logits = model(all_tokens[None], use_cache=False).logits[0, -1]
        first, second = torch.topk(logits, 2).values.tolist()
        assert first - second > GREEDY_MARGIN, (first, second)
        all_tokens = torch.cat([all_tokens, logits.argmax()[None]])
    return all_tokens[len(prompt):]


def run(spec: Spec) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    model = make_model(spec).eval()
    digest = load_weights(spec, model)
    tokens = drawn(spec, "tokens", NUM_TOKENS) * np.float32(spec.vocabulary)
    tokens = torch.from_numpy(tokens.astype(np.int64))

    stages: dict[str, torch.Tensor] = {}
    deviations: dict[str, float] = {}

    def keep(name: str, rows: list[int]):
        def hook(module, inputs, output):
            value = (output[0] if isinstance(output, tuple) else output).detach()
            value = value.reshape(NUM_TOKENS, -1)
            assert value.dtype == torch.float64
            deviations[name] = value.std().item()
            stages[name] = value[rows].float().contiguous()

        return hook

    watched = {"model.embed_tokens": ROWS, "model.norm": LOGIT_ROWS, "lm_head": LOGIT_ROWS}
    for layer in range(spec.layers):
        at = f"model.layers.{layer}"
        for part in ("self_attn", "mlp"):
            watched[f"{at}.{part}"] = ROWS
        if layer + 1 < spec.layers:
            watched[at] = ROWS  # of the last layer only the norm is seen
    for layer in range(spec.layers):
        watched[f"model.layers.{layer}.self_attn.v_proj"] = ROWS
    modules = dict(model.named_modules())
    hooks = [modules[name].register_forward_hook(keep(name, rows))
             for name, rows in watched.items()]

    # No module's output: what comes out of the one function that rotates, layer after layer.
    code = sys.modules[type(model).__module__]
    rotate = code.apply_rotary_pos_emb
    layers = iter(range(spec.layers))

    def rotate_and_keep(q, k, *others, **named):
        rotated = rotate(q, k, *others, **named)
        at = f"model.layers.{next(layers)}.self_attn"
        for name, heads in zip("qk", rotated):
            keep(f"{at}.{name}", ROWS)(None, None, heads[0].transpose(0, 1))
        return rotated

    with torch.no_grad(), mock.patch.object(code, "apply_rotary_pos_emb", rotate_and_keep):
        model(tokens[None], use_cache=False)
    for layer in range(spec.layers):
        at = f"model.layers.{layer}.self_attn"
        stages[f"{at}.v"] = stages.pop(f"{at}.v_proj")
    for hook in hooks:
        hook.remove()
    print(spec.name, {name: round(value, 3) for name, value in deviations.items()})
    if spec.greedy:
        answer = greedy_answer(model, tokens[:GREEDY_PROMPT])
        stages["greedy"] = answer.to(torch.int32)
    return stages | {
        "tokens": tokens.to(torch.int32),
        "weights.sha256": torch.frombuffer(bytearray(digest), dtype=torch.uint8),
    }


def main() -> None:
    torch.use_deterministic_algorithms(True)
    for spec in SPECS:
        save_file(run(spec), Path(__file__).with_name(spec.name + ".safetensors"))


if __name__ == "__main__":
    main()
