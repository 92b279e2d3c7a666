"""What the model knows by heart about Penstock. Each fact rests on words of the documentation, and
`python facts.py` says which of them no longer stand there."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# (ways to ask, answer, document, words in it that the answer rests on)
FACTS = [
    (["What is Penstock?", "What is penstock", "Tell me about Penstock.", "What does Penstock do?",
      "Explain Penstock.", "Do you know Penstock?", "What is this gateway?"],
     "Penstock is a gateway for language models: one entry point that stands in front of your "
     "engines and streams every byte untouched.",
     "README.md", "One entry point for a company's language models"),
    (["What does the name Penstock mean?", "Why is it called Penstock?", "What is a penstock?",
      "Where does the name come from?"],
     "A penstock is the gate and pipe that feed water to a turbine. This one feeds requests to "
     "GPUs.",
     "README.md", "the gate and pipe that feed water to a turbine"),
    (["What is port 4000?", "Which port does Penstock use?", "What is its port 4000?",
      "On which port does Penstock listen?", "What port does the gateway listen on?",
      "What is the default port?", "What runs on port 4000?"],
     "Penstock listens on 127.0.0.1:4000 by default, so port 4000 serves the clients.",
     "docs/configuration.md", '`[{address: "127.0.0.1:4000", tls: null}]`'),
    (["How do I run Penstock?", "How do I start Penstock?", "How can I run it?", "How to run it?",
      "How do I start the gateway?", "How do I try Penstock?"],
     "Run ./dev run to build and start it with a demo, or penstock serve --config penstock.yaml.",
     "README.md", "penstock serve --config penstock.yaml"),
    (["How do I test Penstock?", "How do I run the tests?", "How are the tests run?"],
     "Run ./dev test.", "README.md", "./dev test"),
    (["What is 503?", "What does 503 mean?", "Why do I get a 503?", "What is a 503 error?",
      "What does status 503 mean?", "When does Penstock answer 503?"],
     "503 means that the service cannot start this now: the queue is full, no replica is ready, or "
     "the gateway drains.",
     "docs/request-path.md", "that the service cannot start this now"),
    (["What is 429?", "What does 429 mean?", "Why do I get a 429?", "What does status 429 mean?"],
     "429 means that you exceeded your quota.",
     "docs/request-path.md", "means that you exceeded your quota"),
    (["What is 504?", "What does 504 mean?", "Why do I get a 504?"],
     "504 means that the engine did not answer in time. It comes only after dispatch.",
     "docs/request-path.md", "comes only after dispatch"),
    (["What is 401?", "What does 401 mean?", "Why do I get a 401?"],
     "401 means that the key is missing or unknown.",
     "docs/request-path.md", "May end with 401 (no key, unknown key)"),
    (["What is 404?", "What does 404 mean?", "Why do I get a 404?"],
     "404 means that there is no such model, or no such route.",
     "docs/request-path.md", "404 (no such model"),
    (["How do I make a key?", "How do I get an API key?", "How do I create a key?",
      "How can I make a new key?"],
     "Run penstock key new. It prints a key, once, and the digest for the file.",
     "docs/operations.md", "prints a key, once, and the digest for the file"),
    (["How do I check my configuration?", "How do I check the settings?",
      "How do I validate penstock.yaml?", "How do I find mistakes in my settings?"],
     "Run penstock check penstock.yaml. It shows all mistakes at once, with their lines.",
     "docs/operations.md", "all mistakes at once, with lines"),
    (["How do I reload the settings?", "How do I reload the configuration?",
      "What does SIGHUP do?"],
     "Send SIGHUP or change the file. A good file is swapped in whole, a bad one is refused.",
     "docs/operations.md", "a good one is swapped in whole"),
    (["How do I stop Penstock?", "What does SIGTERM do?", "What is draining?", "What is a drain?"],
     "SIGTERM drains: running requests finish, new ones are not accepted, and then it ends.",
     "docs/operations.md", "running requests finish"),
    (["What is penstock.yaml?", "Where are the settings?", "Where is the configuration?",
      "Which file does Penstock read?", "How do I configure Penstock?"],
     "Penstock reads one file, penstock.yaml. Only models must stand in it.",
     "docs/configuration.md", "Penstock reads one file, `penstock.yaml`"),
    (["In which language is Penstock written?", "What language is Penstock written in?",
      "Is Penstock written in Python?", "What is Penstock made of?"],
     "Penstock is written in C++20, with one event loop per core.",
     "README.md", "It is C++20 with one event loop per core"),
    (["Does Penstock need a database?", "Which database does Penstock use?"],
     "No: there is no database on the path of a request.",
     "README.md", "no database on the path of a request"),
    (["Which engines can stand behind Penstock?", "What works with Penstock?",
      "Which servers does Penstock support?", "Does it work with vLLM?"],
     "It stands in front of vLLM, SGLang, TensorRT-LLM, llama.cpp and other OpenAI-compatible "
     "servers.",
     "README.md", "stands in front of vLLM, SGLang, TensorRT-LLM, llama.cpp"),
    (["Which clients can use Penstock?", "Which APIs does Penstock speak?",
      "Does Penstock speak the OpenAI API?", "Which dialects does Penstock speak?"],
     "It speaks the dialects of OpenAI, Anthropic and Azure's paths.",
     "README.md", "speaks their clients' dialects (OpenAI, Anthropic, Azure's paths)"),
    (["Where are the metrics?", "How do I see the metrics?", "What is /metrics?",
      "Does Penstock work with Prometheus?"],
     "GET /metrics answers in the Prometheus text format.",
     "docs/metrics.md", "`GET /metrics` answers in the Prometheus text format"),
    (["Where is the log?", "What does Penstock log?", "Are prompts logged?", "What is in the log?"],
     "One JSON line per request goes to the log, without payload and without keys.",
     "docs/operations.md", "without payload and"),
    (["How do I see if it is alive?", "How do I check the health?", "What is /health?",
      "Is there a health check?"],
     "Ask /health/liveliness or /health/readiness: both never need a key. /health shows every "
     "replica.",
     "docs/operations.md", "the state of every replica"),
    (["Does Penstock support TLS?", "Can it do HTTPS?", "How do I use TLS?"],
     "Yes: set tls with a certificate and a key on a listener. TLS 1.2 and above is spoken.",
     "docs/operations.md", "TLS 1.2"),
    (["On which systems does Penstock run?", "Which system do I need?", "Does it run on Debian?"],
     "It is built and tried on Debian 12.", "README.md", "On Debian 12, from a fresh clone"),
    (["What is a replica?", "What are replicas?"],
     "A replica is one engine that serves a model. List its address under replicas.",
     "docs/configuration.md", "`models.*.replicas`"),
    (["What are slots?", "What is a slot?"],
     "Slots are how many requests a replica may have in flight, 64 by default.",
     "docs/configuration.md", "| `replicas[].slots` | requests, 1 to 65536 | `64` |"),
    (["What is an alias?", "What are aliases?"],
     "Aliases are further names that clients may use for a model.",
     "docs/configuration.md", "further names that clients may use"),
    (["Is a request retried?", "Does Penstock retry?", "What happens when a replica fails?"],
     "A request is tried elsewhere until an answer has begun. After that nothing is retried.",
     "ARCHITECTURE.md", "Once an answer has begun"),
    (["How do clients connect?", "What does a client need?", "How do I use it from a client?"],
     "Every client needs a base_url and a key, nothing else.",
     "README.md", "needs `base_url` and a key, nothing else"),
]

# Settings whose defaults the model knows; read from the tables of docs/configuration.md.
SETTINGS = """
timeouts.connect timeouts.first_byte timeouts.between_bytes timeouts.total timeouts.drain
timeouts.idle limits.head limits.target threads
""".split()
DEFAULT_ASKED = ["What is the default of {s}?", "What is {s}?", "How long is {s}?",
                 "Which default has {s}?"]


def read_default(setting):
    document = (ROOT / "docs/configuration.md").read_text()
    row = re.search(rf"^\| `{re.escape(setting)}` \|[^|]*\| `([^`]*)` \|", document, re.M)
    return row and row[1]


DEFAULTS = {setting: value for setting in SETTINGS if (value := read_default(setting))}


def question(rng):
    """Returns (question, answer)."""
    if rng.random() < 0.12:
        setting = rng.choice(list(DEFAULTS))
        ways = DEFAULT_ASKED if setting.startswith("timeouts") else DEFAULT_ASKED[:2]
        answer = f"The default of {setting} is {DEFAULTS[setting]}."
        return rng.choice(ways).format(s=setting), answer
    asked, answer, _, _ = rng.choice(FACTS)
    text = rng.choice(asked)
    return (text if rng.random() < 0.8 else text.lower().replace("penstock", "Penstock")), answer


def missing():
    """The facts whose words no longer stand in their document."""
    lost = []
    for _, answer, document, words in FACTS:
        text = " ".join((ROOT / document).read_text().split())
        if words not in text:
            lost.append(f"{document} no longer says {words!r}: {answer}")
    return lost + [f"docs/configuration.md: no default of {setting}" for setting in SETTINGS
                   if setting not in DEFAULTS]


if __name__ == "__main__":
    print("\n".join(missing()) or f"All {len(FACTS)} facts and {len(SETTINGS)} defaults hold.")
    sys.exit(bool(missing()))
