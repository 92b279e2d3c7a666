"""Answers of an OpenAI-compatible engine as Python values: what the demo upstream and the
conformance tests' upstream have in common."""

import base64
import hashlib
import struct
import time


def usage(prompt, completion, cached=0):
    return {"prompt_tokens": prompt, "completion_tokens": completion,
            "total_tokens": prompt + completion, "prompt_tokens_details": {"cached_tokens": cached}}


def chat(model, message, used, finish="stop"):
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": int(time.time()),
            "model": model, "usage": used,
            "choices": [{"index": 0, "message": {"role": "assistant", **message},
                         "finish_reason": finish, "logprobs": None}]}


def chat_chunk(model, delta, finish=None):
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": int(time.time()),
            "model": model, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def completion(model, text, used, finish="stop"):
    return {"id": "cmpl-1", "object": "text_completion", "created": int(time.time()),
            "model": model, "usage": used,
            "choices": [{"index": 0, "text": text, "finish_reason": finish, "logprobs": None}]}


def completion_chunk(model, text, finish=None):
    chunk = completion(model, text, None, finish)
    del chunk["usage"]
    return chunk


def usage_chunk(chunk, used):
    """The event that include_usage causes: no choices, only usage."""
    return {**chunk, "choices": [], "usage": used}


def wants_usage(body):
    return bool((body.get("stream_options") or {}).get("include_usage"))


def vector_of(text, dimensions=8):
    """The same numbers for the same text: its SHA-256, as floats in [-1, 1)."""
    digest = hashlib.sha256(str(text).encode()).digest()
    numbers = [digest[i % len(digest)] / 128 - 1 for i in range(dimensions)]
    return list(struct.unpack(f"<{dimensions}f", struct.pack(f"<{dimensions}f", *numbers)))


def embeddings(body):
    given = body["input"]
    many = isinstance(given, list) and not all(isinstance(i, int) for i in given)
    inputs = given if many else [given]
    vectors = [vector_of(text, body.get("dimensions") or 8) for text in inputs]
    if body.get("encoding_format") == "base64":
        vectors = [base64.b64encode(struct.pack(f"<{len(v)}f", *v)).decode() for v in vectors]
    tokens = 4 * len(inputs)
    return {"object": "list", "model": body["model"],
            "data": [{"object": "embedding", "index": i, "embedding": v}
                     for i, v in enumerate(vectors)],
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}


def models(names, max_model_len):
    return {"object": "list",
            "data": [{"id": name, "object": "model", "created": 1, "owned_by": "penstock",
                      "max_model_len": max_model_len} for name in names]}


def error(message, kind="invalid_request_error", code=None):
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}
