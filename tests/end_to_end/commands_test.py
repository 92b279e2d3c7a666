"""The commands that end by themselves: `penstock check`, `penstock key new`, `penstock replica`,
`penstock explain`."""

import json
import re

from rig import Case, config_of, digest_of, exchange, wait_for

GOOD = config_of({"chat": "http://127.0.0.1:9"})


class Check(Case):
    def check(self, text, **options):
        return self.penstock("check", self.write("penstock.yaml", text), **options)

    def test_a_good_file_is_explained_with_its_defaults(self):
        status, text = self.check(GOOD)
        self.assertEqual(status, 0, text)
        for setting in ("chat", "http://127.0.0.1:9", "between_bytes", "32Mi", "slots"):
            self.assertIn(setting, text)

    def test_all_mistakes_are_told_at_once_each_with_its_line(self):
        status, text = self.check("\n".join([
            "listen: [{address: 127.0.0.1:0}]",
            "colour: blue",                                         # line 2
            "models:",
            "  chat: {replicas: [{url: http://127.0.0.1:9, slots: many}]}",     # line 4
            "  embed: {replicas: [ftp://127.0.0.1:9]}",             # line 5
            "timeouts: {connect: soon}",                            # line 6
            "retry: {attempts: 2, budgets: 10%}",                   # line 7
            ""]))
        self.assertNotEqual(status, 0)
        for line, word in ((2, "colour"), (4, "slots"), (5, "http:"), (6, "connect"),
                           (7, "budgets")):
            self.assertRegex(text, rf"penstock\.yaml:{line}:\d+: .*{word}")

    def test_a_setting_that_is_not_enforced_yet_is_refused(self):
        status, text = self.check(GOOD + "shared: redis://127.0.0.1:6379\n")
        self.assertNotEqual(status, 0)
        self.assertIn("shared", text)

    def test_broken_yaml_is_a_mistake_with_a_line(self):
        status, text = self.check("listen: [\nmodels: {")
        self.assertNotEqual(status, 0)
        self.assertRegex(text, r"penstock\.yaml:\d+")

    def test_a_file_that_is_not_there_is_named(self):
        status, text = self.penstock("check", self.folder / "nowhere.yaml")
        self.assertNotEqual(status, 0)
        self.assertIn("nowhere.yaml", text)

    def test_a_secret_is_taken_from_the_environment_and_never_printed(self):
        text = config_of({"chat": "{url: http://127.0.0.1:9, api_key: '${TEST_UPSTREAM_KEY}'}"})
        status, told = self.check(text, env={"TEST_UPSTREAM_KEY": "sk-secret-of-upstream"})
        self.assertEqual(status, 0, told)
        self.assertNotIn("sk-secret-of-upstream", told)
        status, told = self.check(text, env={})
        self.assertNotEqual(status, 0)
        self.assertIn("TEST_UPSTREAM_KEY", told)

    def test_without_keys_only_loopback_is_listened_on(self):
        open_to_all = config_of({"chat": "http://127.0.0.1:9"}, listen="[{address: 0.0.0.0:0}]")
        status, text = self.check(open_to_all)
        self.assertNotEqual(status, 0)
        self.assertIn("key", text)
        status, text = self.penstock("serve", "--config", self.folder / "penstock.yaml")
        self.assertNotEqual(status, 0)
        keys = f"keys: [{{name: one, sha256: {digest_of('sk-one')}}}]\n"
        self.assertEqual(self.check(open_to_all + keys)[0], 0)


class KeyNew(Case):
    def new_key(self):
        status, text = self.penstock("key", "new")
        self.assertEqual(status, 0, text)
        key = re.search(r"\bsk-[A-Za-z0-9_-]{20,}", text)[0]
        return key, re.search(r"\b[0-9a-f]{64}\b", text)[0]

    def test_a_key_is_printed_with_its_digest(self):
        key, digest = self.new_key()
        self.assertEqual(digest, digest_of(key))

    def test_no_two_keys_are_the_same(self):
        self.assertNotEqual(self.new_key()[0], self.new_key()[0])


class Replica(Case):
    MASTER = "sk-master-0123456789"

    def replica(self, admin, *arguments, key=MASTER):
        return self.penstock("replica", *arguments,
                             env={"PENSTOCK_ADMIN": admin, "PENSTOCK_MASTER_KEY": key})

    def test_a_replica_is_taken_out_and_back_over_the_admin_socket(self):
        admin = f"unix:{self.folder}/admin.sock"
        more = f"admin: {{address: '{admin}', master_key: {self.MASTER}}}\n"
        upstream = self.upstream()
        gateway = self.gateway(config_of({"chat": upstream.url}, more=more))
        wait_for("the admin socket", (self.folder / "admin.sock").exists)
        status, text = self.replica(admin, "list")
        self.assertEqual(status, 0, text)
        name = re.search(r"chat/default/default/\S+", text)[0]
        ask = {"model": "chat", "messages": [{"role": "user", "content": "hi"}]}
        self.assertEqual(self.replica(admin, "cordon", name)[0], 0)
        for verb, state, answer in (("drain", "drained", 503), ("resume", "ready", 200)):
            status, text = self.replica(admin, verb, name)
            self.assertEqual(status, 0, text)
            self.assertTrue(text.startswith(state), text)
            told, _ = exchange(self.connect(gateway), "POST", "/v1/chat/completions", ask)
            self.assertEqual(told, answer)
        self.assertEqual(self.replica(admin, "drain", "nobody")[0], 1)
        self.assertEqual(self.replica(admin, "list", key="sk-another")[0], 1)

    def test_a_gateway_that_is_not_there_is_named(self):
        status, text = self.replica("http://127.0.0.1:9", "list")
        self.assertEqual(status, 2)
        self.assertIn("http://127.0.0.1:9", text)

    def test_what_the_command_line_says_wins_over_the_environment(self):
        for order in (["list"], ["cordon", "a"], ["drain", "a"], ["resume", "a"]):
            for options in (order + ["--admin", "http://127.0.0.1:7"],
                            ["--admin", "http://127.0.0.1:7"] + order):
                status, text = self.replica("http://127.0.0.1:9", *options)
                self.assertEqual(status, 2, options)
                self.assertIn("http://127.0.0.1:7", text, options)


class Explain(Case):
    MASTER = "sk-master-0123456789"

    def explain(self, *arguments, env=None):
        return self.penstock("explain", *arguments, env=env or {})

    def test_an_idle_gateway_is_explained_from_its_settings(self):
        config = config_of({"chat": "{url: http://127.0.0.1:9, slots: 3}"})
        file = self.write("penstock.yaml", config)
        status, text = self.explain("--config", file, "--model", "chat", "--bytes", "12000",
                                    "--max-tokens", "50", "--json")
        self.assertEqual(status, 0, text)
        told = json.loads(text)
        self.assertEqual(told["verdict"], "admitted")
        self.assertEqual(told["read"]["text_bytes"], 12000)
        self.assertEqual(told["steer"]["output_tokens"], 50)
        self.assertEqual([each["slots"] for each in told["admit"]["candidates"]], [3])
        status, text = self.explain("--config", file, "--model", "nobody", "--bytes", "1")
        self.assertEqual(status, 0, text)
        self.assertIn("=> refused by read", text)

    def test_a_file_that_cannot_be_served_is_told_with_its_mistakes(self):
        file = self.write("penstock.yaml", "models: {chat: {replicas: [ftp://x]}}")
        status, text = self.explain("--config", file, "--model", "chat", "--bytes", "1")
        self.assertEqual(status, 1)
        self.assertRegex(text, r"penstock\.yaml:1:\d+")

    def test_a_gateway_that_runs_is_asked(self):
        upstream = self.upstream()
        more = f"admin: {{master_key: {self.MASTER}}}\n"
        gateway = self.gateway(config_of({"chat": upstream.url}, more=more))
        ask = {"model": "chat", "messages": [{"role": "user", "content": "hi"}]}
        file = self.write("request.json", json.dumps({"body": ask}))
        where = ("--admin", f"http://127.0.0.1:{gateway.port}")
        status, text = self.explain(file, *where, env={"PENSTOCK_MASTER_KEY": self.MASTER})
        self.assertEqual(status, 0, text)
        self.assertIn("=> admitted by admit", text)
        self.assertEqual(self.explain(file, *where)[0], 1)
        self.assertEqual(self.explain("--model", "chat", "--admin", "http://127.0.0.1:9")[0], 2)
        self.assertEqual(self.explain(self.folder / "nowhere.json", *where)[0], 1)
