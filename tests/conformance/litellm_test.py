"""The LiteLLM SDK as a client of the gateway, as users of the LiteLLM proxy call it."""

import litellm
import openai_answers
from context import HELLO, KEY, OUTPUT_TOKENS, TEXT, URL, Case

litellm.suppress_debug_info = True


class LiteLLM(Case):
    def complete(self, model, **options):
        given = {"api_base": f"{URL}/v1", "api_key": KEY, "messages": HELLO, "timeout": 20,
                 "max_retries": 0, "num_retries": 0, "extra_headers": self.headers}
        return litellm.completion(model=model, **{**given, **options})

    def test_as_an_openai_endpoint(self):
        answer = self.complete("openai/chat")
        self.assertEqual(answer.choices[0].message.content, TEXT)
        self.assertEqual(answer.usage.completion_tokens, OUTPUT_TOKENS)

    def test_as_a_litellm_proxy(self):
        answer = self.complete("litellm_proxy/chat", api_base=URL, user="someone",
                               metadata={"tags": ["a"]})
        self.assertEqual(answer.choices[0].message.content, TEXT)
        self.assertEqual(self.upstream_body()["user"], "someone")

    def test_what_only_a_litellm_proxy_understands_does_not_go_upstream(self):
        extras = {"num_retries": 1, "guardrails": ["none"], "litellm_session_id": "s-1",
                  "fallbacks": [], "caching": True}
        answer = self.complete("litellm_proxy/chat", api_base=URL, extra_body=extras)
        self.assertEqual(answer.choices[0].message.content, TEXT)
        self.assertEqual(set(extras) & set(self.upstream_body()), set())

    def test_streamed(self):
        chunks = list(self.complete("openai/chat", stream=True))
        self.assertEqual("".join(c.choices[0].delta.content or "" for c in chunks), TEXT)
        self.assertEqual(self.log_line()["output"], OUTPUT_TOKENS)

    def test_as_an_anthropic_endpoint(self):
        answer = self.complete("anthropic/chat", api_base=URL)
        self.assertEqual(answer.choices[0].message.content, TEXT)
        self.assertEqual(self.upstream_requests()[0]["target"], "/v1/messages")

    def test_embeddings(self):
        answer = litellm.embedding(model="openai/embed", input=["one"], api_base=f"{URL}/v1",
                                   api_key=KEY, extra_headers=self.headers)
        self.assertEqual(answer.data[0]["embedding"], openai_answers.vector_of("one"))

    def test_errors_are_litellm_s_own_classes(self):
        for model, key, kind in (("openai/chat", "sk-wrong", litellm.AuthenticationError),
                                 ("openai/none-such", KEY, litellm.NotFoundError),
                                 ("openai/fail-400", KEY, litellm.BadRequestError)):
            with self.subTest(model), self.assertRaises(kind):
                self.complete(model, api_key=key)
