#!/usr/bin/env python3
"""The scripted upstream that client SDKs are tested against, through the gateway: every dialect
that the gateway routes, with failures chosen by the model's name. What it got is told at
GET /_recorded.

Models: any name answers well, but
  fail-500-once, fail-503-once   fails the first request of each `x-test-id`, then answers
  fail-429                       always refuses, with Retry-After and x-should-retry: false
  fail-400                       finds the request invalid
  fail-500                       always fails
  slow                           thinks for `THINKING` seconds first
  never                          never answers
  error-first                    begins a stream with an error event
  error-in-stream                puts an error event after two good ones
  cut-in-stream                  ends the connection after two good events
  tools                          calls the first tool that it is offered
  endless                        streams until the client leaves
"""

import argparse
import asyncio
import json
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import http_server  # noqa: E402
import openai_answers as answers  # noqa: E402

THINKING = 0.6
PAUSE = 0.01
WORDS = ["Penstock ", "feeds ", "the ", "turbine."]
TEXT = "".join(WORDS)
PROMPT_TOKENS, CACHED_TOKENS = 11, 3
USED = answers.usage(PROMPT_TOKENS, len(WORDS), CACHED_TOKENS)
STREAM_ERROR = answers.error("scripted error in the stream", "server_error")
TOOL_ARGUMENTS = ['{"city":', ' "Bre', 'men"}']
SPEECH = bytes(range(256)) * 64


class Upstream:
    def __init__(self):
        self.requests = []
        self.failed_once = set()

    async def handle(self, request, answer):
        if request.path == "/_recorded":
            if request.method == "DELETE":
                self.requests.clear()
            return await answer.send(200, [described(r) for r in self.requests])
        if request.path == "/health":
            return await answer.send(200, "")
        if request.path == "/metrics":
            return await answer.send(404, answers.error("no metrics"))
        if request.path == "/v1/models":
            return await answer.send(200, answers.models(["scripted"], 32768))
        self.requests.append(request)
        route = ROUTES.get(request.path)
        if route is None:
            return await answer.send(404, answers.error(f"no such route: {request.path}"))
        body = form_fields(request) if "audio/transcriptions" in request.path else request.json()
        if not await self.misbehave(request, body, answer):
            await route(body, answer)

    async def misbehave(self, request, body, answer):
        """Does what the model's name says instead of an answer; false when that is nothing."""
        model = body.get("model", "")
        if once := re.fullmatch(r"fail-(\d+)-once", model):
            seen = (model, request.header("x-test-id"))
            if seen in self.failed_once:
                return False
            self.failed_once.add(seen)
            await self.fail(int(once[1]), answer, [("retry-after", "1")])
        elif model == "fail-429":
            await self.fail(429, answer, [("retry-after", "7"), ("x-should-retry", "false")])
        elif always := re.fullmatch(r"fail-(\d+)", model):
            await self.fail(int(always[1]), answer)
        elif model == "never":
            await asyncio.Event().wait()
        elif model == "slow":
            await asyncio.sleep(THINKING)
            return False
        elif model == "error-first":
            await answer.begin()
            await answer.event(STREAM_ERROR)
            await answer.end()
        else:
            return False
        return True

    async def fail(self, status, answer, headers=()):
        if "/messages" in self.requests[-1].path:
            kind = {400: "invalid_request_error", 429: "rate_limit_error"}.get(status, "api_error")
            body = {"type": "error", "error": {"type": kind, "message": f"scripted {status}"}}
        else:
            kind = "invalid_request_error" if status == 400 else "server_error"
            body = answers.error(f"scripted {status}", kind)
        await answer.send(status, body, headers=headers)


def described(request):
    return {"method": request.method, "target": request.target, "headers": request.headers,
            "body": request.body.decode("utf-8", "replace"), "num_bytes": len(request.body),
            "client_closed": request.client_closed is not None,
            "closed_after_ms": request.client_closed
            and round(1000 * (request.client_closed - request.arrived))}


def form_fields(request):
    """The text fields of a multipart form; a file is told by its size."""
    boundary = re.search(r'boundary="?([^";]+)', request.header("content-type"))[1].encode()
    fields = {}
    for part in request.body.split(b"--" + boundary)[1:-1]:
        head, _, content = part[2:-2].partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]+)"', head)[1].decode()
        fields[name] = len(content) if b"filename=" in head else content.decode()
    return fields


async def send_events(body, answer, events, done="[DONE]"):
    """Streams (name, data) pairs; the model's name may end them early."""
    await answer.begin()
    for index, (name, data) in enumerate(events):
        if index == 3 and body["model"] == "error-in-stream":
            await answer.event(STREAM_ERROR, "error" if name else None)
            return await answer.end()
        if index == 3 and body["model"] == "cut-in-stream":
            return answer.cut()
        await answer.event(data, name)
        await asyncio.sleep(PAUSE)
        while index == 2 and body["model"] == "endless":
            await answer.event(data, name)
            await asyncio.sleep(PAUSE)
    await answer.end(done)


async def chat(body, answer):
    model = body["model"]
    tools = body.get("tools") if model == "tools" else None
    if not body.get("stream"):
        if tools:
            call = {"id": "call_1", "type": "function",
                    "function": {"name": tools[0]["function"]["name"],
                                 "arguments": "".join(TOOL_ARGUMENTS)}}
            message = {"content": None, "tool_calls": [call]}
            return await answer.send(200, answers.chat(model, message, USED, "tool_calls"))
        return await answer.send(200, answers.chat(model, {"content": TEXT}, USED))
    deltas = [{"role": "assistant", "content": ""}]
    if tools:
        deltas.append({"tool_calls": [{"index": 0, "id": "call_1", "type": "function",
                                       "function": {"name": tools[0]["function"]["name"],
                                                    "arguments": ""}}]})
        deltas += [{"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}
                   for piece in TOOL_ARGUMENTS]
    else:
        deltas += [{"content": word} for word in WORDS]
    chunks = [answers.chat_chunk(model, delta) for delta in deltas]
    chunks.append(answers.chat_chunk(model, {}, "tool_calls" if tools else "stop"))
    if answers.wants_usage(body):
        chunks.append(answers.usage_chunk(chunks[-1], USED))
    await send_events(body, answer, [(None, chunk) for chunk in chunks])


async def completions(body, answer):
    if not body.get("stream"):
        return await answer.send(200, answers.completion(body["model"], TEXT, USED))
    chunks = [answers.completion_chunk(body["model"], word) for word in WORDS]
    chunks.append(answers.completion_chunk(body["model"], "", "stop"))
    if answers.wants_usage(body):
        chunks.append(answers.usage_chunk(chunks[-1], USED))
    await send_events(body, answer, [(None, chunk) for chunk in chunks])


async def embeddings(body, answer):
    await answer.send(200, answers.embeddings(body))


async def rerank(body, answer):
    documents = body.get("documents") or body.get("texts") or []
    count = body.get("top_n") or len(documents)
    results = [{"index": i, "relevance_score": round(1 / (i + 1), 6)}
               for i in range(len(documents))]
    await answer.send(200, {"id": "rerank-1", "model": body["model"], "results": results[:count],
                            "usage": {"total_tokens": 4 * len(documents)}})


def response_object(body, status, output):
    used = {"input_tokens": PROMPT_TOKENS, "input_tokens_details": {"cached_tokens": CACHED_TOKENS},
            "output_tokens": len(WORDS), "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": PROMPT_TOKENS + len(WORDS)}
    return {"id": "resp_1", "object": "response", "created_at": 1, "status": status, "error": None,
            "incomplete_details": None, "instructions": body.get("instructions"), "metadata": {},
            "model": body["model"], "output": output, "parallel_tool_calls": True,
            "temperature": 1.0, "top_p": 1.0, "tool_choice": "auto", "tools": [],
            "usage": used if status == "completed" else None}


async def responses(body, answer):
    part = {"type": "output_text", "text": TEXT, "annotations": []}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
            "content": [part]}
    done = response_object(body, "completed", [item])
    if not body.get("stream"):
        return await answer.send(200, done)
    place = {"output_index": 0, "item_id": "msg_1", "content_index": 0}
    begun = response_object(body, "in_progress", [])
    events = [{"type": "response.created", "response": begun},
              {"type": "response.in_progress", "response": begun},
              {"type": "response.output_item.added", "output_index": 0,
               "item": {**item, "status": "in_progress", "content": []}},
              {"type": "response.content_part.added", **place, "part": {**part, "text": ""}}]
    events += [{"type": "response.output_text.delta", **place, "delta": word} for word in WORDS]
    events += [{"type": "response.output_text.done", **place, "text": TEXT},
               {"type": "response.content_part.done", **place, "part": part},
               {"type": "response.output_item.done", "output_index": 0, "item": item},
               {"type": "response.completed", "response": done}]
    numbered = [(e["type"], {**e, "sequence_number": i}) for i, e in enumerate(events)]
    await send_events(body, answer, numbered, done=None)


async def messages(body, answer):
    used = {"input_tokens": PROMPT_TOKENS, "cache_read_input_tokens": CACHED_TOKENS,
            "cache_creation_input_tokens": 0}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": body["model"],
               "content": [{"type": "text", "text": TEXT}], "stop_reason": "end_turn",
               "stop_sequence": None, "usage": {**used, "output_tokens": len(WORDS)}}
    if not body.get("stream"):
        return await answer.send(200, message)
    begun = {**message, "content": [], "stop_reason": None, "usage": {**used, "output_tokens": 1}}
    events = [{"type": "message_start", "message": begun},
              {"type": "content_block_start", "index": 0,
               "content_block": {"type": "text", "text": ""}},
              {"type": "ping"}]
    events += [{"type": "content_block_delta", "index": 0,
                "delta": {"type": "text_delta", "text": word}} for word in WORDS]
    events += [{"type": "content_block_stop", "index": 0},
               {"type": "message_delta",
                "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                "usage": {"output_tokens": len(WORDS)}},
               {"type": "message_stop"}]
    await send_events(body, answer, [(event["type"], event) for event in events], done=None)


async def transcription(body, answer):
    if body.get("response_format") == "text":
        return await answer.send(200, TEXT, "text/plain; charset=utf-8")
    await answer.send(200, {"text": TEXT, "file_bytes": body["file"],
                            "usage": {"type": "duration", "seconds": 2}})


async def speech(body, answer):
    await answer.begin(content_type="audio/mpeg")
    for begin in range(0, len(SPEECH), 4096):
        await answer.piece(SPEECH[begin:begin + 4096])
    await answer.end()


async def tokenize(body, answer):
    tokens = list(range(len((body.get("prompt") or json.dumps(body.get("messages"))).split())))
    await answer.send(200, {"count": len(tokens), "max_model_len": 32768, "tokens": tokens})


ROUTES = {
    "/v1/chat/completions": chat,
    "/v1/completions": completions,
    "/v1/fim/completions": completions,
    "/v1/embeddings": embeddings,
    "/v1/rerank": rerank,
    "/v2/rerank": rerank,
    "/rerank": rerank,
    "/v1/responses": responses,
    "/v1/messages": messages,
    "/v1/audio/transcriptions": transcription,
    "/v1/audio/speech": speech,
    "/tokenize": tokenize,
}


async def main():
    options = argparse.ArgumentParser(description="The upstream of the conformance tests.")
    options.add_argument("--port", type=int, default=0, help="0: any, told on standard output")
    server = await http_server.start(Upstream().handle, port=options.parse_args().port)
    print(json.dumps({"listening": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
