"""The scripted upstream and the gateway in front of it, as processes, for the conformance tests."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from gateway_process import Failed, Gateway, Process, digest_of, wait_for  # noqa: E402, F401

KEY = "sk-conformance-of-all-models"
CHAT_ONLY_KEY = "sk-conformance-of-chat-only"

# Each behaviour of the upstream is a model of its own, so that a breaker or a queue that one test
# moves is not met by another.
BEHAVIOURS = ["fail-400", "fail-429", "fail-500", "fail-500-once", "fail-503-once", "slow", "never",
              "error-first", "error-in-stream", "cut-in-stream", "tools", "endless"]

CONFIG = """
listen: [{{address: 127.0.0.1:0}}]
keys:
  - {{name: everything, sha256: {everything}, tenant: conformance}}
  - {{name: chat-only, sha256: {chat_only}, tenant: conformance, models: [chat]}}
models:
  chat:
    aliases: [gpt-4o-mini, claude-sonnet-4-5]
    upstream_model: scripted-chat
    replicas: [{url}]
  embed: {{upstream_model: scripted-embed, replicas: [{url}]}}
  plain: {{replicas: [{url}]}}
  one-slot: {{upstream_model: slow, replicas: [{{url: {url}, slots: 1}}]}}
  embeddings-only: {{replicas: [{{url: {url}, serves: [/v1/embeddings]}}]}}
  bundled:
    aliases: [bundled-alias]
    replicas: [{{worker: {{model: {root}/models/penstock-demo, device: cpu}}}}]
  fail-over: {{upstream_model: fail-500-once, replicas: [{url}, {same_place}]}}
{behaviours}
health:
  breaker: {{failures: 100000}}
  outlier: {{min_requests: 100000}}
log: {{level: info, requests: "{log}"}}
"""


def start_upstream():
    upstream = Process([sys.executable, str(HERE / "upstream.py")])
    upstream.port = wait_for("the upstream listens", lambda: upstream.json_lines("stdout"))[0][
        "listening"]
    return upstream


def start_gateway(binary, upstream_port, folder):
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "requests.log"
    log.unlink(missing_ok=True)
    url = f"http://127.0.0.1:{upstream_port}"
    config = CONFIG.format(
        everything=digest_of(KEY), chat_only=digest_of(CHAT_ONLY_KEY), url=url, log=log,
        root=HERE.parents[1], same_place=f"http://localhost:{upstream_port}",
        behaviours="\n".join(f"  {name}: {{replicas: [{url}]}}" for name in BEHAVIOURS))
    return Gateway(binary, config, folder), log


def worker_socket(gateway):
    """The path at which the bundled worker listens, once it does."""
    ready = "ready unix:"

    def found():
        return [line["line"].removeprefix(ready) for line in gateway.events("worker_said")
                if line["line"].startswith(ready)]

    return wait_for("the worker is ready", found, patience=60)[0]
