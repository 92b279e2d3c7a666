// From text to settings: types, short forms, substitution, and mistakes with their places.
#include "gateway/settings/load.hpp"

#include "gateway/settings/loading.hpp"

#include <gmock/gmock.h>

namespace penstock::settings {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

TEST(load, fills_every_kind_of_value) {
    const root s = settings_of(
        "threads: 3\n"
        "timeouts: {connect: 250ms, total: 1h}\n"
        "limits: {head: 8Ki, target: 4096}\n"
        "retry: {budget: 20%}\n"
        "log: {level: warn}\n"
        "compat: {litellm_status: \"1.81\"}\n"
        "classes: {bulk: {pending: 7, discipline: drop_oldest, floor: 25%, tpot: 1s}}\n"
        "models:\n"
        "  chat:\n"
        "    aliases: [a, b]\n"
        "    max_tokens: 4k\n"
        "    over_cap: refuse\n"
        "    replicas: [{url: https://engine, tls: {verify: false}, slots: 16, kv_tokens: 256k, "
        "state: drained}]\n"
    );
    EXPECT_EQ(s.threads, 3u);
    EXPECT_EQ(s.timeouts.connect, 250ms);
    EXPECT_EQ(s.timeouts.total, 1h);
    EXPECT_EQ(s.timeouts.idle, 75s) << "what is not written keeps its default";
    EXPECT_EQ(s.limits.head, 8192u);
    EXPECT_EQ(s.limits.target, 4096u);
    EXPECT_DOUBLE_EQ(s.retry.budget, 0.2);
    EXPECT_EQ(s.log.level, log_level::warn);
    EXPECT_EQ(s.compat.litellm_status, litellm_status::v1_81);
    EXPECT_EQ(s.classes.bulk.pending, 7u);
    EXPECT_EQ(s.classes.bulk.discipline, discipline::drop_oldest);
    EXPECT_DOUBLE_EQ(s.classes.bulk.floor, 0.25);
    EXPECT_EQ(s.classes.bulk.tpot, 1s);
    EXPECT_EQ(s.classes.bulk.timeout, 10min);
    EXPECT_EQ(s.classes.bulk.ttft, 2min);
    const model& chat = s.models.at("chat");
    EXPECT_EQ(chat.aliases, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(chat.max_tokens, 4096u);
    EXPECT_EQ(chat.over_cap, over_cap::refuse);
    const replica& only = chat.versions.at("default").pools.at("default").replicas.at(0);
    EXPECT_EQ(only.slots, 16u);
    EXPECT_EQ(only.kv_tokens, 262'144u);
    EXPECT_EQ(only.state, replica_word::drained);
    ASSERT_TRUE(only.tls);
    EXPECT_FALSE(only.tls->verify);
}

TEST(load, makes_one_version_and_pool_of_replicas_under_the_model) {
    const root s =
        settings_of("models: {chat: {context: 8k, replicas: [http://a:1, {url: http://b}]}}");
    const model& chat = s.models.at("chat");
    EXPECT_TRUE(chat.replicas.empty());
    ASSERT_EQ(chat.versions.size(), 1u);
    const version& only = chat.versions.at("default");
    EXPECT_EQ(only.pool_order, std::vector<std::string>{"default"});
    const pool& pool = only.pools.at("default");
    EXPECT_EQ(pool.context, 8192u);
    ASSERT_EQ(pool.replicas.size(), 2u);
    EXPECT_EQ(pool.replicas[0].url, "http://a:1");
    EXPECT_EQ(pool.replicas[0].id, "a:1");
    EXPECT_EQ(pool.replicas[1].id, "b:80");
}

TEST(load, keeps_pools_in_the_order_written) {
    const std::string pools =
        "{z: {context: 1k, replicas: [http://z]}, m: {context: 2k, replicas: [http://m]}, "
        "a: {replicas: [http://a]}}";
    const std::vector<std::string> order{"z", "m", "a"};
    const root brief = settings_of("models: {chat: {pools: " + pools + "}}");
    EXPECT_EQ(brief.models.at("chat").versions.at("default").pool_order, order);
    const root full = settings_of("models: {chat: {versions: {v1: {pools: " + pools + "}}}}");
    EXPECT_EQ(full.models.at("chat").versions.at("v1").pool_order, order);
    EXPECT_EQ(full.models.at("chat").versions.at("v1").pools.size(), 3u);
}

TEST(load, inherits_names_of_upstream_models) {
    const root s = settings_of(
        "models:\n"
        "  own: {replicas: [http://a]}\n"
        "  named:\n"
        "    upstream_model: m\n"
        "    pools:\n"
        "      p: {context: 1k, replicas: [http://a, {url: http://b, upstream_model: r}]}\n"
        "      q: {upstream_model: q-model, replicas: [http://c]}\n"
        "keys: [{name: k, sha256: " +
        some_digest + "}]\n"
    );
    const auto of = [&](const char* model, const char* pool, std::size_t i) {
        return s.models.at(model)
            .versions.at("default")
            .pools.at(pool)
            .replicas.at(i)
            .upstream_model;
    };
    EXPECT_EQ(of("own", "default", 0), "own");
    EXPECT_EQ(of("named", "p", 0), "m");
    EXPECT_EQ(of("named", "p", 1), "r");
    EXPECT_EQ(of("named", "q", 0), "q-model");
    EXPECT_EQ(s.keys.at(0).tenant, "k");
}

TEST(load, takes_environment_variables_anywhere_in_a_value) {
    const root s = settings_of(
        "models: {chat: {replicas: [{url: 'http://${HOST}:${PORT}', slots: '${SLOTS}'}]}}",
        with_environment({{"HOST", "engine"}, {"PORT", "8000"}, {"SLOTS", "5"}})
    );
    const pool& only = s.models.at("chat").versions.at("default").pools.at("default");
    EXPECT_EQ(only.replicas.at(0).url, "http://engine:8000");
    EXPECT_EQ(only.replicas.at(0).slots, 5u);
}

TEST(load, escapes_a_literal_dollar_brace) {
    const root s = settings_of(
        "models: {chat: {upstream_model: 'a$${HOST}$b${HOST}', replicas: [http://a]}}",
        with_environment({{"HOST", "${HOST}"}})
    );
    EXPECT_EQ(s.models.at("chat").upstream_model, "a${HOST}$b${HOST}") << "replaced once only";
}

TEST(load, names_every_variable_that_is_not_set) {
    const std::string text = mistakes_of(
        "models: {chat: {replicas: [{url: 'http://${A}:${B}', api_key: '${C'}]}}",
        with_environment({})
    );
    EXPECT_THAT(text, HasSubstr("replicas[0].url: ${A} is not set in the environment"));
    EXPECT_THAT(text, HasSubstr("replicas[0].url: ${B} is not set in the environment"));
    EXPECT_THAT(text, HasSubstr("replicas[0].api_key: `${` must begin ${NAME}"));
}

TEST(load, takes_the_content_of_files_relative_to_the_settings_file) {
    const scratch_folder folder;
    folder.write("secret", "s3cret\n");
    const auto file = folder.write(
        "penstock.yaml", "models: {chat: {replicas: [{url: http://a, api_key: {file: secret}}]}}"
    );
    const load_result result = load_file(file);
    ASSERT_TRUE(std::holds_alternative<loaded>(result));
    const model& chat = std::get<loaded>(result).settings.models.at("chat");
    EXPECT_EQ(chat.versions.at("default").pools.at("default").replicas[0].api_key, "s3cret");
}

TEST(load, says_which_file_of_a_secret_cannot_be_read) {
    const std::string text = mistakes_of(
        "models: {chat: {replicas: [{url: http://a, api_key: {file: /nowhere/secret}}, "
        "{url: http://b, api_key: {fil: x}}]}}"
    );
    EXPECT_THAT(text, HasSubstr("replicas[0].api_key: the file /nowhere/secret is not there"));
    EXPECT_THAT(text, HasSubstr("replicas[1].api_key: must be text, ${NAME} or {file: PATH}"));
}

TEST(load, reports_all_mistakes_with_their_lines_in_order) {
    EXPECT_EQ(
        mistakes_of("threads: many\n"
                    "timeouts:\n"
                    "  conect: 1s\n"
                    "  total: 5\n"
                    "models:\n"
                    "  chat:\n"
                    "    replicas:\n"
                    "      - url: http://a\n"
                    "        slots: 0\n"
                    "      - url: http://b/v1\n"),
        "test.yaml:1:1: threads: must be a whole number, not `many`\n"
        "test.yaml:3:3: timeouts.conect: there is no such setting; did you mean `connect`?\n"
        "test.yaml:4:3: timeouts.total: must be a duration with its unit, such as 500ms, 2s or "
        "10m, not `5`\n"
        "test.yaml:9:9: models.chat.replicas[0].slots: must be between 1 and 65536\n"
        "test.yaml:10:9: models.chat.replicas[1].url: must end after host and port: the path that "
        "the client asked for is sent on\n"
    );
}

TEST(load, reports_a_syntax_error_once_with_its_line) {
    const load_result result = load_text("models:\n  chat: [a, b\nthreads: 1\n");
    const auto& mistakes = std::get<std::vector<mistake>>(result);
    ASSERT_EQ(mistakes.size(), 1u);
    EXPECT_GE(mistakes[0].line, 2);
    EXPECT_THAT(mistakes[0].message, HasSubstr("not YAML"));
}

TEST(load, refuses_duplicate_keys) {
    EXPECT_EQ(
        mistakes_of("threads: 1\n" + demo + "threads: 2\n"),
        "test.yaml:3:1: `threads` is written twice; first on line 1\n"
    );
    EXPECT_THAT(
        mistakes_of("models: {a: {replicas: [http://a]}, a: {replicas: [http://b]}}"),
        HasSubstr("`a` is written twice")
    );
}

TEST(load, refuses_a_second_document_tags_and_odd_keys) {
    EXPECT_THAT(mistakes_of(demo + "---\nthreads: 1\n"), HasSubstr("only one document"));
    EXPECT_THAT(mistakes_of(demo + "threads: !!int 1\n"), HasSubstr("tags"));
    EXPECT_THAT(mistakes_of(demo + "[a, b]: 1\n"), HasSubstr("must be text"));
    EXPECT_EQ(mistakes_of("---\n" + demo + "...\n"), "");
}

TEST(load, resolves_anchors_within_a_bound) {
    const root s = settings_of("models:\n  a: {replicas: &r [http://a]}\n  b: {replicas: *r}\n");
    EXPECT_EQ(s.models.at("b").versions.at("default").pools.at("default").replicas.size(), 1u);
    std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 9; ++i) {
        const std::string name = "a" + std::to_string(i);
        const std::string before = "*a" + std::to_string(i - 1);
        bomb += name + ": &" + name + " [" + before;
        for (int j = 0; j < 9; ++j)
            bomb += ", " + before;
        bomb += "]\n";
    }
    EXPECT_THAT(mistakes_of(bomb), HasSubstr("stand for too much"));
    EXPECT_THAT(mistakes_of("models: &m {a: *m}\n"), HasSubstr("cannot stand inside"));
}

TEST(load, suggests_only_what_is_close) {
    EXPECT_THAT(mistakes_of(demo + "timeout: {}\n"), HasSubstr("did you mean `timeouts`?"));
    EXPECT_THAT(mistakes_of(demo + "banana: {}\n"), Not(HasSubstr("did you mean")));
}

TEST(load, refuses_what_is_planned_with_words_of_its_own) {
    const std::string enforced_later = "not enforced by this version; refused rather than ignored";
    for (const char* text :
         {"store: sqlite:penstock.db",
          "shared: redis://127.0.0.1:6379",
          "keys: [{name: a, sha256: x, rpm: 600}]",
          "keys: [{name: a, sha256: x, tpm: 600}]",
          "keys: [{name: a, sha256: x, parallel: 3}]",
          "keys: [{name: a, sha256: x, budget: {usd: 100, every: 30d}}]",
          "models: {a: {assign_by: session}}",
          "models: {a: {price: {input: 0.2}}}",
          "models: {a: {versions: {v1: {weight: 95}}}}",
          "models: {a: {pools: {p: {replicas: [{kubernetes: {service: s}}]}}}}",
          "log: {format: json}",
          "expose_headers: admins"})
        EXPECT_THAT(mistakes_of(text), HasSubstr(enforced_later)) << text;
}

TEST(load, refuses_a_second_version) {
    const std::string text = mistakes_of(
        "models:\n"
        "  chat:\n"
        "    versions:\n"
        "      v1: {pools: {p: {replicas: [http://a]}}}\n"
        "      v2: {pools: {p: {replicas: [http://b]}}}\n"
    );
    EXPECT_THAT(text, HasSubstr("test.yaml:5:7: models.chat.versions.v2: "));
    EXPECT_THAT(text, HasSubstr("refused rather than ignored"));
}

TEST(load, is_strict_about_booleans_and_choices) {
    const auto verify = [](const std::string& text) {
        return mistakes_of(
            "models: {a: {replicas: [{url: https://a, tls: {verify: " + text + "}}]}}"
        );
    };
    EXPECT_EQ(verify("false"), "");
    for (const char* text : {"no", "yes", "False", "0", "~", "[]"})
        EXPECT_NE(verify(text), "") << text;
    EXPECT_THAT(
        mistakes_of(demo + "log: {level: loud}\n"),
        HasSubstr("log.level: must be debug, info, warn or error")
    );
}

TEST(load, says_the_type_that_a_value_must_have) {
    EXPECT_THAT(mistakes_of(demo + "timeouts: 5s\n"), HasSubstr("must be a mapping of settings"));
    EXPECT_THAT(mistakes_of(demo + "keys: {a: b}\n"), HasSubstr("keys: must be a list"));
    EXPECT_THAT(mistakes_of("models: [chat]\n"), HasSubstr("models: must be a mapping"));
    EXPECT_THAT(mistakes_of(demo + "threads: [1]\n"), HasSubstr("must be a whole number"));
    EXPECT_THAT(mistakes_of(demo + "threads:\n"), HasSubstr("threads: has no value"));
    EXPECT_THAT(mistakes_of(demo + "log: {requests: [a]}\n"), HasSubstr("must be text"));
    EXPECT_THAT(mistakes_of("just text"), HasSubstr("must be a mapping of settings"));
}

TEST(load, takes_empty_containers_as_left_out) {
    const root s = settings_of(demo + "keys:\nlisten:\ntimeouts:\n");
    EXPECT_EQ(s.listen.size(), 1u);
    EXPECT_TRUE(s.keys.empty());
}

TEST(load, demands_what_has_no_default) {
    EXPECT_THAT(mistakes_of(""), HasSubstr("models: is missing"));
    EXPECT_THAT(mistakes_of("models: {}"), HasSubstr("models: must name at least one model"));
    EXPECT_THAT(
        mistakes_of("models: {a: {replicas: [{slots: 1}]}}"),
        HasSubstr("must have `url` or `worker`")
    );
    const std::string text = mistakes_of(demo + "keys: [{}]\n");
    EXPECT_THAT(text, HasSubstr("keys[0].name: is missing"));
    EXPECT_THAT(text, HasSubstr("keys[0].sha256: is missing"));
    EXPECT_THAT(text, Not(HasSubstr("64 hex digits"))) << "one mistake for one cause";
}

TEST(load, never_repeats_a_secret) {
    const std::string text = mistakes_of(
        "models: {a: {replicas: [{url: 'http://u:${S}@h', api_key: '${S} x'}, "
        "{url: 'http://b', slots: '${S}'}]}}\n"
        "keys: [{name: '${S} !', sha256: '${S}'}]\n"
        "listen: [{address: '${S}', tls: {certificate: a.pem, key: '${S}'}}]\n",
        with_environment({{"S", "hunter2"}})
    );
    EXPECT_THAT(text, HasSubstr("keys[0].sha256"));
    EXPECT_THAT(text, HasSubstr("listen[0].tls.key"));
    EXPECT_THAT(text, Not(HasSubstr("hunter2")));
}

TEST(load, warns_of_secrets_in_the_file_and_of_an_open_door) {
    const auto with_key = [](const std::string& api_key) {
        const loaded result = load_right(
            "models: {a: {replicas: [{url: http://a, api_key: '" + api_key + "'}]}}",
            with_environment({{"KEY", "k"}})
        );
        return testing::PrintToString(result.warnings);
    };
    EXPECT_THAT(with_key("literal"), HasSubstr("api_key: a secret stands in the file"));
    EXPECT_THAT(with_key("${KEY}"), Not(HasSubstr("a secret stands in the file")));
    EXPECT_THAT(with_key("${KEY}"), HasSubstr("keys: none: every request passes"));
}

TEST(load, reports_a_file_that_is_not_there) {
    const load_result result = load_file("/nowhere/penstock.yaml");
    EXPECT_EQ(
        to_text("/nowhere/penstock.yaml", std::get<std::vector<mistake>>(result)),
        "/nowhere/penstock.yaml: there is no such file\n"
    );
    EXPECT_TRUE(std::holds_alternative<std::vector<mistake>>(load_file("/")));
}

}  // namespace
}  // namespace penstock::settings
