"""`penstock serve`: listeners, keys, the demo, and what is answered without an upstream."""

import http.client
import json
import select
import signal
import socket
import ssl
import subprocess
import sys
import threading

from rig import (CHAT, PATIENCE, ROOT, WORDS, Case, Process, Stream, UnixConnection, client_context,
                 config_of, digest_of, exchange, make_certificates, wait_for)

BODY = {"model": "chat", "messages": [{"role": "user", "content": "hi"}]}


class Demo(Case):
    def test_a_curl_through_the_gateway_streams_a_story_of_the_shipped_model(self):
        worker = f"{{worker: {{model: {ROOT}/models/penstock-demo}}}}"
        gateway = self.gateway(config_of({"demo": worker}))
        story = [{"role": "user", "content": "Tell me a short story about a fox."}]
        body = {"model": "demo", "stream": True, "temperature": 0, "messages": story}
        done = subprocess.run(
            ["curl", "-sN", "-D", "-", gateway.url + CHAT, "-H", "Content-Type: application/json",
             "-d", json.dumps(body)], capture_output=True, text=True, timeout=PATIENCE)
        self.assertIn("HTTP/1.1 200", done.stdout)
        self.assertIn("text/event-stream", done.stdout)
        events = [line[6:] for line in done.stdout.splitlines() if line.startswith("data: {")]
        text = "".join(json.loads(event)["choices"][0]["delta"].get("content") or ""
                       for event in events)
        self.assertIn("fox", text)
        self.assertGreater(len(text.split()), 20, text)
        self.assertTrue(done.stdout.endswith("data: [DONE]\n\n"), done.stdout[-80:])


class Keys(Case):
    def setUp(self):
        super().setUp()
        keys = f"keys: [{{name: one, sha256: {digest_of('sk-one')}, tenant: first}}]\n"
        self.served = self.gateway(config_of({"chat": self.upstream().url}, more=keys))

    def test_each_key_header_is_taken_and_none_is_refused(self):
        for headers in ({"Authorization": "Bearer sk-one"}, {"x-api-key": "sk-one"},
                        {"api-key": "sk-one"}):
            status, _ = exchange(self.connect(self.served), "POST", CHAT, BODY, headers)
            self.assertEqual(status, 200)
        for headers in ({}, {"Authorization": "Bearer sk-two"}, {"Authorization": "Basic sk-one"}):
            status, text = exchange(self.connect(self.served), "POST", CHAT, BODY, headers)
            self.assertEqual(status, 401)
            self.assertIn("error", json.loads(text))

    def test_probes_need_no_key_and_what_tells_more_does(self):
        for path in ("/health/liveliness", "/health/liveness", "/health/readiness"):
            self.assertEqual(self.get(self.served, path)[0], 200, path)
        for path in ("/health", "/metrics", "/v1/models"):
            self.assertEqual(self.get(self.served, path)[0], 401, path)
            self.assertEqual(self.get(self.served, path, {"x-api-key": "sk-one"})[0], 200, path)

    def test_metrics_and_the_log_tell_of_a_request_without_its_key_or_text(self):
        secret = {**BODY, "messages": [{"role": "user", "content": "a very private question"}]}
        exchange(self.connect(self.served), "POST", CHAT, secret,
                 {"x-api-key": "sk-one", "x-request-id": "req-1"})
        line = wait_for("the request's line", lambda: [
            one for one in self.served.request_lines() if one["request_id"] == "req-1"])[0]
        self.assertEqual((line["status"], line["model"], line["tenant"]), (200, "chat", "first"))
        self.assertEqual(line["output"], len(WORDS))
        _, metrics = self.get(self.served, "/metrics", {"x-api-key": "sk-one"})
        self.assertRegex(metrics, r'penstock_requests_total\{[^}]*model="chat"[^}]*\} 1')
        everything = metrics + "".join(self.served.lines["stdout"] + self.served.lines["stderr"])
        for private in ("sk-one", "private question", WORDS[0].strip()):
            self.assertNotIn(private, everything)

    def test_two_hundred_large_uploads_with_a_bad_key_give_two_hundred_readable_401s(self):
        statuses = []

        def upload():
            with socket.create_connection(("127.0.0.1", self.served.port), PATIENCE) as sock:
                size = 20 * 1024 * 1024
                sock.sendall(f"POST {CHAT} HTTP/1.1\r\nHost: a\r\nx-api-key: sk-bad\r\n"
                             f"Content-Length: {size}\r\n\r\n".encode())
                piece, answer = b" " * 65536, b""
                while size > 0 and not select.select([sock], [], [], 0)[0]:
                    try:
                        size -= sock.send(piece[:size])
                    except OSError:
                        break
                try:
                    while part := sock.recv(65536):
                        answer += part
                except OSError:
                    pass
                statuses.append((answer[:12], b"invalid_api_key" in answer))

        for _ in range(10):
            threads = [threading.Thread(target=upload) for _ in range(20)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(PATIENCE)
        self.assertEqual(statuses, [(b"HTTP/1.1 401", True)] * 200)


class Listeners(Case):
    def test_a_unix_socket(self):
        path = self.folder / "gateway.sock"
        listen = f"[{{address: 'unix:{path}'}}]"
        gateway = self.gateway(config_of({"chat": self.upstream().url}, listen=listen))
        self.assertEqual(gateway.addresses, [f"unix:{path}"])
        self.assertEqual(exchange(UnixConnection(path), "POST", CHAT, BODY)[0], 200)
        self.assertEqual(Stream(UnixConnection(path)).rest()[-1], "[DONE]")

    def test_a_unix_socket_goes_with_its_gateway_and_that_of_a_killed_one_is_replaced(self):
        path = self.folder / "gateway.sock"
        config = config_of({"chat": self.upstream().url}, listen=f"[{{address: 'unix:{path}'}}]")
        self.gateway(config).signal(signal.SIGKILL)
        wait_for("nobody listens", lambda: not self.answers(path))
        self.assertTrue(path.exists())
        gateway = self.gateway(config)
        self.assertTrue(self.answers(path))
        gateway.signal(signal.SIGTERM)
        self.assertEqual(gateway.wait(), 0)
        self.assertFalse(path.exists())

    def test_a_unix_socket_in_use_ends_the_program_and_stays_the_others(self):
        path = self.folder / "gateway.sock"
        config = config_of({"chat": self.upstream().url}, listen=f"[{{address: 'unix:{path}'}}]")
        self.gateway(config)
        status, text = self.penstock("serve", "--config", "penstock.yaml")
        self.assertEqual(status, 1)
        self.assertIn(f"unix:{path}: in use: somebody listens there", text)
        self.assertTrue(self.answers(path))

    def answers(self, path):
        try:
            return exchange(UnixConnection(path), "GET", "/health/readiness")[0] == 200
        except OSError:
            return False

    def test_several_listeners(self):
        path = self.folder / "gateway.sock"
        listen = f"[{{address: 127.0.0.1:0}}, {{address: 'unix:{path}'}}]"
        gateway = self.gateway(config_of({"chat": self.upstream().url}, listen=listen), listeners=2)
        tcp = next(a for a in gateway.addresses if not a.startswith("unix:"))
        for connection in (UnixConnection(path), http.client.HTTPConnection(tcp, timeout=PATIENCE)):
            self.assertEqual(exchange(connection, "GET", "/health/readiness")[0], 200)

    def test_the_admin_listener_shows_metrics_without_a_key(self):
        more = (f"keys: [{{name: one, sha256: {digest_of('sk-one')}}}]\n"
                f"admin: {{address: 'unix:{self.folder}/admin.sock'}}\n")
        self.gateway(config_of({"chat": self.upstream().url}, more=more))
        wait_for("the admin socket", (self.folder / "admin.sock").exists)
        status, text = exchange(UnixConnection(self.folder / "admin.sock"), "GET", "/metrics")
        self.assertEqual(status, 200)
        self.assertIn("penstock_build_info", text)

    def test_a_port_in_use_ends_the_program_with_a_reason(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            self.write("penstock.yaml", config_of({"chat": "http://127.0.0.1:9"},
                                                  listen=f"[{{address: '{address}'}}]"))
            status, text = self.penstock("serve", "--config", "penstock.yaml")
        self.assertNotEqual(status, 0)
        self.assertIn(address, text)


class TLS(Case):
    def setUp(self):
        super().setUp()
        make_certificates(self.folder)

    def served(self, more=""):
        listen = (f"[{{address: 127.0.0.1:0, tls: {{certificate: server.pem, "
                  f"key: {{file: server.key}}{more}}}}}]")
        return self.gateway(config_of({"chat": self.upstream().url}, listen=listen))

    def connect_tls(self, gateway, certificate=None):
        made = http.client.HTTPSConnection("127.0.0.1", gateway.port, timeout=PATIENCE,
                                           context=client_context(self.folder, certificate))
        self.addCleanup(made.close)
        return made

    def test_a_stream_over_tls(self):
        connection = self.connect_tls(self.served())
        events = Stream(connection).rest()
        self.assertEqual(len(events), len(WORDS) + 1)
        self.assertEqual(connection.sock.selected_alpn_protocol(), "http/1.1")
        self.assertIn(connection.sock.version(), ("TLSv1.2", "TLSv1.3"))

    def test_plain_http_on_a_tls_port_gets_no_answer_and_harms_nobody(self):
        gateway = self.served()
        with self.assertRaises((http.client.HTTPException, OSError)):
            exchange(self.connect(gateway), "GET", "/health/readiness")
        self.assertEqual(exchange(self.connect_tls(gateway), "GET", "/health/readiness")[0], 200)

    def test_a_client_certificate_is_demanded_when_there_is_a_client_ca(self):
        gateway = self.served(", client_ca: ca.pem")
        with self.assertRaises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
            exchange(self.connect_tls(gateway), "GET", "/health/readiness")
        connection = self.connect_tls(gateway, "client")
        self.assertEqual(exchange(connection, "GET", "/health/readiness")[0], 200)

    def test_an_upstream_over_tls_is_verified(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "server.pem", self.folder / "server.key")
        url = self.upstream(tls=context).url
        gateway = self.gateway(config_of({
            "known": f"{{url: '{url}', tls: {{ca: ca.pem}}}}",
            "unknown": f"{{url: '{url}'}}"}))
        known, unknown = {**BODY, "model": "known"}, {**BODY, "model": "unknown"}
        self.assertEqual(exchange(self.connect(gateway), "POST", CHAT, known)[0], 200)
        status, text = exchange(self.connect(gateway), "POST", CHAT, unknown)
        self.assertIn(status, (502, 503))
        self.assertNotIn("127.0.0.1", text)
