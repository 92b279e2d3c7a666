"""The official OpenAI SDK for Python, through the gateway."""

import io
import threading
import time

import openai
import openai_answers
from context import (CHAT_ONLY_KEY, HELLO, KEY, OUTPUT_TOKENS, PROMPT_TOKENS, TEXT, URL, WORDS,
                     Case, wait_for)

WEATHER = {"type": "function",
           "function": {"name": "get_weather", "description": "The weather in a city.",
                        "parameters": {"type": "object", "required": ["city"],
                                       "properties": {"city": {"type": "string"}}}}}


class OpenAICase(Case):
    def client(self, **options):
        given = {"base_url": f"{URL}/v1", "api_key": KEY, "max_retries": 0, "timeout": 20,
                 "default_headers": self.headers}
        return openai.OpenAI(**{**given, **options})

    def chat(self, model="chat", client=None, **options):
        return (client or self.client()).chat.completions.create(
            model=model, messages=HELLO, **options)


class Chat(OpenAICase):
    def test_an_unstreamed_answer_comes_whole_with_its_usage(self):
        answer = self.chat()
        self.assertEqual(answer.choices[0].message.content, TEXT)
        self.assertEqual(answer.usage.prompt_tokens, PROMPT_TOKENS)
        self.assertEqual(self.upstream_body()["model"], "scripted-chat")
        line = self.log_line()
        self.assertEqual((line["prompt"], line["output"]), (PROMPT_TOKENS, OUTPUT_TOKENS))
        self.assertEqual((line["status"], line["verdict"], line["model"]), (200, "served", "chat"))

    def test_an_alias_is_the_same_model(self):
        self.chat("gpt-4o-mini")
        self.assertEqual(self.upstream_body()["model"], "scripted-chat")

    def test_a_stream_comes_word_by_word(self):
        chunks = list(self.chat(stream=True))
        words = [c.choices[0].delta.content for c in chunks if c.choices[0].delta.content]
        self.assertEqual(words, WORDS)
        self.assertEqual(chunks[-1].choices[0].finish_reason, "stop")

    def test_a_stream_without_stream_options_shows_no_empty_choices_but_is_counted_exactly(self):
        for chunk in self.chat(stream=True):
            self.assertTrue(chunk.choices)
            self.assertIsNone(chunk.usage)
        self.assertTrue(self.upstream_body()["stream_options"]["include_usage"])
        line = self.log_line()
        self.assertEqual((line["prompt"], line["output"]), (PROMPT_TOKENS, OUTPUT_TOKENS))
        self.assertFalse(line["estimated"])

    def test_a_stream_that_declined_usage_gets_none(self):
        chunks = list(self.chat(stream=True, stream_options={"include_usage": False}))
        self.assertTrue(all(chunk.choices for chunk in chunks))
        self.assertEqual(self.log_line()["output"], OUTPUT_TOKENS)

    def test_a_stream_that_asked_for_usage_gets_it_last(self):
        chunks = list(self.chat(stream=True, stream_options={"include_usage": True}))
        self.assertEqual(chunks[-1].choices, [])
        self.assertEqual(chunks[-1].usage.completion_tokens, OUTPUT_TOKENS)

    def test_a_tool_is_called(self):
        answer = self.chat("tools", tools=[WEATHER])
        call = answer.choices[0].message.tool_calls[0]
        self.assertEqual(call.function.name, "get_weather")
        self.assertEqual(call.function.arguments, '{"city": "Bremen"}')
        self.assertEqual(self.upstream_body()["tools"], [WEATHER])

    def test_a_tool_call_is_streamed_in_pieces(self):
        arguments = ""
        for chunk in self.chat("tools", tools=[WEATHER], stream=True):
            for call in chunk.choices[0].delta.tool_calls or []:
                arguments += call.function.arguments or ""
        self.assertEqual(arguments, '{"city": "Bremen"}')

    def test_a_raw_response_carries_the_gateway_s_headers(self):
        raw = self.client().chat.completions.with_raw_response.create(model="chat", messages=HELLO)
        self.assertEqual(raw.headers["x-request-id"], self.id)
        self.assertEqual(raw.headers["x-penstock-attempts"], "1")
        self.assertTrue(raw.headers["x-penstock-replica"])


class OtherRoutes(OpenAICase):
    def test_completions(self):
        answer = self.client().completions.create(model="chat", prompt="hello")
        self.assertEqual(answer.choices[0].text, TEXT)
        chunks = list(self.client().completions.create(model="chat", prompt="hello", stream=True))
        self.assertEqual("".join(c.choices[0].text for c in chunks), TEXT)

    def test_embeddings_in_the_sdk_s_own_base64(self):
        answer = self.client().embeddings.create(model="embed", input=["one", "two"])
        self.assertEqual(self.upstream_body()["encoding_format"], "base64")
        self.assertEqual(answer.data[1].embedding, openai_answers.vector_of("two"))
        self.assertEqual(self.log_line()["prompt"], 8)

    def test_embeddings_as_floats_and_of_token_ids(self):
        answer = self.client().embeddings.create(
            model="embed", input=[[1, 2, 3], [4]], encoding_format="float")
        self.assertEqual(answer.data[0].embedding, openai_answers.vector_of([1, 2, 3]))

    def test_responses(self):
        answer = self.client().responses.create(model="chat", input="hello")
        self.assertEqual(answer.output_text, TEXT)
        self.assertEqual(self.log_line()["output"], OUTPUT_TOKENS)

    def test_responses_streamed(self):
        stream = self.client().responses.create(model="chat", input="hello", stream=True)
        events = list(stream)
        self.assertEqual(events[0].type, "response.created")
        self.assertEqual(events[-1].type, "response.completed")
        deltas = [e.delta for e in events if e.type == "response.output_text.delta"]
        self.assertEqual(deltas, WORDS)
        line = self.log_line()
        self.assertEqual((line["prompt"], line["output"]), (PROMPT_TOKENS, OUTPUT_TOKENS))

    def test_a_transcription_is_uploaded_whole(self):
        sound = io.BytesIO(bytes(range(256)) * 1000)
        sound.name = "speech.wav"
        answer = self.client().audio.transcriptions.create(model="chat", file=sound)
        self.assertEqual(answer.text, TEXT)
        self.assertEqual(answer.file_bytes, 256_000)
        (request,) = self.upstream_requests()
        self.assertIn("scripted-chat", request["body"])

    def test_speech_comes_as_bytes(self):
        answer = self.client().audio.speech.create(model="chat", voice="alloy", input="hello")
        self.assertEqual(answer.read(), bytes(range(256)) * 64)

    def test_models_are_listed_and_told_one_by_one(self):
        names = [model.id for model in self.client().models.list()]
        self.assertIn("chat", names)
        self.assertEqual(self.client().models.retrieve("embed").id, "embed")
        with self.assertRaises(openai.NotFoundError):
            self.client().models.retrieve("none-such")

    def test_a_limited_key_sees_its_own_models_only(self):
        names = {model.id for model in self.client(api_key=CHAT_ONLY_KEY).models.list()}
        self.assertIn("chat", names)
        self.assertNotIn("embed", names)

    def test_azure_s_paths_and_key_header(self):
        client = openai.AzureOpenAI(azure_endpoint=URL, api_key=KEY, api_version="2024-10-21",
                                    default_headers=self.headers, max_retries=0)
        self.assertEqual(self.chat("chat", client).choices[0].message.content, TEXT)
        embedded = client.embeddings.create(model="embed", input="one")
        self.assertEqual(embedded.data[0].embedding, openai_answers.vector_of("one"))


class Errors(OpenAICase):
    def refused(self, kind, model="chat", **options):
        client = self.client(**options.pop("client", {}))
        with self.assertRaises(kind) as caught:
            self.chat(model, client, **options)
        self.assertIs(type(caught.exception), kind)
        return caught.exception

    def test_a_wrong_key(self):
        error = self.refused(openai.AuthenticationError, client={"api_key": "sk-wrong"})
        self.assertEqual(error.code, "invalid_api_key")
        self.assertEqual(self.upstream_requests(), [])

    def test_a_model_that_the_key_may_not_use(self):
        error = self.refused(openai.PermissionDeniedError, "embed",
                             client={"api_key": CHAT_ONLY_KEY})
        self.assertEqual(error.code, "model_not_allowed")

    def test_an_unknown_model(self):
        error = self.refused(openai.NotFoundError, "none-such")
        self.assertEqual((error.code, error.type), ("model_not_found", "invalid_request_error"))

    def test_a_field_of_the_wrong_type_is_named(self):
        error = self.refused(openai.BadRequestError, 17)
        self.assertEqual(error.param, "model")

    def test_an_unknown_route(self):
        with self.assertRaises(openai.NotFoundError):
            self.client().post("/nowhere", body={}, cast_to=object)

    def test_a_route_that_the_model_does_not_serve(self):
        error = self.refused(openai.NotFoundError, "embeddings-only")
        self.assertEqual(error.code, "route_not_served")

    def test_what_the_upstream_finds_invalid_is_the_client_s_error(self):
        error = self.refused(openai.BadRequestError, "fail-400")
        self.assertIn("scripted 400", error.message)

    def test_a_failing_upstream(self):
        error = self.refused(openai.InternalServerError, "fail-500")
        self.assertEqual(error.status_code, 502)

    def test_an_upstream_s_429_is_not_the_client_s_quota(self):
        error = self.refused(openai.InternalServerError, "fail-429")
        self.assertEqual(error.status_code, 503)
        self.assertGreater(int(error.response.headers["retry-after"]), 0)
        self.assertGreater(int(error.response.headers["retry-after-ms"]), 0)

    def test_an_error_as_the_first_event_is_a_status(self):
        error = self.refused(openai.InternalServerError, "error-first", stream=True)
        self.assertEqual(error.status_code, 502)

    def test_an_error_inside_a_stream_is_raised_after_what_came_before(self):
        for model in ("error-in-stream", "cut-in-stream"):
            with self.subTest(model):
                words = []
                with self.assertRaises(openai.APIError):
                    for chunk in self.chat(model, stream=True):
                        words.append(chunk.choices[0].delta.content)
                self.assertEqual(words, ["", *WORDS[:2]])


class Retries(OpenAICase):
    def test_a_503_with_retry_after_is_retried_by_the_sdk_and_succeeds(self):
        answer = self.chat("fail-503-once", self.client(max_retries=2))
        self.assertEqual(answer.choices[0].message.content, TEXT)
        self.assertEqual([line["status"] for line in self.log_lines(2)], [503, 200])

    def test_a_failed_replica_is_replaced_by_another_before_the_client_notices(self):
        raw = self.client().chat.completions.with_raw_response.create(
            model="fail-over", messages=HELLO, stream=True)
        self.assertEqual(raw.status_code, 200)
        self.assertEqual(raw.headers["x-penstock-attempts"], "2")
        list(raw.parse())
        self.assertEqual(self.log_line()["attempts"], 2)

    def test_what_must_not_be_retried_is_sent_once(self):
        with self.assertRaises(openai.AuthenticationError):
            self.chat(client=self.client(api_key="sk-wrong", max_retries=3))
        self.log_lines(1)

    def occupied(self):
        """Takes the only slot of `one-slot` for a while."""
        other = threading.Thread(target=lambda: self.chat("one-slot", openai.OpenAI(
            base_url=f"{URL}/v1", api_key=KEY, default_headers={"x-test-id": self.id})))
        other.start()
        self.addCleanup(other.join)
        wait_for("the slot is taken", self.upstream_requests)

    def test_a_deadline_already_spent_is_not_retried(self):
        self.occupied()
        headers = {"x-penstock-deadline-ms": "50"}
        with self.assertRaises(openai.InternalServerError) as caught:
            self.chat("one-slot", self.client(max_retries=3), extra_headers=headers)
        self.assertEqual(caught.exception.status_code, 503)
        self.assertEqual(caught.exception.response.headers["x-should-retry"], "false")
        self.log_lines(1)

    def test_a_busy_model_is_tried_again_until_it_is_free(self):
        self.occupied()
        answer = self.chat("one-slot", self.client(max_retries=8),
                           extra_headers={"x-penstock-no-queue": "1"})
        self.assertEqual(answer.choices[0].message.content, TEXT)


class Aborts(OpenAICase):
    def test_a_closed_stream_is_seen_upstream(self):
        stream = self.chat("endless", stream=True)
        for _ in range(3):
            next(stream)
        stream.close()
        self.wait_until_upstream_sees_the_client_leave()
        line = self.log_line()
        self.assertEqual(line["verdict"], "client_gone")
        self.assertTrue(line["estimated"])
        self.assertGreater(line["output"], 0)

    def test_a_client_that_gives_up_waiting_is_seen_upstream(self):
        begun = time.monotonic()
        with self.assertRaises(openai.APITimeoutError):
            self.chat("never", self.client(timeout=0.3))
        self.wait_until_upstream_sees_the_client_leave()
        self.assertLess(time.monotonic() - begun, 3)
        self.assertEqual(self.log_line()["verdict"], "client_gone")
