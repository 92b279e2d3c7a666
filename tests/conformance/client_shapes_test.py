"""Requests as Open WebUI, Dify and Continue send them, replayed byte for byte through the gateway.

The shapes in fixtures/ are our own, written after reading those clients' public sources; `feature`
says what each stands for. A fixture file has the headers that its client always sends and the way
it writes JSON: "python" (escaped, spaced), "utf8" (spaced) or "compact".
"""

import http.client
import json
from urllib.parse import urlsplit

from context import HERE, KEY, TEXT, URL, Case

UPSTREAM_MODELS = {"chat": "scripted-chat", "claude-sonnet-4-5": "scripted-chat",
                   "embed": "scripted-embed", "tools": "tools"}
BOUNDARY = "0123456789abcdef0123456789abcdef"
SPELLINGS = {"python": {}, "utf8": {"ensure_ascii": False},
             "compact": {"ensure_ascii": False, "separators": (",", ":")}}


def multipart(shape):
    lines = []
    for name, value in shape["form"]:
        lines += [f"--{BOUNDARY}", f'Content-Disposition: form-data; name="{name}"', "", value]
    file = shape["file"]
    lines += [f"--{BOUNDARY}",
              f'Content-Disposition: form-data; name="{file["name"]}"; '
              f'filename="{file["filename"]}"',
              f'Content-Type: {file["type"]}', "", "x" * file["bytes"], f"--{BOUNDARY}--", ""]
    return "\r\n".join(lines).encode()


def body_of(shape, spelling):
    """The bytes of the body and their content type."""
    if "form" in shape:
        return multipart(shape), f"multipart/form-data; boundary={BOUNDARY}"
    if "body" in shape:
        return json.dumps(shape["body"], **SPELLINGS[spelling]).encode(), "application/json"
    return b"", None


def headers_of(shape, client):
    headers = {**client["headers"], **shape.get("headers", {})}
    return {name: value.replace("$KEY", KEY) for name, value in headers.items()
            if name not in shape.get("without_headers", [])}


def with_upstream_model(body, model):
    """The body with the one edit that every request gets."""
    for before in ('"model": "{}"', '"model":"{}"', 'name="model"\r\n\r\n{}\r\n'):
        body = body.replace(before.format(model).encode(),
                            before.format(UPSTREAM_MODELS[model]).encode(), 1)
    return body


class Shapes(Case):
    def replay(self, file):
        client = json.loads((HERE / "fixtures" / file).read_text())
        for shape in client["shapes"]:
            with self.subTest(f"{client['client']}: {shape['feature']}"):
                self.setUp()
                self.one(shape, client)

    def one(self, shape, client):
        body, content_type = body_of(shape, client["json"])
        headers = {**headers_of(shape, client), **self.headers}
        if content_type:
            headers["Content-Type"] = content_type
        connection = http.client.HTTPConnection(urlsplit(URL).netloc, timeout=20)
        self.addCleanup(connection.close)
        connection.request(shape.get("method", "POST"), shape["path"], body or None, headers)
        answer = connection.getresponse()
        text = answer.read()
        self.assertEqual(answer.status, 200, text)
        self.check_answer(shape, answer, text)
        if shape.get("method") != "GET":
            self.check_upstream(shape, body, headers)

    def check_answer(self, shape, answer, text):
        wanted = shape.get("body", {})
        if not wanted.get("stream"):
            if "audio" not in shape["path"]:
                self.assertIsInstance(json.loads(text), dict)
            return
        self.assertIn("text/event-stream", answer.headers["content-type"])
        data = [event.split(b"data: ", 1)[1] for event in text.split(b"\n\n") if b"data: " in event]
        if "/messages" in shape["path"]:
            self.assertEqual(json.loads(data[-1])["type"], "message_stop")
            return
        self.assertEqual(data.pop(), b"[DONE]")
        chunks = [json.loads(one) for one in data]
        asked = wanted.get("stream_options", {}).get("include_usage", False)
        self.assertEqual([i for i, chunk in enumerate(chunks) if not chunk["choices"]],
                         [len(chunks) - 1] if asked else [])
        said = [c for chunk in chunks for c in chunk["choices"]]
        pieces = [c.get("text") or c.get("delta", {}).get("content") or "" for c in said]
        if wanted["model"] != "tools":
            self.assertEqual("".join(pieces), TEXT)

    def check_upstream(self, shape, body, sent_headers):
        (got,) = self.upstream_requests()
        self.assertEqual(got["target"].split("?")[0],
                         shape.get("upstream_path", shape["path"].split("?")[0]))
        self.assertNotIn(KEY, str(got["headers"]))
        headers = dict(got["headers"])
        self.assertEqual(headers.get("accept-encoding"), "identity")
        for name in shape.get("forwarded", []):
            sent = next(v for k, v in sent_headers.items() if k.lower() == name)
            self.assertEqual(headers.get(name), sent)
        model = shape.get("body", {}).get("model") or dict(shape.get("form", []))["model"]
        expected = with_upstream_model(body, model)
        if got["body"].encode() != expected and self.asks_for_no_usage(shape):
            parsed = json.loads(got["body"])
            self.assertEqual(parsed.pop("stream_options"), {"include_usage": True})
            self.assertEqual(parsed, json.loads(expected))
        else:
            self.assertEqual(got["body"].encode(), expected)

    def asks_for_no_usage(self, shape):
        """Whether the gateway may ask for usage itself, so that the log can be exact."""
        body = shape.get("body", {})
        return body.get("stream") and "stream_options" not in body and "messages" not in \
            shape["path"]

    def test_open_webui(self):
        self.replay("open_webui.json")

    def test_dify(self):
        self.replay("dify.json")

    def test_continue(self):
        self.replay("continue.json")
