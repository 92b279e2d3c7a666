"""The official OpenAI SDK for Python against the bundled worker and the model that we ship, through
the gateway."""

import concurrent.futures
import json

import openai
from context import KEY, URL, Case

MODEL = "bundled"
STORY = ("Tom has a red ball. Tom puts the ball in the box. Anna takes the ball and goes to the "
         "garden. ") * 6
QUESTION = [{"role": "user", "content": "Tell me a short story about a fox."}]
WEATHER = {"type": "function",
           "function": {"name": "get_weather", "description": "The weather in a city.",
                        "parameters": {"type": "object", "required": ["city"],
                                       "properties": {"city": {"type": "string"}}}}}


class BundledWorker(Case):
    def client(self):
        return openai.OpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0, timeout=60,
                             default_headers=self.headers)

    def chat(self, messages=QUESTION, **options):
        given = {"temperature": 0, "max_tokens": 32, **options}
        return self.client().chat.completions.create(model=MODEL, messages=messages, **given)


class Chat(BundledWorker):
    def test_an_unstreamed_answer_has_text_and_a_usage_that_adds_up(self):
        answer = self.chat()
        self.assertTrue(answer.choices[0].message.content.strip())
        self.assertIn(answer.choices[0].finish_reason, ("stop", "length"))
        used = answer.usage
        self.assertGreater(used.prompt_tokens, 0)
        self.assertEqual(used.total_tokens, used.prompt_tokens + used.completion_tokens)
        self.assertLessEqual(used.completion_tokens, 32)

    def test_a_stream_says_what_the_unstreamed_answer_says(self):
        whole = self.chat()
        chunks = list(self.chat(stream=True, stream_options={"include_usage": True}))
        text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        self.assertEqual(text, whole.choices[0].message.content)
        self.assertEqual(chunks[0].choices[0].delta.role, "assistant")
        self.assertEqual(chunks[-1].usage.completion_tokens, whole.usage.completion_tokens)
        self.assertEqual([c.choices[0].finish_reason for c in chunks if c.choices][-1],
                         whole.choices[0].finish_reason)

    def test_max_tokens_ends_an_answer_with_length(self):
        answer = self.chat(max_tokens=3)
        self.assertEqual(answer.choices[0].finish_reason, "length")
        self.assertEqual(answer.usage.completion_tokens, 3)

    def test_a_stop_string_ends_an_answer_before_it(self):
        whole = self.chat().choices[0].message.content
        stop = whole[len(whole) // 2:][:4]
        for options in ({}, {"stream": True}):
            answer = self.chat(stop=stop, **options)
            if options:
                chunks = list(answer)
                text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
                finish = chunks[-1].choices[0].finish_reason
            else:
                text = answer.choices[0].message.content
                finish = answer.choices[0].finish_reason
            self.assertEqual(text, whole[:whole.index(stop)])
            self.assertEqual(finish, "stop")

    def test_the_same_seed_gives_the_same_answer_and_choices_differ(self):
        def texts(**options):
            answer = self.chat(temperature=1.5, n=4, **options)
            self.assertEqual([c.index for c in answer.choices], [0, 1, 2, 3])
            return [c.message.content for c in answer.choices]

        self.assertEqual(texts(seed=7), texts(seed=7))
        self.assertGreater(len(set(texts(seed=7))), 1)

    def test_logprobs_have_the_most_likely_first_and_bytes(self):
        for token in self.chat(logprobs=True, top_logprobs=3).choices[0].logprobs.content:
            self.assertEqual(len(token.top_logprobs), 3)
            self.assertEqual(token.token, token.top_logprobs[0].token)
            likely = [each.logprob for each in token.top_logprobs]
            self.assertEqual(likely, sorted(likely, reverse=True))
            self.assertLessEqual(likely[0], 0)
            self.assertEqual(bytes(token.bytes).decode(errors="replace"), token.token)


class Usage(BundledWorker):
    def test_a_prefix_that_was_computed_before_is_counted_as_cached(self):
        asked = [{"role": "user", "content": STORY + "Where is the ball?"}]
        first, second = self.chat(asked), self.chat(asked)
        self.assertGreaterEqual(second.usage.prompt_tokens_details.cached_tokens, 64)
        self.assertEqual(first.choices[0].message.content, second.choices[0].message.content)


class Completions(BundledWorker):
    def test_a_prompt_is_continued(self):
        answer = self.client().completions.create(model=MODEL, prompt="Once upon a time",
                                                  max_tokens=8, temperature=0)
        self.assertEqual(answer.usage.completion_tokens, 8)
        self.assertTrue(answer.choices[0].text)

    def test_a_suffix_is_filled_in_before(self):
        answer = self.client().completions.create(
            model=MODEL, prompt="def add(a, b):\n", suffix="\n    return c\n", max_tokens=8,
            temperature=0)
        self.assertLessEqual(answer.usage.completion_tokens, 8)


class Refusals(BundledWorker):
    def refused(self, messages=QUESTION, **options):
        with self.assertRaises(openai.BadRequestError) as raised:
            self.chat(messages, **options)
        return raised.exception

    def test_a_prompt_longer_than_the_context_is_refused_and_says_so(self):
        reason = self.refused([{"role": "user", "content": "word " * 5000}])
        self.assertEqual(reason.code, "context_length_exceeded")

    def test_wrong_types_and_values_name_their_field(self):
        for field, value in {"temperature": "hot", "top_p": 7, "n": 0, "seed": "x",
                             "logit_bias": {"x": 1}, "stop": 3}.items():
            with self.subTest(field):
                self.assertIn(field, self.refused(extra_body={field: value}).param)


class Tools(BundledWorker):
    def test_a_tool_is_called_with_arguments_that_are_json(self):
        asked = [{"role": "user", "content": "What is the weather in Paris?"}]
        whole = self.chat(asked, tools=[WEATHER], max_tokens=64).choices[0]
        self.assertEqual(whole.finish_reason, "tool_calls")
        (call,) = whole.message.tool_calls
        self.assertEqual(call.function.name, "get_weather")
        self.assertEqual(list(json.loads(call.function.arguments)), ["city"])
        parts = [c.choices[0].delta.tool_calls[0]
                 for c in self.chat(asked, tools=[WEATHER], max_tokens=64, stream=True)
                 if c.choices and c.choices[0].delta.tool_calls]
        self.assertEqual(parts[0].function.name, "get_weather")
        self.assertEqual("".join(p.function.arguments or "" for p in parts),
                         call.function.arguments)


class Invariance(BundledWorker):
    def test_an_answer_does_not_depend_on_what_else_is_answered(self):
        alone = self.chat(logprobs=True).choices[0]
        client = self.client()

        def one(i):
            if i % 3 == 0:  # noise of other lengths
                return client.chat.completions.create(
                    model=MODEL, messages=[{"role": "user", "content": STORY[:7 * i]}],
                    max_tokens=5 + i % 20, temperature=1)
            return client.chat.completions.create(
                model=MODEL, messages=QUESTION, max_tokens=32, temperature=0, logprobs=True)

        with concurrent.futures.ThreadPoolExecutor(24) as pool:
            answers = list(pool.map(one, range(96)))
        for i, answer in enumerate(answers):
            if i % 3:
                same = answer.choices[0]
                self.assertEqual(same.message.content, alone.message.content)
                self.assertEqual([t.logprob for t in same.logprobs.content],
                                 [t.logprob for t in alone.logprobs.content])
