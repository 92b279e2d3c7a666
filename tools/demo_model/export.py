"""Writes the newest checkpoint as a Hugging Face folder: bfloat16 weights and their settings."""

import argparse
import json
import pathlib
import struct

import torch

from model import Shape

SHIPPED = pathlib.Path(__file__).resolve().parents[2] / "models/penstock-demo"


def named_weights(checkpoint):
    """Hugging Face's name -> weight, of the running average of the weights."""
    shape = Shape(**checkpoint["shape"])
    ours = dict(zip(checkpoint["names"], checkpoint["average"], strict=True))
    size = shape.head_dim
    heads = [shape.num_attention_heads * size] + [shape.num_key_value_heads * size] * 2
    weights = {
        "model.embed_tokens.weight": ours["embedding.weight"],
        "model.norm.weight": ours["norm.weight"],
    }
    for number in range(shape.num_hidden_layers):
        mine, theirs = f"layers.{number}.", f"model.layers.{number}."
        for kind in ("weight", "bias"):
            parts = ours[f"{mine}qkv.{kind}"].split(heads)
            for name, part in zip(("q_proj", "k_proj", "v_proj"), parts, strict=True):
                weights[f"{theirs}self_attn.{name}.{kind}"] = part
        gate, up = ours[f"{mine}gate_up.weight"].chunk(2)
        weights |= {
            f"{theirs}input_layernorm.weight": ours[f"{mine}input_norm.weight"],
            f"{theirs}post_attention_layernorm.weight": ours[f"{mine}mlp_norm.weight"],
            f"{theirs}self_attn.o_proj.weight": ours[f"{mine}out.weight"],
            f"{theirs}mlp.gate_proj.weight": gate,
            f"{theirs}mlp.up_proj.weight": up,
            f"{theirs}mlp.down_proj.weight": ours[f"{mine}down.weight"],
        }
    return weights


def write_safetensors(path, weights):
    """bfloat16, in order of names: a length, a JSON head, then the bytes."""
    head, blobs, place = {"__metadata__": {"format": "pt"}}, [], 0
    for name, weight in sorted(weights.items()):
        blob = weight.to(torch.bfloat16).contiguous().view(torch.int16).numpy().tobytes()
        head[name] = {"dtype": "BF16", "shape": list(weight.shape),
                      "data_offsets": [place, place + len(blob)]}
        blobs.append(blob)
        place += len(blob)
    text = json.dumps(head, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def write_settings(out, shape, tokenizer_config):
    ids = {token["content"]: int(number)
           for number, token in tokenizer_config["added_tokens_decoder"].items()}
    pad, eos = ids["<|endoftext|>"], ids["<|im_end|>"]
    config = {
        "architectures": ["Qwen2ForCausalLM"], "attention_dropout": 0.0, "bos_token_id": pad,
        "eos_token_id": eos, "hidden_act": "silu", "hidden_size": shape.hidden_size,
        "initializer_range": 0.02, "intermediate_size": shape.intermediate_size,
        "max_position_embeddings": shape.max_position_embeddings,
        "max_window_layers": shape.num_hidden_layers, "model_type": "qwen2",
        "num_attention_heads": shape.num_attention_heads,
        "num_hidden_layers": shape.num_hidden_layers,
        "num_key_value_heads": shape.num_key_value_heads, "rms_norm_eps": shape.rms_norm_eps,
        "rope_theta": shape.rope_theta, "sliding_window": None, "tie_word_embeddings": True,
        "torch_dtype": "bfloat16", "use_cache": True, "use_sliding_window": False,
        "vocab_size": shape.vocab_size,
    }
    generation = {"bos_token_id": pad, "eos_token_id": [eos, pad], "pad_token_id": pad,
                  "do_sample": True, "temperature": 0.7, "top_p": 0.9, "top_k": 20}
    for name, settings in (("config", config), ("generation_config", generation)):
        (out / f"{name}.json").write_text(json.dumps(settings, indent=2) + "\n")


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--checkpoints", type=pathlib.Path, required=True)
    arguments.add_argument("--out", type=pathlib.Path, default=SHIPPED)
    options = arguments.parse_args()
    checkpoint = torch.load(options.checkpoints / "checkpoint.pt", weights_only=True)
    weights = named_weights(checkpoint)
    write_safetensors(options.out / "model.safetensors", weights)
    write_settings(options.out, Shape(**checkpoint["shape"]),
                   json.loads((options.out / "tokenizer_config.json").read_text()))
    print(json.dumps({
        "step": checkpoint["step"], "tokens": checkpoint["tokens"],
        "hours": round(checkpoint["seconds"] / 3600, 2),
        "parameters": sum(weight.numel() for weight in weights.values()),
    }))


if __name__ == "__main__":
    main()
