// Comments while the first event is awaited.
#include "gateway/running_gateway.hpp"

#include <gmock/gmock.h>

namespace penstock::gateway {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view comment = ": keep-alive\n\n";

std::string soon(const std::string& models) {
    return "timeouts: {keepalive_after: 50ms}\n" + models;
}

TEST(keepalive, comments_start_after_their_time_and_the_stream_follows) {
    const auto allowed = nothing_yet();
    const auto what = test::chat_stream({"a"});
    scripted_upstream upstream([&](const auto&) { return test::held(what, allowed); });
    running_gateway g(soon(chat_model(upstream)));
    test_client client(g.port());
    const auto asked = test::clock::now();
    client.send(chat_request(streamed_with_usage));
    EXPECT_EQ(client.read_head().status, 200);
    for (int i = 0; i < 3; ++i) {
        const auto event = client.read_event();
        ASSERT_TRUE(event);
        EXPECT_EQ(event->text, comment);
        EXPECT_GE(event->at - asked, 50ms * (i + 1)) << "not before";
    }
    allowed->store(everything);
    std::string rest = client.read_rest();
    while (rest.starts_with(comment))
        rest.erase(0, comment.size());
    std::string expected;
    for (const auto& piece : what.pieces)
        expected += piece;
    EXPECT_EQ(rest, expected);
    EXPECT_EQ(g.log(0)["verdict"], "served");
    EXPECT_EQ(g.log(0)["status"], "200");
}

TEST(keepalive, comments_never_stand_inside_a_stream_that_has_begun) {
    const auto allowed = nothing_yet();
    const auto what = test::chat_stream({"a"});
    scripted_upstream upstream([&](const auto&) { return test::held(what, allowed); });
    running_gateway g(soon(chat_model(upstream)));
    allowed->store(1);
    test_client client(g.port());
    client.send(chat_request(streamed));
    ASSERT_EQ(client.read_head().status, 200);
    ASSERT_EQ(client.read_event()->text, what.pieces[0]);
    EXPECT_TRUE(client.is_quiet_for(200ms));
    allowed->store(everything);
    EXPECT_THAT(client.read_rest(), Not(HasSubstr("keep-alive")));
}

TEST(keepalive, comments_are_not_sent_to_whom_does_not_want_them) {
    scripted_upstream upstream([&](const auto&) {
        auto what = test::chat_stream({"a"});
        what.before_head = 200ms;
        return what;
    });
    running_gateway g(soon(chat_model(upstream)));
    const auto asked_not = g.ask(chat_request(streamed, {{"x-penstock-no-keepalive", "1"}}));
    EXPECT_EQ(asked_not.status, 200);
    EXPECT_THAT(asked_not.body, Not(HasSubstr("keep-alive")));
    upstream.enqueue([] {
        auto what = test::chat("a");
        what.before_head = 200ms;
        return what;
    }());
    const auto unstreamed = g.ask(chat_request());
    EXPECT_THAT(unstreamed.body, StartsWith("{")) << "an unstreamed answer has none";
}

TEST(keepalive, comments_can_be_turned_off) {
    scripted_upstream upstream([&](const auto&) {
        auto what = test::chat_stream({"a"});
        what.before_head = 150ms;
        return what;
    });
    running_gateway g("timeouts: {keepalive_after: 0s}\n" + chat_model(upstream));
    EXPECT_THAT(g.ask(chat_request(streamed)).body, Not(HasSubstr("keep-alive")));
}

TEST(keepalive, comments_are_followed_by_an_error_event_when_the_upstream_fails) {
    scripted_upstream upstream([&](const auto&) {
        auto what = test::failure(500);
        what.before_head = 200ms;
        return what;
    });
    running_gateway g(soon(chat_model(upstream)));
    const auto got = g.ask(chat_request(streamed));
    EXPECT_EQ(got.status, 200);
    EXPECT_TRUE(got.whole);
    EXPECT_THAT(got.body, StartsWith(std::string(comment)));
    EXPECT_THAT(
        got.body, HasSubstr("data: {\"error\":{\"message\":\"The model's replica failed.\"")
    );
    EXPECT_THAT(got.body, Not(HasSubstr("[DONE]")));
    EXPECT_EQ(g.log(0)["reason"], "upstream_failed");
}

TEST(keepalive, comments_are_followed_by_an_error_event_when_the_upstream_refuses) {
    for (const int status : {400, 401, 429}) {
        scripted_upstream upstream([&](const auto&) {
            auto what = test::failure(status);
            what.before_head = 200ms;
            return what;
        });
        running_gateway g(soon(chat_model(upstream)));
        const auto got = g.ask(chat_request(streamed));
        EXPECT_EQ(got.status, 200);
        EXPECT_THAT(got.body, HasSubstr("data: {\"error\":{")) << status;
        EXPECT_THAT(got.body, Not(HasSubstr("scripted"))) << "no upstream text";
    }
}

TEST(keepalive, comments_do_not_forbid_to_try_elsewhere) {
    scripted_upstream bad([](const auto&) {
        auto what = test::error_event_first();
        what.before_head = 200ms;
        return what;
    });
    scripted_upstream good([](const auto&) { return test::chat_stream({"fine"}); });
    running_gateway g(soon(chat_model({replica_of(bad), replica_of(good)})));
    std::string body;
    while (bad.num_requests() == 0)
        body = g.ask(chat_request(streamed)).body;
    EXPECT_THAT(body, StartsWith(std::string(comment)));
    EXPECT_THAT(body, HasSubstr("fine"));
    EXPECT_THAT(body, HasSubstr("[DONE]"));
    EXPECT_THAT(body, Not(HasSubstr("error")));
}

}  // namespace
}  // namespace penstock::gateway
