"""The two upstreams that the OpenAI SDK is tested against: one whose answers are scripted, and the
bundled worker with the model that we ship. A test that needs an answer which only a script gives
says why, and is skipped on the worker."""

import functools
import json
import ssl
import urllib.request
from dataclasses import dataclass

import openai
from context import (HELLO, KEY, OUTPUT_TOKENS, PROMPT_TOKENS, TEXT, URL, WORDS, Case, wait_for,
                     worker_state)


AUTHORITIES = ssl.create_default_context()  # loaded once and not by every client: it takes 0.2 s


@dataclass(frozen=True)
class Said:
    """What an upstream answers to its question."""
    text: str
    finish: str = "stop"
    prompt_tokens: int = PROMPT_TOKENS
    output_tokens: int = OUTPUT_TOKENS


class Scripted:
    """Every model but these behaves as its name says."""
    model, alias = "chat", "gpt-4o-mini"
    messages, prompt = HELLO, "hello"
    options = {}                        # of every request
    tools = {"model": "tools"}          # of a request that calls a tool
    invalid = {"model": "fail-400"}     # of one that it refuses
    invalid_says = "scripted 400"
    endless = {"model": "endless"}      # of a stream that goes on until the client leaves
    never = {"model": "never"}          # of an answer that does not come

    @staticmethod
    def said(_route):
        return Said(TEXT)


class Worker:
    """What it says is not known beforehand, but whoever asks in the same way hears it again."""
    model, alias = "bundled", "bundled-alias"
    messages = [{"role": "user", "content": "Tell me a short story about a fox."}]
    prompt = "Once upon a time"
    options = {"temperature": 0, "max_tokens": 16}
    tools = {"messages": [{"role": "user", "content": "What is the weather in Bremen?"}],
             "max_tokens": 64}
    invalid = {"top_p": 7}
    invalid_says = "top_p"
    endless = {"max_tokens": 900, "extra_body": {"ignore_eos": True}}
    never = {**endless, "n": 16}

    @staticmethod
    @functools.cache
    def said(route):
        asked = {"model": Worker.model, **Worker.options}
        asked |= ({"prompt": Worker.prompt} if route == "completions" else
                  {"messages": Worker.messages})
        request = urllib.request.Request(f"{URL}/v1/{route}", json.dumps(asked).encode(), {
            "Authorization": f"Bearer {KEY}", "Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answered:
            answer = json.load(answered)
        (choice,), used = answer["choices"], answer["usage"]
        text = choice["text"] if route == "completions" else choice["message"]["content"]
        return Said(text, choice["finish_reason"], used["prompt_tokens"], used["completion_tokens"])


def scripted(why):
    """Of a test that needs an answer which only a script gives."""
    def mark(test):
        test.why_scripted = why
        return test
    return mark


class OpenAICase(Case):
    upstream = Scripted

    def client(self, kind=openai.OpenAI, **options):
        given = {"api_key": KEY, "max_retries": 0, "timeout": 20, "default_headers": self.headers,
                 "http_client": openai.DefaultHttpxClient(verify=AUTHORITIES)}
        if kind is openai.OpenAI:
            given["base_url"] = f"{URL}/v1"
        return kind(**{**given, **options})

    def chat(self, model=None, client=None, **options):
        given = {"model": model or self.upstream.model, "messages": self.upstream.messages}
        return (client or self.client()).chat.completions.create(
            **{**given, **self.upstream.options, **options})

    def said(self, route="chat/completions"):
        return self.upstream.said(route)

    def assert_said(self, words, route="chat/completions"):
        """These pieces of a stream are what the upstream says; a worker that was held up says
        several words in one."""
        self.assertEqual("".join(words), self.said(route).text)
        if self.upstream is Scripted:
            self.assertEqual(words, WORDS)

    def assert_counted(self, line):
        """The log has the tokens that the upstream has counted."""
        self.assertEqual((line["prompt"], line["output"]),
                         (self.said().prompt_tokens, self.said().output_tokens))
        self.assertFalse(line["estimated"])

    def assert_sent(self, **fields):
        """What this test's only request became on its way; of a worker nobody tells that."""
        if self.upstream is Scripted:
            body = self.upstream_body()
            self.assertEqual({name: body.get(name) for name in fields}, fields)

    def assert_weather(self, arguments):
        """These are arguments of the tool that was offered."""
        self.assertEqual(list(json.loads(arguments)), ["city"])
        if self.upstream is Scripted:
            self.assertEqual(arguments, '{"city": "Bremen"}')


class OnWorker:
    """Before a case: the same tests, on the worker."""
    upstream = Worker

    def setUp(self):
        if why := getattr(getattr(self, self._testMethodName), "why_scripted", None):
            self.skipTest(why)
        super().setUp()
        self.aborted_before = worker_state()["realtime"]["aborted"]

    def wait_until_upstream_sees_the_client_leave(self):
        wait_for("the worker sees the client leave",
                 lambda: worker_state()["realtime"]["aborted"] > self.aborted_before)
