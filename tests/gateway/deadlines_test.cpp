// Times that are over: connect, first byte, between bytes, total, and the client's own.
#include "gateway/running_gateway.hpp"

#include <gmock/gmock.h>

namespace penstock::gateway {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

// All above the one that a test is about, which may come before the others say so.
std::string times(const std::string& some, const std::string& models) {
    return "timeouts: {" + some + "}\n" + models;
}

// So that a shorter first byte counts.
const std::string soon = "classes: {realtime: {ttft: 50ms}}\n";

test::answer after_pause(test::answer what, test::milliseconds pause) {
    what.before_head = pause;
    return what;
}

TEST(deadline, of_the_first_byte_ends_a_stream_that_does_not_begin) {
    scripted_upstream upstream([](const auto&) { return test::silence(); });
    running_gateway g(times("first_byte: 100ms, keepalive_after: 0s", soon + chat_model(upstream)));
    const auto asked = test::clock::now();
    const auto got = g.ask(chat_request(streamed));
    EXPECT_EQ(got.status, 504);
    EXPECT_THAT(got.body, HasSubstr(R"("code":"upstream_timeout")"));
    EXPECT_GE(test::clock::now() - asked, 100ms);
    EXPECT_TRUE(upstream.wait_for_closed_clients(1));
    EXPECT_EQ(upstream.num_requests(), 1u) << "what was sent is not sent again";
    EXPECT_TRUE(g.comes_to_rest());
}

TEST(deadline, of_the_first_byte_counts_up_to_the_first_event) {
    scripted_upstream upstream([](const auto&) {
        auto what = test::sse({":comment", ":comment", ":comment"}, false);
        what.before_piece = 80ms;
        what.then = test::afterwards::hang;
        return what;
    });
    running_gateway g(times("first_byte: 100ms, keepalive_after: 0s", soon + chat_model(upstream)));
    EXPECT_EQ(g.ask(chat_request(streamed)).status, 504);
}

TEST(deadline, of_the_first_byte_is_not_for_unstreamed_requests) {
    scripted_upstream upstream([](const auto&) { return after_pause(test::chat("a"), 250ms); });
    running_gateway g(times("first_byte: 100ms", soon + chat_model(upstream)));
    EXPECT_EQ(g.ask(chat_request()).status, 200);
}

TEST(deadline, of_the_first_byte_is_never_before_the_first_token_of_the_class_is_due) {
    scripted_upstream upstream([](const auto&) {
        return after_pause(test::chat_stream({"a"}), 250ms);
    });
    running_gateway g(times(
        "first_byte: 100ms",
        "classes: {realtime: {ttft: 50ms}, bulk: {ttft: 1m}}\n" + chat_model(upstream)
    ));
    EXPECT_EQ(g.ask(chat_request(streamed)).status, 504);
    EXPECT_EQ(g.ask(chat_request(streamed, {{"x-penstock-class", "bulk"}})).status, 200);
}

TEST(deadline, after_a_comment_is_an_error_event) {
    scripted_upstream upstream([](const auto&) { return test::silence(); });
    running_gateway g(times("first_byte: 200ms, keepalive_after: 50ms", soon + chat_model(upstream))
    );
    const auto got = g.ask(chat_request(streamed));
    EXPECT_EQ(got.status, 200);
    EXPECT_THAT(got.body, StartsWith(": keep-alive\n\n"));
    EXPECT_THAT(got.body, EndsWith("\"code\":\"upstream_timeout\"}}\n\n"));
    EXPECT_TRUE(got.whole);
}

TEST(deadline, between_bytes_ends_a_stream_that_falls_silent) {
    auto what = test::sse({"{\"choices\":[{}]}"}, false);
    what.then = test::afterwards::hang;
    scripted_upstream upstream([&](const auto&) { return what; });
    running_gateway g(times("between_bytes: 100ms", chat_model(upstream)));
    const auto got = g.ask(chat_request(streamed));
    EXPECT_EQ(got.status, 200);
    EXPECT_THAT(got.body, StartsWith(what.pieces[0] + "data: {\"error\":"));
    EXPECT_THAT(got.body, HasSubstr("upstream_timeout"));
    EXPECT_EQ(g.log(0)["reason"], "upstream_timeout");
    EXPECT_TRUE(upstream.wait_for_closed_clients(1));
}

TEST(deadline, between_bytes_starts_anew_with_each) {
    auto what = test::chat_stream({"a", "b", "c", "d", "e"});
    what.before_piece = 60ms;
    scripted_upstream upstream([&](const auto&) { return what; });
    running_gateway g(times("between_bytes: 200ms", chat_model(upstream)));
    EXPECT_THAT(g.ask(chat_request(streamed)).body, EndsWith("data: [DONE]\n\n"));
}

TEST(deadline, between_bytes_is_not_for_unstreamed_answers) {
    auto what = test::json("");
    what.pieces = {"{\"a\":", "1}"};
    what.before_piece = 400ms;
    scripted_upstream upstream([&](const auto&) { return what; });
    running_gateway g(times("between_bytes: 100ms", chat_model(upstream)));
    const auto got = g.ask(chat_request());
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.body, "{\"a\":1}");
}

TEST(deadline, of_the_whole_cuts_an_unstreamed_answer_that_stops) {
    auto what = test::json(std::string(100, 'x'));
    what.then = test::afterwards::hang;
    what.raw = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nxxx";
    const std::string all = "connect: 300ms, first_byte: 300ms, between_bytes: 300ms, total: 300ms";
    scripted_upstream upstream([&](const auto&) { return what; });
    running_gateway g(times(all, chat_model(upstream)));
    const auto got = g.ask(chat_request());
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.body, "xxx");
    EXPECT_FALSE(got.whole);
    EXPECT_TRUE(got.reset);
}

TEST(deadline, of_the_whole_ends_a_request_that_runs) {
    const std::string all = "connect: 150ms, first_byte: 150ms, between_bytes: 150ms, total: 150ms";
    auto endless = test::sse({"{\"choices\":[{}]}"}, false);
    endless.repeat = 1000;
    endless.before_piece = 10ms;
    scripted_upstream upstream([&](const auto& request) {
        return request.number == 0 ? test::silence() : endless;
    });
    running_gateway g(times(all, chat_model(upstream)));
    EXPECT_EQ(g.ask(chat_request()).status, 504);
    const auto got = g.ask(chat_request(streamed));
    EXPECT_EQ(got.status, 200);
    EXPECT_THAT(got.body, EndsWith("\"code\":\"upstream_timeout\"}}\n\n"));
    EXPECT_TRUE(upstream.wait_for_closed_clients(2));
}

TEST(deadline, of_the_client_is_kept) {
    scripted_upstream upstream([](const auto&) { return test::silence(); });
    running_gateway g(chat_model(upstream));
    const auto asked = test::clock::now();
    const auto got = g.ask(chat_request({}, {{"x-penstock-deadline-ms", "150"}}));
    EXPECT_EQ(got.status, 504);
    EXPECT_GE(test::clock::now() - asked, 150ms);
    EXPECT_EQ(g.log(0)["deadline_ms"], "150");
}

TEST(deadline, of_the_client_ends_its_wait_in_the_queue) {
    const auto allowed = nothing_yet();
    scripted_upstream upstream([&](const auto&) { return test::held(test::chat("a"), allowed); });
    running_gateway g(chat_model({replica_of(upstream, ", slots: 1")}));
    test_client first(g.port());
    first.send(chat_request());
    ASSERT_TRUE(upstream.wait_for_requests(1));
    const auto asked = test::clock::now();
    const auto got = g.ask(chat_request({}, {{"x-penstock-deadline-ms", "100"}}));
    EXPECT_EQ(got.status, 503);
    EXPECT_GE(test::clock::now() - asked, 100ms);
    EXPECT_EQ(got.header("x-penstock-shed-reason"), "deadline_spent");
    EXPECT_EQ(got.header("x-should-retry"), "false") << "nobody waits for the answer any more";
    for (const char* name : {"x-slo-ttft-ms", "x-llm-d-slo-ttft-ms"}) {
        const auto late = g.ask(chat_request({}, {{name, "100"}}));
        EXPECT_EQ(late.status, 503) << name;
        EXPECT_EQ(late.header("x-penstock-shed-reason"), "too_late");
        EXPECT_EQ(late.header("x-should-retry"), std::nullopt);
    }
    for (std::size_t i = 0; i < 3; ++i)
        EXPECT_EQ(g.log(i)["verdict"], "expired");
    EXPECT_EQ(upstream.num_requests(), 1u);
    allowed->store(everything);
    EXPECT_EQ(first.read_response().status, 200);
}

TEST(deadline, of_the_client_does_not_lengthen_the_gateways) {
    scripted_upstream upstream([](const auto&) { return test::silence(); });
    running_gateway g(times(
        "connect: 150ms, first_byte: 150ms, between_bytes: 150ms, total: 150ms",
        chat_model(upstream)
    ));
    EXPECT_EQ(g.ask(chat_request({}, {{"x-penstock-deadline-ms", "60000"}})).status, 504);
}

TEST(deadline, of_connecting_goes_elsewhere) {
    const test::silent_listener silent;
    scripted_upstream good;
    running_gateway g(times(
        "connect: 100ms",
        chat_model(
            {"{url: \"http://127.0.0.1:" + std::to_string(silent.port()) + "\"}", replica_of(good)}
        )
    ));
    bool waited = false;
    for (int i = 0; i < 2; ++i) {
        const auto got = g.ask(chat_request());
        EXPECT_EQ(got.status, 200);
        waited = waited || got.header("x-penstock-attempts") == "2";
    }
    EXPECT_TRUE(waited);
}

}  // namespace
}  // namespace penstock::gateway
