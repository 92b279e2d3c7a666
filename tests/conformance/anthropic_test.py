"""The official Anthropic SDK for Python on /v1/messages, through the gateway."""

import anthropic
from context import HELLO, KEY, OUTPUT_TOKENS, PROMPT_TOKENS, TEXT, URL, WORDS, Case


class AnthropicCase(Case):
    def client(self, **options):
        given = {"base_url": URL, "api_key": KEY, "max_retries": 0, "timeout": 20,
                 "default_headers": self.headers}
        return anthropic.Anthropic(**{**given, **options})

    def ask(self, model="claude-sonnet-4-5", client=None, **options):
        return (client or self.client()).messages.create(
            model=model, max_tokens=64, messages=HELLO, **options)


class Messages(AnthropicCase):
    def test_an_unstreamed_answer(self):
        answer = self.ask()
        self.assertEqual(answer.content[0].text, TEXT)
        self.assertEqual(answer.usage.input_tokens, PROMPT_TOKENS)
        self.assertEqual(self.upstream_body()["model"], "scripted-chat")
        self.assertEqual(self.log_line()["output"], OUTPUT_TOKENS)

    def test_a_stream_of_events(self):
        events = list(self.ask(stream=True))
        self.assertEqual([events[0].type, events[-1].type], ["message_start", "message_stop"])
        texts = [e.delta.text for e in events if e.type == "content_block_delta"]
        self.assertEqual(texts, WORDS)
        line = self.log_line()
        self.assertEqual(line["output"], OUTPUT_TOKENS)
        self.assertGreaterEqual(line["prompt"], PROMPT_TOKENS)
        self.assertFalse(line["estimated"])
        self.assertNotIn("stream_options", self.upstream_body())

    def test_the_stream_s_own_accumulator(self):
        with self.client().messages.stream(
                model="chat", max_tokens=64, messages=HELLO) as stream:
            self.assertEqual("".join(stream.text_stream), TEXT)
            self.assertEqual(stream.get_final_message().usage.output_tokens, OUTPUT_TOKENS)

    def test_a_bearer_token_instead_of_a_key(self):
        client = self.client(api_key=None, auth_token=KEY)
        self.assertEqual(self.ask(client=client).content[0].text, TEXT)

    def test_the_client_s_key_does_not_go_upstream(self):
        self.ask()
        (request,) = self.upstream_requests()
        self.assertNotIn(KEY, str(request["headers"]))
        self.assertIn("anthropic-version", dict(request["headers"]))


class Errors(AnthropicCase):
    def refused(self, kind, model="chat", **options):
        with self.assertRaises(kind) as caught:
            self.ask(model, self.client(**options))
        self.assertEqual(caught.exception.body["type"], "error")
        return caught.exception.body["error"]["type"]

    def test_each_refusal_is_in_anthropic_s_shape(self):
        self.assertEqual(self.refused(anthropic.AuthenticationError, api_key="sk-wrong"),
                         "authentication_error")
        self.assertEqual(self.refused(anthropic.NotFoundError, "none-such"), "not_found_error")
        self.assertEqual(self.refused(anthropic.BadRequestError, 17), "invalid_request_error")
        self.assertEqual(self.refused(anthropic.InternalServerError, "fail-500"), "api_error")

    def test_what_the_upstream_finds_invalid_is_passed_on(self):
        self.assertEqual(self.refused(anthropic.BadRequestError, "fail-400"),
                         "invalid_request_error")

    def test_an_error_inside_a_stream_is_raised(self):
        for model in ("error-in-stream", "cut-in-stream"):
            with self.subTest(model), self.assertRaises(anthropic.APIError):
                list(self.ask(model, stream=True))

    def test_a_busy_model_is_retried_by_the_sdk(self):
        answer = self.ask("fail-503-once", self.client(max_retries=2))
        self.assertEqual(answer.content[0].text, TEXT)

    def test_a_closed_stream_is_seen_upstream(self):
        stream = self.ask("endless", stream=True)
        next(iter(stream))
        stream.close()
        self.wait_until_upstream_sees_the_client_leave()
