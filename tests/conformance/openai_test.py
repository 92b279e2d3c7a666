"""The official OpenAI SDK for Python, through the gateway: every test on the scripted upstream, and
on the bundled worker where no script is needed."""

import io
import threading
import time

import openai
import openai_answers
from context import (CHAT_ONLY_KEY, HELLO, KEY, OUTPUT_TOKENS, PROMPT_TOKENS, TEXT, URL, WORDS,
                     wait_for)
from openai_upstreams import OnWorker, OpenAICase, scripted

WEATHER = {"type": "function",
           "function": {"name": "get_weather", "description": "The weather in a city.",
                        "parameters": {"type": "object", "required": ["city"],
                                       "properties": {"city": {"type": "string"}}}}}


NO_ROUTE = "the worker has no such route"
FAILS = "the worker does not fail on request"


class Chat(OpenAICase):
    def test_an_unstreamed_answer_comes_whole_with_its_usage(self):
        answer = self.chat()
        self.assertEqual(answer.choices[0].message.content, self.said().text)
        self.assertEqual(answer.usage.prompt_tokens, self.said().prompt_tokens)
        self.assert_sent(model="scripted-chat")
        line = self.log_line()
        self.assert_counted(line)
        self.assertEqual((line["status"], line["verdict"], line["model"]),
                         (200, "served", self.upstream.model))

    def test_an_alias_is_the_same_model(self):
        answer = self.chat(self.upstream.alias)
        self.assertEqual(answer.choices[0].message.content, self.said().text)
        self.assert_sent(model="scripted-chat")

    def test_a_stream_comes_word_by_word(self):
        chunks = list(self.chat(stream=True))
        self.assert_said([c.choices[0].delta.content for c in chunks if c.choices[0].delta.content])
        self.assertEqual(chunks[-1].choices[0].finish_reason, self.said().finish)

    def test_a_stream_without_stream_options_shows_no_empty_choices_but_is_counted_exactly(self):
        for chunk in self.chat(stream=True):
            self.assertTrue(chunk.choices)
            self.assertIsNone(chunk.usage)
        self.assert_sent(stream_options={"include_usage": True})
        self.assert_counted(self.log_line())

    def test_a_stream_that_declined_usage_gets_none(self):
        chunks = list(self.chat(stream=True, stream_options={"include_usage": False}))
        self.assertTrue(all(chunk.choices for chunk in chunks))
        self.assert_counted(self.log_line())

    def test_a_stream_that_asked_for_usage_gets_it_last(self):
        chunks = list(self.chat(stream=True, stream_options={"include_usage": True}))
        self.assertEqual(chunks[-1].choices, [])
        self.assertEqual(chunks[-1].usage.completion_tokens, self.said().output_tokens)

    def test_a_tool_is_called(self):
        answer = self.chat(tools=[WEATHER], **self.upstream.tools)
        call = answer.choices[0].message.tool_calls[0]
        self.assertEqual(call.function.name, "get_weather")
        self.assert_weather(call.function.arguments)
        self.assert_sent(tools=[WEATHER])

    def test_a_tool_call_is_streamed_in_pieces(self):
        arguments = ""
        for chunk in self.chat(tools=[WEATHER], stream=True, **self.upstream.tools):
            for call in chunk.choices[0].delta.tool_calls or []:
                arguments += call.function.arguments or ""
        self.assert_weather(arguments)

    def test_a_raw_response_carries_the_gateway_s_headers(self):
        raw = self.client().chat.completions.with_raw_response.create(
            model=self.upstream.model, messages=HELLO, **self.upstream.options)
        self.assertEqual(raw.headers["x-request-id"], self.id)
        self.assertEqual(raw.headers["x-penstock-attempts"], "1")
        self.assertTrue(raw.headers["x-penstock-replica"])


class OtherRoutes(OpenAICase):
    def test_completions(self):
        def complete(**options):
            return self.client().completions.create(
                model=self.upstream.model, prompt=self.upstream.prompt,
                **{**self.upstream.options, **options})

        self.assertEqual(complete().choices[0].text, self.said("completions").text)
        words = [c.choices[0].text for c in complete(stream=True) if c.choices[0].text]
        self.assert_said(words, "completions")

    @scripted(NO_ROUTE)
    def test_embeddings_in_the_sdk_s_own_base64(self):
        answer = self.client().embeddings.create(model="embed", input=["one", "two"])
        self.assertEqual(self.upstream_body()["encoding_format"], "base64")
        self.assertEqual(answer.data[1].embedding, openai_answers.vector_of("two"))
        self.assertEqual(self.log_line()["prompt"], 8)

    @scripted(NO_ROUTE)
    def test_embeddings_as_floats_and_of_token_ids(self):
        answer = self.client().embeddings.create(
            model="embed", input=[[1, 2, 3], [4]], encoding_format="float")
        self.assertEqual(answer.data[0].embedding, openai_answers.vector_of([1, 2, 3]))

    @scripted(NO_ROUTE)
    def test_responses(self):
        answer = self.client().responses.create(model="chat", input="hello")
        self.assertEqual(answer.output_text, TEXT)
        self.assertEqual(self.log_line()["output"], OUTPUT_TOKENS)

    @scripted(NO_ROUTE)
    def test_responses_streamed(self):
        stream = self.client().responses.create(model="chat", input="hello", stream=True)
        events = list(stream)
        self.assertEqual(events[0].type, "response.created")
        self.assertEqual(events[-1].type, "response.completed")
        deltas = [e.delta for e in events if e.type == "response.output_text.delta"]
        self.assertEqual(deltas, WORDS)
        line = self.log_line()
        self.assertEqual((line["prompt"], line["output"]), (PROMPT_TOKENS, OUTPUT_TOKENS))

    @scripted(NO_ROUTE)
    def test_a_transcription_is_uploaded_whole(self):
        sound = io.BytesIO(bytes(range(256)) * 1000)
        sound.name = "speech.wav"
        answer = self.client().audio.transcriptions.create(model="chat", file=sound)
        self.assertEqual(answer.text, TEXT)
        self.assertEqual(answer.file_bytes, 256_000)
        (request,) = self.upstream_requests()
        self.assertIn("scripted-chat", request["body"])

    @scripted(NO_ROUTE)
    def test_speech_comes_as_bytes(self):
        answer = self.client().audio.speech.create(model="chat", voice="alloy", input="hello")
        self.assertEqual(answer.read(), bytes(range(256)) * 64)

    def test_models_are_listed_and_told_one_by_one(self):
        names = [model.id for model in self.client().models.list()]
        self.assertIn(self.upstream.model, names)
        self.assertEqual(self.client().models.retrieve(self.upstream.model).id,
                         self.upstream.model)
        with self.assertRaises(openai.NotFoundError):
            self.client().models.retrieve("none-such")

    def test_a_limited_key_sees_its_own_models_only(self):
        names = {model.id for model in self.client(api_key=CHAT_ONLY_KEY).models.list()}
        self.assertIn("chat", names)
        self.assertNotIn("embed", names)

    def azure(self):
        return self.client(openai.AzureOpenAI, azure_endpoint=URL, api_version="2024-10-21")

    def test_azure_s_paths_and_key_header(self):
        answer = self.chat(client=self.azure())
        self.assertEqual(answer.choices[0].message.content, self.said().text)

    @scripted(NO_ROUTE)
    def test_azure_s_path_of_embeddings(self):
        embedded = self.azure().embeddings.create(model="embed", input="one")
        self.assertEqual(embedded.data[0].embedding, openai_answers.vector_of("one"))


class Errors(OpenAICase):
    def refused(self, kind, model=None, **options):
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
        forbidden = "embed" if self.upstream.model == "chat" else self.upstream.model
        error = self.refused(openai.PermissionDeniedError, forbidden,
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

    @scripted("the worker serves this route")
    def test_a_route_that_the_model_does_not_serve(self):
        error = self.refused(openai.NotFoundError, "embeddings-only")
        self.assertEqual(error.code, "route_not_served")

    def test_what_the_upstream_finds_invalid_is_the_client_s_error(self):
        error = self.refused(openai.BadRequestError, **self.upstream.invalid)
        self.assertIn(self.upstream.invalid_says, error.message)

    @scripted(FAILS)
    def test_a_failing_upstream(self):
        error = self.refused(openai.InternalServerError, "fail-500")
        self.assertEqual(error.status_code, 502)

    @scripted(FAILS)
    def test_an_upstream_s_429_is_not_the_client_s_quota(self):
        error = self.refused(openai.InternalServerError, "fail-429")
        self.assertEqual(error.status_code, 503)
        self.assertGreater(int(error.response.headers["retry-after"]), 0)
        self.assertGreater(int(error.response.headers["retry-after-ms"]), 0)

    @scripted(FAILS)
    def test_an_error_as_the_first_event_is_a_status(self):
        error = self.refused(openai.InternalServerError, "error-first", stream=True)
        self.assertEqual(error.status_code, 502)

    @scripted(FAILS)
    def test_an_error_inside_a_stream_is_raised_after_what_came_before(self):
        for model in ("error-in-stream", "cut-in-stream"):
            with self.subTest(model):
                words = []
                with self.assertRaises(openai.APIError):
                    for chunk in self.chat(model, stream=True):
                        words.append(chunk.choices[0].delta.content)
                self.assertEqual(words, ["", *WORDS[:2]])


class Retries(OpenAICase):
    @scripted(FAILS)
    def test_a_503_with_retry_after_is_retried_by_the_sdk_and_succeeds(self):
        answer = self.chat("fail-503-once", self.client(max_retries=2))
        self.assertEqual(answer.choices[0].message.content, TEXT)
        self.assertEqual([line["status"] for line in self.log_lines(2)], [503, 200])

    @scripted(FAILS)
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

    @scripted("the worker is not busy for as long as a test wishes")
    def test_a_deadline_already_spent_is_not_retried(self):
        self.occupied()
        headers = {"x-penstock-deadline-ms": "50"}
        with self.assertRaises(openai.InternalServerError) as caught:
            self.chat("one-slot", self.client(max_retries=3), extra_headers=headers)
        self.assertEqual(caught.exception.status_code, 503)
        self.assertEqual(caught.exception.response.headers["x-should-retry"], "false")
        self.log_lines(1)

    @scripted("the worker is not busy for as long as a test wishes")
    def test_a_busy_model_is_tried_again_until_it_is_free(self):
        self.occupied()
        answer = self.chat("one-slot", self.client(max_retries=8),
                           extra_headers={"x-penstock-no-queue": "1"})
        self.assertEqual(answer.choices[0].message.content, TEXT)


class Aborts(OpenAICase):
    def test_a_closed_stream_is_seen_upstream(self):
        stream = self.chat(stream=True, **self.upstream.endless)
        for _ in range(3):
            next(stream)
        stream.close()
        self.wait_until_upstream_sees_the_client_leave()
        line = self.log_line()
        self.assertEqual(line["verdict"], "client_gone")
        self.assertTrue(line["estimated"])
        self.assertGreater(line["output"], 0)

    def test_a_client_that_gives_up_waiting_is_seen_upstream(self):
        with self.assertRaises(openai.APITimeoutError):
            self.chat(client=self.client(timeout=0.3), **self.upstream.never)
        begun = time.monotonic()
        self.wait_until_upstream_sees_the_client_leave()
        self.assertLess(time.monotonic() - begun, 3)
        self.assertEqual(self.log_line()["verdict"], "client_gone")


class ChatOnWorker(OnWorker, Chat):
    pass


class OtherRoutesOnWorker(OnWorker, OtherRoutes):
    pass


class ErrorsOnWorker(OnWorker, Errors):
    pass


class RetriesOnWorker(OnWorker, Retries):
    pass


class AbortsOnWorker(OnWorker, Aborts):
    pass
