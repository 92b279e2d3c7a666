#!/usr/bin/env python3
"""The demo upstream behind `./dev run`: an OpenAI-compatible server that answers every chat with a
canned text, word by word, so that a first request through the gateway streams on any machine."""

import argparse
import asyncio
import re
import signal

import http_server
import openai_answers as answers

MODEL = "penstock-demo"
CONTEXT = 8192
WORDS_PER_SECOND = 20
TEXT = (
    "Hello! I am the demo upstream behind Penstock, not a language model: whatever you ask, I say "
    "this. But every word came to you one by one, through the gateway, as a real model's would. "
    "A penstock is the gate and pipe that feed water to a turbine; this one feeds requests to "
    "GPUs. To meet a real model, name its server under models in config/penstock.yaml."
)


def words_of(text):
    return re.findall(r"\S+\s*", text)


def last_words(body):
    """The text of what was asked, shortened, to show that it arrived."""
    if "prompt" in body:
        asked = body["prompt"]
    else:
        asked = (body.get("messages") or [{}])[-1].get("content")
    if isinstance(asked, list):
        asked = " ".join(part.get("text", "") for part in asked if isinstance(part, dict))
    asked = " ".join(str(asked or "").split())
    return asked[:80] + ("…" if len(asked) > 80 else "")


def words_for(body):
    asked = last_words(body)
    words = words_of((f"You said: “{asked}”. " if asked else "") + TEXT)
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    cut = isinstance(limit, int) and limit < len(words)
    return (words[:limit], "length") if cut else (words, "stop")


async def generate(body, answer, whole, chunk):
    words, finish = words_for(body)
    used = answers.usage(len(words_of(last_words(body))), len(words))
    if not body.get("stream"):
        return await answer.send(200, whole("".join(words), used, finish))
    await answer.begin()
    for word in words:
        await answer.event(chunk(word, None))
        await asyncio.sleep(1 / WORDS_PER_SECOND)
    last = chunk("", finish)
    await answer.event(last)
    if answers.wants_usage(body):
        await answer.event(answers.usage_chunk(last, used))
    await answer.event("[DONE]")
    await answer.end()


async def chat(body, answer):
    await generate(
        body, answer,
        lambda text, used, finish: answers.chat(MODEL, {"content": text}, used, finish),
        lambda word, finish: answers.chat_chunk(MODEL, {"content": word} if word else {}, finish))


async def completions(body, answer):
    await generate(
        body, answer,
        lambda text, used, finish: answers.completion(MODEL, text, used, finish),
        lambda word, finish: answers.completion_chunk(MODEL, word, finish))


async def embeddings(body, answer):
    await answer.send(200, answers.embeddings(body))


ROUTES = {
    "/v1/chat/completions": chat,
    "/v1/completions": completions,
    "/v1/embeddings": embeddings,
}


async def handle(request, answer):
    if request.path == "/health":
        return await answer.send(200, "")
    if request.path == "/v1/models":
        return await answer.send(200, answers.models([MODEL], CONTEXT))
    route = ROUTES.get(request.path)
    if route is None:
        return await answer.send(404, answers.error(f"no such route: {request.path}"))
    try:
        body = request.json()
        if not isinstance(body, dict):
            raise ValueError("an object is expected")
        if route is embeddings and "input" not in body:
            raise ValueError("'input' is missing")
    except ValueError as wrong:
        return await answer.send(400, answers.error(f"the body cannot be used: {wrong}"))
    body.setdefault("model", MODEL)
    await route(body, answer)


async def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port", type=int, default=4010, help="0: any; default 4010")
    given = options.parse_args()
    server = await http_server.start(handle, given.host, given.port)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    host, port = server.sockets[0].getsockname()[:2]
    print(f"demo upstream: listening on {host}:{port}", flush=True)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
