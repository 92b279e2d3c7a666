// POST /admin/explain: what is told of a request is what becomes of it.
#include "gateway/running_gateway.hpp"
#include "penstock/observe/log.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>

#include <mutex>

namespace penstock::gateway {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view master = "sk-master-0123456789";
const std::string with_master = "admin: {master_key: " + std::string(master) + "}\n";
const headers by_master{{"Authorization", "Bearer " + std::string(master)}};
const std::string with_keys =
    "keys: [{name: search, tenant: search-team, sha256: "
    "a046e4925c1c5162e2a952bf81b903655ab1b77d52aac4b82b9c4ca26ad5f73e, classes: [bulk]}]\n";

test::response ask(const running_gateway& g, std::string_view question) {
    return g.ask(test::post("/admin/explain", std::string(question), by_master));
}

// The part of an explanation that is one stage's.
log_line stage(const test::response& told, std::string_view name) {
    const auto at = told.body.find("\"" + std::string(name) + "\":{");
    return log_line(at == std::string::npos ? "" : told.body.substr(at));
}

std::string asked_with(std::string_view body, std::string_view more = {}) {
    return R"({"body":)" + std::string(body) + std::string(more) + "}";
}

// ── who asks, and how ───────────────────────────────────────────────────────────────────────────

TEST(explain, is_for_the_master_key_alone) {
    scripted_upstream upstream;
    running_gateway g(with_master + with_keys + chat_model(upstream));
    EXPECT_EQ(g.ask(test::post("/admin/explain", "{}")).status, 401);
    EXPECT_EQ(g.ask(test::post("/admin/explain", "{}", {{"x-api-key", "sk-all"}})).status, 401);
    EXPECT_EQ(ask(g, R"({"bytes":10,"model":"chat"})").status, 200);
}

TEST(explain, names_the_member_at_fault) {
    scripted_upstream upstream;
    running_gateway g(with_master + with_keys + chat_model(upstream));
    for (const auto& [question, param] : std::vector<std::pair<std::string, std::string>>{
             {R"({})", "body"},
             {R"({"byts":1})", "byts"},
             {R"({"body":[]})", "body"},
             {R"({"body":{},"bytes":1})", "bytes"},
             {R"({"bytes":-1})", "bytes"},
             {R"({"bytes":99999999999})", "bytes"},
             {R"({"bytes":1,"path":7})", "path"},
             {R"({"bytes":1,"path":"/v1/chat completions"})", "path"},
             {R"({"bytes":1,"path":"/metrics","method":"GET"})", "path"},
             {R"({"bytes":1,"path":"/v1/audio/speech"})", "bytes"},
             {R"({"bytes":1,"headers":{"a":1}})", "headers"},
             {R"({"bytes":1,"headers":{"a":"b\r\nx-api-key: c"}})", "headers"},
             {R"({"bytes":1,"headers":{"a b":"c"}})", "headers"},
             {R"({"bytes":1,"stream":1})", "stream"},
             {R"({"bytes":1,"max_tokens":"x"})", "max_tokens"},
             {R"({"bytes":1,"key":"a","key_name":"b"})", "key_name"},
             {R"({"bytes":1,"key_name":"nobody"})", "key_name"},
         }) {
        const auto answer = ask(g, question);
        EXPECT_EQ(answer.status, 400) << question;
        EXPECT_THAT(answer.body, HasSubstr("\"param\":\"" + param + "\"")) << question;
    }
    EXPECT_EQ(ask(g, "{").status, 400);
    EXPECT_EQ(ask(g, "[]").status, 400);
}

TEST(explain, takes_the_name_of_a_key_for_the_key) {
    scripted_upstream upstream;
    running_gateway g(with_master + with_keys + chat_model(upstream));
    const auto by_name = ask(g, asked_with(chat_body(), R"(,"key_name":"search")"));
    EXPECT_EQ(stage(by_name, "authenticate")["key"], "search");
    EXPECT_EQ(stage(by_name, "authenticate")["tenant"], "search-team");
    EXPECT_EQ(stage(by_name, "authenticate")["class"], "bulk") << "clamped as the key's is";
    EXPECT_EQ(ask(g, asked_with(chat_body(), R"(,"key":"sk-all")")).body, by_name.body);
    EXPECT_EQ(
        ask(g, asked_with(chat_body(), R"(,"headers":{"x-api-key":"sk-all"})")).body, by_name.body
    );
    EXPECT_THAT(by_name.body, Not(HasSubstr("sk-all")));
}

TEST(explain, never_repeats_a_key) {
    scripted_upstream upstream;
    running_gateway g(with_master + with_keys + chat_model(upstream));
    for (const char* member : {"key", "key_name"}) {
        const auto answer =
            ask(g, asked_with(chat_body(), ",\"" + std::string(member) + R"(":"sk-secret-1")"));
        EXPECT_THAT(answer.body, Not(HasSubstr("sk-secret-1"))) << member;
    }
}

// ── what is told ────────────────────────────────────────────────────────────────────────────────

TEST(explain, tells_every_stage_of_one_that_would_be_admitted) {
    scripted_upstream upstream;
    running_gateway g(
        with_master + chat_model({replica_of(upstream, ", slots: 7"), replica_of(upstream)})
    );
    const auto told = ask(g, R"({"model":"chat","bytes":12000,"max_tokens":50})");
    ASSERT_EQ(told.status, 200) << told.body;
    EXPECT_THAT(told.body, HasSubstr(R"({"verdict":"admitted","decided_by":"admit",)"));
    EXPECT_EQ(stage(told, "authenticate")["route"], "/v1/chat/completions");
    EXPECT_EQ(stage(told, "read")["text_bytes"], "12000");
    EXPECT_GT(stage(told, "read").number("prompt_tokens"), 1000);
    EXPECT_GT(stage(told, "read").number("prompt_error"), 0);
    EXPECT_EQ(stage(told, "read")["deadline_ms"], "600000");
    EXPECT_EQ(stage(told, "limit")["output_tokens"], "50");
    EXPECT_EQ(stage(told, "steer")["pool"], "chat/default/default");
    EXPECT_EQ(stage(told, "admit")["verdict"], "admitted");
    EXPECT_THAT(stage(told, "admit")["replica"], HasSubstr("chat/default/default/r"));
    EXPECT_THAT(told.body, HasSubstr(R"("in_flight":0,"slots":7)"));
    EXPECT_THAT(told.body, HasSubstr(R"("in_flight":0,"slots":64)"));
}

// The verdict that a client would hear: status, message and what names the field.
TEST(explain, refuses_what_a_client_would_be_refused_in_the_same_words) {
    scripted_upstream upstream;
    running_gateway g(
        with_master + with_keys +
        "models:\n"
        "  chat: {max_tokens: 100, over_cap: refuse, pools: {small: {context: 1000, replicas: [" +
        replica_of(upstream) + "]}}}\n  out: {replicas: [" +
        replica_of(upstream, ", state: drained") + "]}\n"
    );
    const std::string long_text(100'000, 'a');
    EXPECT_THAT(
        ask(g, R"({"bytes":1,"path":"/v1/none","key":"sk-all"})").body, HasSubstr("unknown_route")
    );
    for (const auto& [by, body] : std::vector<std::pair<std::string, std::string>>{
             {"authenticate", ""},
             {"read", R"({"model":"none","messages":[]})"},
             {"read", R"({"model":"chat","model":"chat","messages":[]})"},
             {"limit", chat_body(R"(,"max_tokens":101)")},
             {"steer",
              R"({"model":"chat","messages":[{"role":"user","content":")" + long_text + "\"}]}"},
             {"admit", R"({"model":"out","messages":[{"role":"user","content":"hi"}]})"}
         }) {
        const std::string key = by == "authenticate" ? "sk-unknown" : "sk-all";
        const auto heard = g.ask(test::post(chat_path, body, {{"x-api-key", key}}));
        const auto told = ask(
            g,
            asked_with(boost::json::serialize(boost::json::value(body)), ",\"key\":\"" + key + "\"")
        );
        ASSERT_EQ(told.status, 200) << told.body;
        const auto said = boost::json::parse(told.body).as_object();
        EXPECT_EQ(said.at("decided_by").as_string(), by) << told.body;
        const auto& why = said.at(by).as_object();
        const auto error = boost::json::parse(heard.body).at("error").as_object();
        EXPECT_EQ(why.at("status").as_int64(), heard.status);
        EXPECT_EQ(why.at("message"), error.at("message"));
        EXPECT_EQ(why.at("code"), error.at("code"));
        if (!error.at("param").is_null()) {
            EXPECT_EQ(why.at("param"), error.at("param"));
        }
    }
}

TEST(explain, refuses_a_deep_body_as_its_client_would_be) {
    scripted_upstream upstream;
    running_gateway g(with_master + "limits: {json_depth: 40}\n" + chat_model(upstream));
    for (const auto& [depth, verdict] : {std::pair{38, "passed"}, std::pair{40, "refused"}}) {
        const std::string deep = R"({"model":"chat","messages":[],"x":)" + std::string(depth, '[') +
                                 std::string(depth, ']') + "}";
        EXPECT_EQ(stage(ask(g, asked_with(deep)), "read")["verdict"], verdict) << depth;
    }
}

TEST(explain, changes_nothing) {
    scripted_upstream upstream;
    running_gateway g(with_master + chat_model({replica_of(upstream, ", slots: 1")}));
    const auto first = ask(g, asked_with(chat_body()));
    for (int i = 0; i < 10; ++i)
        EXPECT_EQ(ask(g, asked_with(chat_body())).body, first.body);
    EXPECT_EQ(upstream.num_requests(), 0u);
    EXPECT_TRUE(g.comes_to_rest());
    EXPECT_TRUE(g.log().empty()) << "nor is it a request";
}

// ── the debug line ──────────────────────────────────────────────────────────────────────────────

// The operational log at debug, kept.
class debug_log {
 public:
    debug_log() {
        observe::log::set_output([this](std::string_view line) {
            const std::lock_guard held(mutex_);
            if (line.find("\"decided\"") != std::string_view::npos) last_ = line;
        });
        observe::log::set_level(observe::log::level::debug);
    }
    ~debug_log() {
        observe::log::set_level(observe::log::level::error);
        observe::log::set_output({});
    }
    log_line take() {
        const std::lock_guard held(mutex_);
        return log_line(std::exchange(last_, {}));
    }

 private:
    std::mutex mutex_;
    std::string last_;
};

void expect_same_numbers(const test::response& told, const log_line& line) {
    for (const char* each : {"prompt_tokens", "prompt_error"})
        EXPECT_EQ(stage(told, "read")[each], line[each]) << each;
    for (const char* each : {"version", "pool", "max_tokens", "output_tokens"})
        EXPECT_EQ(stage(told, "steer")[each], line[each]) << each;
    for (const char* each :
         {"verdict", "wait_ms", "queued", "pools", "pending_left", "concurrency_left"})
        EXPECT_EQ(stage(told, "admit")[each], line[each]) << each;
    const auto said = boost::json::parse(told.body).as_object().at("admit").as_object();
    EXPECT_EQ(said.contains("replica"), line["verdict"] == "admitted");
    EXPECT_EQ(said.contains("reason"), line["verdict"] == "refused");
    if (said.contains("reason")) {
        EXPECT_EQ(stage(told, "admit")["reason"], line["reason"]);
    }
    if (said.contains("replica")) {
        EXPECT_EQ(stage(told, "admit")["replica"], line["replica"]);
        EXPECT_EQ(stage(told, "admit")["predicted_ttft_ms"], line["predicted_ttft_ms"]);
    }
    if (said.contains("retry_after_ms")) {
        EXPECT_EQ(stage(told, "admit")["retry_after_ms"], line["retry_after_ms"]);
    }
    EXPECT_EQ(std::to_string(said.at("candidates").as_array().size()), line["candidates"]);
    std::string ttfts;
    for (const auto& each : said.at("candidates").as_array()) {
        const auto& o = each.as_object();
        const log_line text(told.body.substr(
            told.body.find("{\"replica\":\"" + std::string(o.at("replica").as_string()) + "\"")
        ));
        ttfts += (ttfts.empty() ? "" : " ") + text["replica"] + "=" + text["predicted_ttft_ms"];
    }
    EXPECT_EQ(ttfts, line["candidate_ttft_ms"]);
}

TEST(explain, tells_the_numbers_of_the_debug_line_digit_for_digit) {
    const allowance allowed = nothing_yet();
    scripted_upstream upstream([&](const auto&) { return test::held(test::chat("a"), allowed); });
    running_gateway g(
        "threads: 1\n" + with_master +
        chat_model({replica_of(upstream, ", slots: 1"), replica_of(upstream, ", slots: 1")})
    );
    debug_log log;
    std::vector<std::unique_ptr<test_client>> running;
    const std::string body = chat_body(R"(,"max_tokens":33)");
    // Two are admitted, one to each replica; the third would not wait.
    for (const char* no_queue : {"0", "0", "1"}) {
        const std::string id = "the-same-" + std::to_string(running.size());
        const auto told =
            ask(g,
                asked_with(
                    body,
                    R"(,"headers":{"x-request-id":")" + id + R"(","x-penstock-no-queue":")" +
                        no_queue + "\"}"
                ));
        ASSERT_EQ(told.status, 200);
        running.push_back(std::make_unique<test_client>(g.port()));
        running.back()->send(
            test::post(chat_path, body, {{"x-request-id", id}, {"x-penstock-no-queue", no_queue}})
        );
        log_line line("");
        ASSERT_TRUE(eventually([&] { return !(line = log.take()).text().empty(); }));
        EXPECT_EQ(line["request_id"], id);
        EXPECT_EQ(line["verdict"], *no_queue == '1' ? "refused" : "admitted") << line.text();
        expect_same_numbers(told, line);
        const bool is_sent = *no_queue == '0';
        ASSERT_TRUE(!is_sent || upstream.wait_for_requests(running.size()));
    }
    EXPECT_EQ(running.back()->read_response().status, 503);
    allowed->store(everything);
    for (int i = 0; i < 2; ++i)
        EXPECT_EQ(running[i]->read_response().status, 200);
}

TEST(explain, makes_no_debug_line_at_another_level) {
    scripted_upstream upstream;
    running_gateway g(with_master + chat_model(upstream));
    debug_log log;
    observe::log::set_level(observe::log::level::info);
    EXPECT_EQ(g.ask(chat_request()).status, 200);
    EXPECT_EQ(log.take().text(), "");
}

}  // namespace
}  // namespace penstock::gateway
