"""SIGTERM drains, SIGHUP and a changed file reload, and a bad file changes nothing."""

import http.client
import signal
import threading
import time

from rig import CHAT, PATIENCE, WORDS, Case, Stream, config_of, exchange, wait_for

BODY = {"model": "chat", "messages": [{"role": "user", "content": "hi"}]}


class Drain(Case):
    def test_a_stream_finishes_while_readiness_fails_and_the_program_ends(self):
        gateway = self.gateway(config_of({"chat": self.upstream(pause=0.1).url}))
        stream = Stream(self.connect(gateway))
        stream.next_event()
        gateway.signal(signal.SIGTERM)
        wait_for("readiness fails", lambda: self.readiness(gateway) != 200)
        self.assertIsNone(gateway.child.poll())
        self.assertEqual(len(stream.rest()), len(WORDS))
        self.assertEqual(gateway.wait(), 0)

    def readiness(self, gateway):
        try:
            return self.get(gateway, "/health/readiness")[0]
        except OSError:
            return None

    def test_an_idle_gateway_ends_at_once(self):
        gateway = self.gateway(config_of({"chat": self.upstream().url}))
        kept = self.connect(gateway)
        self.assertEqual(exchange(kept, "GET", "/health/readiness")[0], 200)
        begun = time.monotonic()
        gateway.signal(signal.SIGTERM)
        self.assertEqual(gateway.wait(), 0)
        self.assertLess(time.monotonic() - begun, 3)

    def test_a_stream_that_outlives_the_deadline_is_cut_with_an_error_event(self):
        upstream = self.upstream(pause=1.5)
        gateway = self.gateway(config_of({"chat": upstream.url}, more="timeouts: {drain: 500ms}\n"))
        stream = Stream(self.connect(gateway))
        stream.next_event()
        begun = time.monotonic()
        gateway.signal(signal.SIGTERM)
        events = stream.rest()
        self.assertIn('"error"', events[-1])
        self.assertNotIn("[DONE]", events)
        self.assertEqual(gateway.wait(), 0)
        self.assertLess(time.monotonic() - begun, 5)
        wait_for("the upstream sees it", lambda: upstream.num_left == 1)

    def test_a_request_that_waits_in_the_queue_is_not_lost(self):
        upstream = self.upstream(pause=0.05)
        gateway = self.gateway(config_of({"chat": f"{{url: '{upstream.url}', slots: 1}}"}))
        first = Stream(self.connect(gateway))
        first.next_event()
        results = []
        second = threading.Thread(
            target=lambda: results.append(exchange(self.connect(gateway), "POST", CHAT, BODY)[0]))
        second.start()
        wait_for("the second to wait", lambda: 'penstock_queue_waiting{model="chat"} 1'
                 in self.get(gateway, "/metrics")[1])
        gateway.signal(signal.SIGTERM)
        self.assertEqual(len(first.rest()), len(WORDS))
        second.join(PATIENCE)
        self.assertEqual(results, [200])
        self.assertEqual(gateway.wait(), 0)


class Reload(Case):
    def setUp(self):
        super().setUp()
        self.url = self.upstream(pause=0.05).url
        self.before = config_of({"chat": self.url})
        self.after = config_of({"chat": self.url, "second": self.url})

    def test_sighup_swaps_the_settings_and_a_running_stream_goes_on(self):
        gateway = self.gateway(self.before)
        stream = Stream(self.connect(gateway))
        stream.next_event()
        gateway.reload(self.after)
        wait_for("the new model", lambda: "second" in self.model_names(gateway))
        self.assertEqual(len(stream.rest()), len(WORDS))

    def test_a_removed_model_is_gone_but_its_stream_goes_on(self):
        gateway = self.gateway(self.after)
        stream = Stream(self.connect(gateway), "second")
        stream.next_event()
        gateway.reload(self.before)
        wait_for("the model is gone", lambda: "second" not in self.model_names(gateway))
        self.assertEqual(stream.rest()[-1], "[DONE]")
        gone = {**BODY, "model": "second"}
        self.assertEqual(exchange(self.connect(gateway), "POST", CHAT, gone)[0], 404)

    def test_a_changed_file_is_noticed_without_a_signal(self):
        gateway = self.gateway(self.before)
        gateway.config.write_text(self.after)
        wait_for("the new model", lambda: "second" in self.model_names(gateway))

    def test_a_file_that_is_replaced_by_renaming_is_noticed(self):
        gateway = self.gateway(self.before)
        self.write("new.yaml", self.after).rename(gateway.config)
        wait_for("the new model", lambda: "second" in self.model_names(gateway))

    def test_a_bad_file_is_refused_with_all_its_mistakes_and_the_old_one_serves_on(self):
        gateway = self.gateway(self.before)
        gateway.reload("colour: blue\n" + self.after + "timeouts: {connect: soon}\n")

        def told():
            text = "\n".join(gateway.lines["stderr"])
            return "penstock.yaml:1:" in text and "penstock.yaml:6:" in text

        wait_for("both mistakes", told)
        self.assertEqual(self.model_names(gateway), {"chat"})
        self.assertEqual(exchange(self.connect(gateway), "POST", CHAT, BODY)[0], 200)
        gateway.reload(self.after)
        wait_for("the corrected file", lambda: "second" in self.model_names(gateway))

    def test_a_reload_ten_times_a_second_breaks_no_stream_and_never_exceeds_the_slots(self):
        slots, clients, streams_each = 4, 12, 3
        patient = "classes: {realtime: {ttft: 1m, timeout: 1m}}\n"  # most of them wait
        upstream = self.upstream(pause=0.01)
        models = {"chat": f"{{url: '{upstream.url}', slots: {slots}}}", "other": self.url}
        texts = [config_of(models, more=patient + f"retry: {{attempts: {n}}}\n") for n in (2, 3)]
        gateway = self.gateway(texts[0])
        ends = []

        def stream_some():
            for _ in range(streams_each):
                connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=PATIENCE)
                ends.append(Stream(connection).rest()[-1:])
                connection.close()

        threads = [threading.Thread(target=stream_some) for _ in range(clients)]
        for thread in threads:
            thread.start()
        reloads = 0
        while any(thread.is_alive() for thread in threads):
            reloads += 1
            gateway.reload(texts[reloads % 2])
            time.sleep(0.1)
        self.assertEqual(ends, [["[DONE]"]] * clients * streams_each)
        self.assertGreater(reloads, 10)
        self.assertEqual(upstream.most_at_once, slots)
        self.assertIsNone(gateway.child.poll())
