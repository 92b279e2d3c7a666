// Mistakes that only show between settings.
#include "gateway/settings/validate.hpp"

#include "gateway/settings/certificates.hpp"
#include "gateway/settings/loading.hpp"

#include <gmock/gmock.h>

namespace penstock::settings {
namespace {

using testing::HasSubstr;

std::string key_line(const std::string& more = "", const std::string& name = "k") {
    return "keys: [{name: " + name + ", sha256: " + some_digest + more + "}]\n";
}

TEST(validate, without_keys_listens_only_where_nobody_else_can_reach) {
    const auto listen = [](const std::string& address) {
        return mistakes_of(demo + "listen: [{address: '" + address + "'}]\n");
    };
    EXPECT_EQ(listen("127.0.0.1:4000"), "");
    EXPECT_EQ(listen("[::1]:4000"), "");
    EXPECT_EQ(listen("unix:/run/x.sock"), "");
    EXPECT_THAT(listen("0.0.0.0:4000"), HasSubstr("listen[0].address: must be loopback"));
    EXPECT_THAT(listen("[::]:4000"), HasSubstr("must be loopback"));
    EXPECT_EQ(mistakes_of(demo + key_line() + "listen: [{address: 0.0.0.0:4000}]\n"), "");
}

// It serves every route.
TEST(validate, without_keys_opens_the_admin_listener_to_nobody_else_either) {
    const std::string open = "admin: {address: 0.0.0.0:4001}\n";
    EXPECT_THAT(mistakes_of(demo + open), HasSubstr("admin.address: must be loopback"));
    EXPECT_EQ(mistakes_of(demo + "admin: {address: 'unix:/run/x.sock'}\n"), "");
    EXPECT_EQ(mistakes_of(demo + key_line() + open), "");
}

TEST(validate, refuses_the_same_address_twice) {
    EXPECT_THAT(
        mistakes_of(demo + "listen: [{address: localhost:4000}, {address: 127.0.0.1:4000}]\n"),
        HasSubstr("listen[1].address: is the same as listen[0].address")
    );
    EXPECT_THAT(
        mistakes_of(demo + "admin: {address: 127.0.0.1:4000}\n"),
        HasSubstr("admin.address: is the same as listen[0].address")
    );
    EXPECT_EQ(mistakes_of(demo + "listen: [{address: 127.0.0.1:0}, {address: 127.0.0.1:0}]\n"), "");
    EXPECT_THAT(mistakes_of(demo + "listen: []\n"), HasSubstr("at least one address"));
}

TEST(validate, checks_names_and_digests_of_keys) {
    EXPECT_EQ(mistakes_of(demo + key_line()), "");
    EXPECT_THAT(mistakes_of(demo + key_line("", "'a b'")), HasSubstr("keys[0].name: must be"));
    EXPECT_THAT(
        mistakes_of(demo + "keys: [{name: a, sha256: sk-something}]\n"),
        HasSubstr("keys[0].sha256: must be 64 hex digits")
    );
    const std::string twice = mistakes_of(
        demo + "keys: [{name: a, sha256: " + some_digest +
        "}, {name: a, sha256: " + std::string(64, 'A') + "}]\n"
    );
    EXPECT_THAT(twice, HasSubstr("keys[1].name: is the same as keys[0].name"));
    EXPECT_THAT(twice, HasSubstr("keys[1].sha256: is the same as keys[0].sha256"));
}

TEST(validate, checks_what_a_key_may_use) {
    const std::string models = "models: {chat: {aliases: [gpt], replicas: [http://a]}}\n";
    EXPECT_EQ(mistakes_of(models + key_line(", models: [chat], classes: [bulk]")), "");
    EXPECT_THAT(
        mistakes_of(models + key_line(", models: [chat, gpt, other]")),
        testing::AllOf(
            HasSubstr("keys[0].models[1]: is not a model, but an alias: name `chat`"),
            HasSubstr("keys[0].models[2]: is not a model\n")
        )
    );
    EXPECT_THAT(
        mistakes_of(models + key_line(", classes: [bulk, fast, bulk]")),
        testing::AllOf(
            HasSubstr("keys[0].classes[1]: must be realtime or bulk"),
            HasSubstr("keys[0].classes[2]: is the same as keys[0].classes[0]")
        )
    );
    EXPECT_THAT(mistakes_of(models + key_line(", classes: []")), HasSubstr("at least one class"));
}

TEST(validate, knows_the_routes_when_they_are_given) {
    load_options options;
    options.routes = {"/v1/embeddings"};
    const auto with = [&](const std::string& route) {
        return mistakes_of(demo + key_line(", routes: [" + route + "]"), options);
    };
    EXPECT_EQ(with("/v1/embeddings"), "");
    EXPECT_THAT(with("/v1/embedings"), HasSubstr("keys[0].routes[0]: is not a route"));
    EXPECT_THAT(with("embeddings"), HasSubstr("must be a route such as"));
    EXPECT_THAT(
        mistakes_of("models: {a: {replicas: [{url: http://a, serves: [x]}]}}"),
        HasSubstr("replicas[0].serves[0]: must be a route")
    );
}

TEST(validate, checks_names_of_models_and_aliases) {
    EXPECT_EQ(mistakes_of("models: {'org/model-1.5:free': {replicas: [http://a]}}"), "");
    EXPECT_THAT(mistakes_of("models: {'a b': {replicas: [http://a]}}"), HasSubstr("must be named"));
    const std::string text = mistakes_of(
        "models:\n"
        "  one: {aliases: [x, two, x], replicas: [http://a]}\n"
        "  two: {aliases: [x, two], replicas: [http://a]}\n"
    );
    EXPECT_THAT(text, HasSubstr("2:22: models.one.aliases[1]: is the name of a model"));
    EXPECT_THAT(text, HasSubstr("models.one.aliases[2]: is the same as models.one.aliases[0]"));
    EXPECT_THAT(text, HasSubstr("models.two.aliases[0]: is the same as models.one.aliases[0]"));
    EXPECT_THAT(text, HasSubstr("models.two.aliases[1]: is the name of a model"));
}

TEST(validate, checks_the_models_that_take_over) {
    EXPECT_EQ(
        mistakes_of("models: {one: {fallbacks: [two], replicas: [http://a]}, "
                    "two: {fallbacks: [one], replicas: [http://a]}}"),
        ""
    );
    const std::string text = mistakes_of(
        "models:\n"
        "  one: {aliases: [first], replicas: [http://a], fallbacks: [two, one, nobody, gpt, two]}\n"
        "  two: {aliases: [gpt], replicas: [http://a]}\n"
    );
    EXPECT_THAT(text, HasSubstr("2:66: models.one.fallbacks[1]: is the model itself"));
    EXPECT_THAT(text, HasSubstr("models.one.fallbacks[2]: is not a model\n"));
    EXPECT_THAT(
        text, HasSubstr("models.one.fallbacks[3]: is not a model, but an alias: name `two`")
    );
    EXPECT_THAT(text, HasSubstr("models.one.fallbacks[4]: is the same as models.one.fallbacks[0]"));
}

TEST(validate, bounds_the_number_of_models_that_take_over) {
    const auto with = [](int count) {
        std::string names, models;
        for (int i = 0; i < count; ++i) {
            const std::string name = "m" + std::to_string(i);
            names += (i > 0 ? ", " : "") + name;
            models += "  " + name + ": {replicas: [http://a]}\n";
        }
        return mistakes_of(
            "models:\n  one: {replicas: [http://a], fallbacks: [" + names + "]}\n" + models
        );
    };
    EXPECT_EQ(with(8), "");
    EXPECT_THAT(with(9), HasSubstr("2:31: models.one.fallbacks: must name at most 8 models"));
}

TEST(validate, wants_exactly_one_way_to_name_replicas) {
    EXPECT_THAT(mistakes_of("models: {a: {}}"), HasSubstr("must have `replicas`, `pools` or"));
    EXPECT_THAT(
        mistakes_of("models: {a: {replicas: [http://a], pools: {p: {replicas: [http://b]}}}}"),
        HasSubstr("must have only one of")
    );
    EXPECT_THAT(
        mistakes_of("models: {a: {context: 8k, pools: {p: {replicas: [http://b]}}}}"),
        HasSubstr("models.a.context: belongs to `replicas`")
    );
    EXPECT_THAT(mistakes_of("models: {a: {pools: {p: {}}}}"), HasSubstr("at least one replica"));
    EXPECT_THAT(mistakes_of("models: {a: {versions: {v: {}}}}"), HasSubstr("at least one pool"));
}

TEST(validate, wants_pools_in_order_of_context) {
    const auto pools = [](const std::string& first, const std::string& second) {
        return mistakes_of(
            "models: {a: {pools: {z: {context: " + first +
            ", replicas: [http://a]}, b: {context: " + second + ", replicas: [http://b]}}}}"
        );
    };
    EXPECT_EQ(pools("8k", "128k"), "");
    EXPECT_EQ(pools("8k", "8k"), "");
    EXPECT_EQ(pools("8k", "0"), "");
    EXPECT_THAT(pools("128k", "8k"), HasSubstr("models.a.pools.b.context: must not be below"));
    EXPECT_THAT(pools("0", "8k"), HasSubstr("models.a.pools.b: can never be used"));
}

TEST(validate, checks_for_whom_pools_are_reserved) {
    const auto pools = [](const std::string& first, const std::string& second = "context: 8k") {
        return mistakes_of(
            key_line(", tenant: search") + "models: {a: {pools: {a: {" + first +
            ", replicas: [http://a]}, b: {" + second + ", replicas: [http://b]}}}}\n"
        );
    };
    EXPECT_EQ(pools("context: 1k, tenants: [search], classes: [bulk], max_tokens: 1k"), "");
    EXPECT_THAT(
        pools("context: 1k, tenants: [search, k]"),
        HasSubstr("models.a.pools.a.tenants[1]: is the tenant of no key")
    ) << "the key's name is no tenant when it has another";
    EXPECT_THAT(
        pools("context: 1k, classes: [batch]"),
        HasSubstr("models.a.pools.a.classes[0]: must be realtime or bulk")
    );
    EXPECT_THAT(
        pools("context: 1k, classes: [bulk, bulk]"),
        HasSubstr("models.a.pools.a.classes[1]: is the same as")
    );
    EXPECT_EQ(pools("tenants: [search]", "context: 0"), "") << "the others have their own";
    EXPECT_THAT(pools("tenants: [search]"), HasSubstr("models.a.pools.b.context: must not be"));
    EXPECT_THAT(
        mistakes_of(
            key_line() + "models: {a: {pools: {a: {tenants: [k], replicas: [http://a]}}}}\n"
        ),
        testing::StrEq("")
    ) << "without a tenant of its own a key's is its name";
    EXPECT_THAT(
        mistakes_of("models: {a: {pools: {a: {tenants: [k], replicas: [http://a]}}}}\n"),
        HasSubstr("is the tenant of no key")
    );
}

TEST(validate, caps_of_pools_and_keys_have_their_range) {
    EXPECT_EQ(mistakes_of(demo + key_line(", max_tokens: 4k")), "");
    EXPECT_THAT(mistakes_of(demo + key_line(", max_tokens: 17M")), HasSubstr("keys[0].max_tokens"));
    EXPECT_THAT(
        mistakes_of("models: {a: {pools: {a: {max_tokens: -1, replicas: [http://a]}}}}\n"),
        HasSubstr("models.a.pools.a.max_tokens")
    );
}

TEST(validate, bounds_the_number_of_pools) {
    const auto pools = [](int count) {
        std::string text = "models: {a: {pools: {";
        for (int i = 0; i < count; ++i)
            text += "p" + std::to_string(i) + ": {context: 1k, replicas: [http://a]}, ";
        return mistakes_of(text + "}}}");
    };
    EXPECT_EQ(pools(8), "");
    EXPECT_THAT(pools(9), HasSubstr("at most 8 pools"));
}

TEST(validate, wants_replica_ids_to_differ_within_a_pool) {
    EXPECT_THAT(
        mistakes_of("models: {a: {replicas: [http://h:80, http://h]}}"),
        HasSubstr("replicas[1].url: is the id of models.a.replicas[0] too")
    );
    EXPECT_THAT(
        mistakes_of("models: {a: {replicas: [{url: http://a, id: x}, {url: http://b, id: x}]}}"),
        HasSubstr("replicas[1].id: is the id of")
    );
    EXPECT_EQ(mistakes_of("models: {a: {replicas: [http://h, {url: http://h, id: second}]}}"), "");
    EXPECT_EQ(mistakes_of("models: {a: {replicas: [http://h]}, b: {replicas: [http://h]}}"), "");
}

TEST(validate, compares_times_and_sizes) {
    EXPECT_THAT(
        mistakes_of(demo + "timeouts: {total: 30s}\n"),
        HasSubstr("timeouts.first_byte: is 1m, which must not be above timeouts.total, 30s")
    );
    EXPECT_EQ(mistakes_of(demo + "timeouts: {total: 30s, first_byte: 30s}\n"), "");
    EXPECT_THAT(mistakes_of(demo + "timeouts: {connect: 0s}\n"), HasSubstr("between 1ms and 1h"));
    EXPECT_THAT(mistakes_of(demo + "limits: {head: 4Ki}\n"), HasSubstr("limits.target: is 8Ki"));
    EXPECT_THAT(mistakes_of(demo + "limits: {bodies: 1Mi}\n"), HasSubstr("must hold one body"));
    EXPECT_THAT(mistakes_of(demo + "retry: {budget: 110%}\n"), HasSubstr("between 0% and 100%"));
    EXPECT_THAT(mistakes_of(demo + "health: {path: health}\n"), HasSubstr("begins with `/`"));
}

TEST(validate, warns_of_a_first_byte_that_is_due_before_the_first_token) {
    const auto warnings = [](const std::string& more) {
        std::string all;
        for (const auto& each : load_right(demo + more).warnings)
            if (each.find("first_byte") != std::string::npos) all += each + '\n';
        return all;
    };
    EXPECT_EQ(
        warnings("timeouts: {first_byte: 1500ms}\n"),
        "timeouts.first_byte: is 1500ms, which is below classes.realtime.ttft, 2s: for this class "
        "the latter holds\n"
        "timeouts.first_byte: is 1500ms, which is below classes.bulk.ttft, 2m: for this class the "
        "latter holds\n"
    );
    EXPECT_EQ(warnings("timeouts: {first_byte: 2m}\n"), "");
    EXPECT_EQ(warnings(""), "") << "nobody asked for the default";
}

TEST(validate, guarantees_no_more_than_all_tokens_to_both_classes) {
    EXPECT_EQ(mistakes_of(demo + "classes: {realtime: {floor: 90%}, bulk: {floor: 10%}}"), "");
    EXPECT_THAT(
        mistakes_of(demo + "classes: {realtime: {floor: 90%}, bulk: {floor: 20%}}"),
        HasSubstr("classes.bulk.floor: is 20%, which is more than classes.realtime.floor, 90%")
    );
}

TEST(validate, reads_certificates_and_keys_before_they_are_needed) {
    const scratch_folder folder;
    const identity one = make_identity();
    const identity two = make_identity();
    folder.write("one.pem", one.certificate);
    folder.write("one.key", one.key);
    folder.write("two.key", two.key);
    folder.write("empty.pem", "");
    load_options options;
    options.folder = folder.path();
    const auto tls = [&](const std::string& text) {
        return mistakes_of(
            demo + "listen: [{address: 127.0.0.1:1, tls: {" + text + "}}]\n", options
        );
    };
    EXPECT_EQ(tls("certificate: one.pem, key: {file: one.key}, client_ca: one.pem"), "");
    EXPECT_THAT(
        tls("certificate: none.pem, key: {file: one.key}"),
        HasSubstr("listen[0].tls.certificate: cannot be read")
    );
    EXPECT_THAT(
        tls("certificate: empty.pem, key: {file: one.key}"), HasSubstr("with a PEM certificate")
    );
    EXPECT_THAT(
        tls("certificate: one.pem, key: {file: two.key}"),
        HasSubstr("listen[0].tls.key: must be the key of the certificate")
    );
    EXPECT_THAT(tls("certificate: one.pem, key: one.key"), HasSubstr("{file: PATH} takes it"));
    EXPECT_THAT(
        tls("certificate: one.pem, key: {file: one.key}, client_ca: none.pem"),
        HasSubstr("listen[0].tls.client_ca: cannot be read")
    );
    EXPECT_THAT(tls("key: {file: one.key}"), HasSubstr("tls.certificate: is missing"));
}

TEST(validate, wants_tls_of_replicas_whole_and_on_https) {
    const auto replica = [](const std::string& text) {
        return mistakes_of("models: {a: {replicas: [{" + text + "}]}}");
    };
    EXPECT_THAT(replica("url: http://a, tls: {}"), HasSubstr("tls: is of https URLs only"));
    EXPECT_THAT(
        replica("url: https://a, tls: {key: '-----'}"),
        HasSubstr("must have both `certificate` and `key`")
    );
    EXPECT_THAT(
        replica("url: https://a, api_key: \"a\\nb\""), HasSubstr("must be printable ASCII")
    );
}

}  // namespace
}  // namespace penstock::settings
