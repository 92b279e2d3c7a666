// Requests that are wrong: each gets a status and an error in its route's dialect, reaches no
// upstream and holds up nobody else.
#include "gateway/running_gateway.hpp"

#include <gmock/gmock.h>

namespace penstock::gateway {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

struct wrong {
    std::string name;
    std::string request;
    int status;
    std::string code;  // of the error
};

void expect_openai_error(const test::response& got, const wrong& asked) {
    EXPECT_EQ(got.status, asked.status) << asked.name;
    EXPECT_TRUE(got.whole) << asked.name;
    EXPECT_EQ(got.header("content-type"), "application/json") << asked.name;
    EXPECT_THAT(got.body, StartsWith(R"({"error":{"message":")")) << asked.name;
    EXPECT_THAT(got.body, EndsWith("\"code\":\"" + asked.code + "\"}}")) << asked.name;
    EXPECT_TRUE(got.header("x-request-id")) << asked.name;
}

// ── heads ───────────────────────────────────────────────────────────────────────────────────────

std::vector<wrong> wrong_heads() {
    using namespace std::string_literals;
    const std::string bad = "malformed_request";
    return {
        {"no HTTP", "hello\r\n\r\n", 400, bad},
        {"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"s, 400, bad},
        {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, bad},
        {"no version", "GET /health\r\n\r\n", 400, bad},
        {"HTTP/1.2", "GET /health HTTP/1.2\r\nHost: t\r\n\r\n", 400, bad},
        {"spaces in the line", "GET  /health HTTP/1.1\r\nHost: t\r\n\r\n", 400, bad},
        {"no host", "GET /health HTTP/1.1\r\n\r\n", 400, bad},
        {"two hosts", "GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, bad},
        {"length and chunked",
         with_head("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n"),
         400,
         bad},
        {"two lengths", with_head("Content-Length: 2\r\nContent-Length: 3\r\n"), 400, bad},
        {"two equal lengths", with_head("Content-Length: 2\r\nContent-Length: 2\r\n"), 400, bad},
        {"list of lengths", with_head("Content-Length: 2, 2\r\n"), 400, bad},
        {"signed length", with_head("Content-Length: +2\r\n"), 400, bad},
        {"negative length", with_head("Content-Length: -2\r\n"), 400, bad},
        {"hex length", with_head("Content-Length: 0x2\r\n"), 400, bad},
        {"endless length", with_head("Content-Length: 99999999999999999999\r\n"), 400, bad},
        {"empty length", with_head("Content-Length:\r\n"), 400, bad},
        {"gzip", with_head("Transfer-Encoding: gzip, chunked\r\n"), 400, bad},
        {"chunked twice", with_head("Transfer-Encoding: chunked, chunked\r\n"), 400, bad},
        {"chunked by another name", with_head("Transfer-Encoding: xchunked\r\n"), 400, bad},
        {"folded", with_head("X-A: 1\r\n  2\r\nContent-Length: 2\r\n"), 400, bad},
        {"bare LF", "GET /health HTTP/1.1\nHost: t\n\n", 400, bad},
        {"bare CR", with_head("X-A: 1\r2\r\nContent-Length: 2\r\n"), 400, bad},
        {"NUL", with_head("X-A: 1"s + '\0' + "2\r\nContent-Length: 2\r\n"), 400, bad},
        {"control byte", with_head("X-A: 1\x01\r\nContent-Length: 2\r\n"), 400, bad},
        {"space before the colon", with_head("Content-Length : 2\r\n"), 400, bad},
        {"no colon", with_head("Content-Length\r\n"), 400, bad},
        {"no name", with_head(": 2\r\n"), 400, bad},
        {"large head", with_head("X-A: " + std::string(17'000, 'a') + "\r\n"), 431, "head_too_large"
        },
        {"endless head",
         with_head("X-A: " + std::string(40'000, 'a')).substr(0, 40'000),
         431,
         "head_too_large"},
        {"many headers",
         [] {
             std::string lines;
             for (int i = 0; i < 200; ++i)
                 lines += "A: 1\r\n";
             return with_head(lines);
         }(),
         431,
         "head_too_large"},
        {"long target",
         "GET /" + std::string(9'000, 'a') + " HTTP/1.1\r\nHost: t\r\n\r\n",
         414,
         "target_too_long"},
        {"unknown expectation",
         with_head("Expect: 200-maybe\r\nContent-Length: 2\r\n"),
         417,
         "expectation_failed"},
    };
}

TEST(bad_input, in_the_head_is_refused_and_the_connection_closed) {
    scripted_upstream upstream;
    running_gateway g(chat_model(upstream));
    test_client other(g.port());
    for (const auto& asked : wrong_heads()) {
        test_client client(g.port());
        const auto got = client.exchange(asked.request);
        expect_openai_error(got, asked);
        EXPECT_EQ(got.header("connection"), "close") << asked.name;
        EXPECT_TRUE(client.is_closed_within(3s)) << asked.name;
        ASSERT_EQ(other.exchange(test::get("/health/liveness")).status, 200) << asked.name;
    }
    EXPECT_EQ(upstream.num_requests(), 0u);
    EXPECT_TRUE(g.comes_to_rest());
}

TEST(bad_input, smuggled_behind_a_refused_request_is_not_served) {
    scripted_upstream upstream;
    running_gateway g(chat_model(upstream));
    test_client client(g.port());
    client.send(
        with_head("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n") +
        chat_request()
    );
    EXPECT_EQ(client.read_response().status, 400);
    EXPECT_TRUE(client.is_closed_within(3s));
    EXPECT_EQ(upstream.num_requests(), 0u);
}

// ── routes and bodies ───────────────────────────────────────────────────────────────────────────

std::string json_nested(std::size_t depth) {
    return R"({"model":"chat","messages":[],"x":)" + std::string(depth, '[') +
           std::string(depth, ']') + "}";
}

std::vector<wrong> wrong_requests() {
    using namespace std::string_literals;
    const auto chat = [](std::string body) { return test::post(chat_path, body); };
    return {
        {"unknown route", test::post("/v1/nothing", "{}"), 404, "unknown_route"},
        {"root", test::get("/"), 404, "unknown_route"},
        {"asterisk", "OPTIONS * HTTP/1.1\r\nHost: t\r\n\r\n", 400, "malformed_request"},
        {"wrong method", test::get("/v1/chat/completions"), 405, "method_not_allowed"},
        {"wrong method of ours", test::post("/v1/models", "{}"), 405, "method_not_allowed"},
        {"empty body", chat(""), 400, "invalid_json"},
        {"no JSON", chat("model=chat"), 400, "invalid_json"},
        {"an array", chat("[]"), 400, "invalid_json"},
        {"cut off", chat(R"({"model":"chat")"), 400, "invalid_json"},
        {"two documents", chat("{\"model\":\"chat\",\"messages\":[]} {}"), 400, "invalid_json"},
        {"NUL behind", chat("{\"model\":\"chat\",\"messages\":[]}"s + '\0'), 400, "invalid_json"},
        {"bad UTF-8",
         chat("{\"model\":\"chat\",\"messages\":[],\"x\":\"\xc3\x28\"}"),
         400,
         "invalid_json"},
        {"lone surrogate",
         chat(R"({"model":"chat","messages":[],"x":"\ud800"})"),
         400,
         "invalid_json"},
        {"endless number", chat(R"({"model":"chat","messages":[],"x":1e999})"), 400, "invalid_json"
        },
        {"10000 deep", chat(json_nested(10'000)), 400, "json_too_deep"},
        {"65 deep", chat(json_nested(65)), 400, "json_too_deep"},
        {"model twice",
         chat(R"({"model":"chat","model":"x","messages":[]})"),
         400,
         "ambiguous_field"},
        {"escaped model", chat(R"({"m\u006fdel":"chat","messages":[]})"), 400, "ambiguous_field"},
        {"no model", chat(R"({"messages":[]})"), 400, "missing_required_parameter"},
        {"model is a number", chat(R"({"model":5,"messages":[]})"), 400, "invalid_type"},
        {"model is null", chat(R"({"model":null,"messages":[]})"), 400, "invalid_type"},
        {"stream is a string",
         chat(R"({"model":"chat","messages":[],"stream":"yes"})"),
         400,
         "invalid_type"},
        {"unknown model", chat(R"({"model":"gpt-9","messages":[]})"), 404, "model_not_found"},
        {"route not served",
         test::post("/v1/embeddings", R"({"model":"chat","input":"a"})"),
         404,
         "route_not_served"},
        {"broken chunks",
         with_head("Transfer-Encoding: chunked\r\n", "zz\r\n"),
         400,
         "malformed_body"},
        {"chunk without end",
         with_head("Transfer-Encoding: chunked\r\n", "2\r\n{}x"),
         400,
         "malformed_body"},
        {"signed chunk",
         with_head("Transfer-Encoding: chunked\r\n", "+2\r\n{}\r\n0\r\n\r\n"),
         400,
         "malformed_body"},
        {"chunk too large",
         with_head("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n"),
         400,
         "malformed_body"},
        {"large body", with_head("Content-Length: 70000\r\n", ""), 413, "body_too_large"},
        {"large chunks",
         with_head("Transfer-Encoding: chunked\r\n", "11170\r\n" + std::string(70'000, 'x')),
         413,
         "body_too_large"},
        {"multipart without a boundary",
         "POST /v1/audio/transcriptions HTTP/1.1\r\nHost: t\r\nContent-Type: "
         "multipart/form-data\r\n"
         "Content-Length: 2\r\n\r\n{}",
         400,
         "malformed_body"},
    };
}

TEST(bad_input, in_a_request_is_refused_in_words) {
    scripted_upstream upstream;
    running_gateway g(
        "limits: {body: 64Ki}\n" +
        chat_model(
            {replica_of(upstream, ", serves: [/v1/chat/completions, /v1/audio/transcriptions]")}
        )
    );
    test_client other(g.port());
    for (const auto& asked : wrong_requests()) {
        test_client client(g.port());
        expect_openai_error(client.exchange(asked.request), asked);
        ASSERT_EQ(other.exchange(chat_request()).status, 200) << asked.name;
    }
    EXPECT_EQ(upstream.num_requests(), wrong_requests().size()) << "those of the other client";
    EXPECT_TRUE(g.comes_to_rest());
    EXPECT_EQ(g.metric("penstock_body_bytes_held"), 0);
}

TEST(bad_input, is_named_by_its_field) {
    scripted_upstream upstream;
    running_gateway g(chat_model(upstream));
    const auto param_of = [&](const std::string& body) {
        const std::string got = g.ask(test::post(chat_path, body)).body;
        const auto at = got.find("\"param\":");
        return got.substr(at + 8, got.find(",\"code\"") - at - 8);
    };
    EXPECT_EQ(param_of(R"({"messages":[]})"), "\"model\"");
    EXPECT_EQ(param_of(R"({"model":[],"messages":[]})"), "\"model\"");
    EXPECT_EQ(param_of(R"({"model":"gpt-9","messages":[]})"), "\"model\"");
    EXPECT_EQ(param_of(R"({"model":"chat","messages":{}})"), "\"messages\"");
    EXPECT_EQ(param_of(R"({"model":"chat","messages":[],"max_tokens":"9"})"), "\"max_tokens\"");
    EXPECT_EQ(param_of(R"({"model":"chat","messages":[],"stream":1})"), "\"stream\"");
    EXPECT_EQ(
        param_of(R"({"model":"chat","messages":[],"stream_options":{"include_usage":1}})"),
        "\"stream_options.include_usage\""
    );
    EXPECT_EQ(param_of("{"), "null");
}

TEST(bad_input, of_the_messages_dialect_is_told_in_it) {
    scripted_upstream upstream;
    running_gateway g(chat_model(upstream));
    const auto got = g.ask(
        test::post("/v1/messages", R"({"max_tokens":1,"messages":[]})", {{"x-request-id", "r1"}})
    );
    EXPECT_EQ(got.status, 400);
    EXPECT_THAT(
        got.body,
        StartsWith(R"({"type":"error","error":{"type":"invalid_request_error","message":")")
    );
    EXPECT_THAT(got.body, HasSubstr("model"));
    EXPECT_THAT(got.body, EndsWith(R"("request_id":"r1"})"));
    const auto missing =
        g.ask(test::post("/v1/messages", R"({"model":"x","max_tokens":1,"messages":[]})"));
    EXPECT_EQ(missing.status, 404);
    EXPECT_THAT(missing.body, HasSubstr(R"("type":"not_found_error")"));
}

TEST(bad_input, in_the_head_is_told_in_the_dialect_of_its_route) {
    scripted_upstream upstream;
    running_gateway g(chat_model(upstream));
    const auto got = g.ask("POST /v1/messages?beta=1 HTTP/1.1\r\nHost: t\r\nExpect: more\r\n\r\n");
    EXPECT_EQ(got.status, 417);
    EXPECT_THAT(got.body, StartsWith(R"({"type":"error")"));
}

TEST(bad_input, names_the_models_that_serve_a_route) {
    scripted_upstream upstream;
    running_gateway g(
        "models:\n  chat: {replicas: [" + replica_of(upstream, ", serves: [/v1/chat/completions]") +
        "]}\n  embed: {replicas: [" + replica_of(upstream, ", serves: [/v1/embeddings]") + "]}\n"
    );
    const auto got = g.ask(test::post("/v1/embeddings", R"({"model":"chat","input":"a"})"));
    EXPECT_EQ(got.status, 404);
    EXPECT_THAT(got.body, HasSubstr("embed"));
    EXPECT_EQ(g.ask(test::post("/v1/embeddings", R"({"model":"embed","input":"a"})")).status, 200);
}

TEST(bad_input, under_litellms_statuses_has_them) {
    scripted_upstream upstream;
    running_gateway g("compat: {litellm_status: \"1.81\"}\n" + chat_model(upstream));
    EXPECT_EQ(g.ask(test::post(chat_path, R"({"model":"gpt-9","messages":[]})")).status, 400);
}

// ── slowness ────────────────────────────────────────────────────────────────────────────────────

TEST(bad_input, that_trickles_is_cut_off) {
    scripted_upstream upstream;
    running_gateway g("timeouts: {head: 150ms, body: 150ms}\nthreads: 1\n" + chat_model(upstream));
    test_client head(g.port()), body(g.port());
    body.send(chat_request().substr(0, chat_request().size() - 10));
    head.send_slowly("POST /v1/chat/completions HTTP/1.1\r\nHost", 2, 10ms);
    const auto slow_head = head.read_response();
    EXPECT_EQ(slow_head.status, 408);
    EXPECT_THAT(slow_head.body, HasSubstr("request_timeout"));
    EXPECT_TRUE(head.is_closed_within(3s));
    const auto slow_body = body.read_response();
    EXPECT_EQ(slow_body.status, 408);
    EXPECT_EQ(slow_body.header("connection"), "close");
    EXPECT_TRUE(body.is_closed_within(3s));
    EXPECT_EQ(upstream.num_requests(), 0u);
    EXPECT_EQ(g.metric("penstock_body_bytes_held"), 0);
}

TEST(bad_input, of_many_slow_clients_holds_up_nobody) {
    scripted_upstream upstream;
    running_gateway g("threads: 1\n" + chat_model(upstream));
    std::vector<std::unique_ptr<test_client>> slow;
    for (int i = 0; i < 100; ++i) {
        slow.push_back(std::make_unique<test_client>(g.port()));
        slow.back()->send(i % 2 == 0 ? "POST /v1" : chat_request().substr(0, 150));
    }
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(g.ask(chat_request()).status, 200);
}

TEST(bad_input, leaves_idle_connections_alone_until_their_time) {
    scripted_upstream upstream;
    running_gateway g("timeouts: {idle: 200ms, head: 50ms}\n" + chat_model(upstream));
    test_client client(g.port());
    EXPECT_TRUE(client.is_quiet_for(100ms)) << "nothing sent yet: no slow head";
    EXPECT_EQ(client.exchange(chat_request()).status, 200);
    EXPECT_TRUE(client.is_quiet_for(100ms));
    EXPECT_EQ(client.exchange(chat_request()).status, 200);
    EXPECT_TRUE(client.is_closed_within(3s));
}

}  // namespace
}  // namespace penstock::gateway
