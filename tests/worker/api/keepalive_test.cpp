// Comments while a stream waits for its first token.
#include "worker/api/running_front.hpp"

namespace penstock::worker::test {
namespace {

constexpr std::string_view comment = ": keep-alive\n\n";

front_options with_comments_after(duration time) {
    front_options options;
    options.service.keepalive_after = time;
    return options;
}

script hello(const generation&) {
    return say("Hello.");
}

TEST(keep_alive, comments_come_until_the_first_token_and_never_after_it) {
    running_front front(hello, with_comments_after(20ms));
    front.speaker().let(0);
    test_client client(front.port());
    client.send(post(chat_path, chat_body(R"("stream":true)")));
    EXPECT_EQ(client.read_head().status, 200) << "the first comment brings it";
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(client.read_event().value().text, comment);
    front.speaker().let(1);
    auto event = client.read_event();
    while (event && event->text == comment)
        event = client.read_event();
    ASSERT_TRUE(event);
    EXPECT_TRUE(event->text.starts_with("data: {"));
    while (event && event->text.find("\"H\"") == std::string::npos)
        event = client.read_event();
    EXPECT_TRUE(client.is_quiet_for(200ms)) << "the answer has begun, and pauses";
}

TEST(keep_alive, comments_leave_the_answer_as_it_is) {
    running_front front(hello, with_comments_after(20ms));
    front.speaker().let(0);
    test_client client(front.port());
    client.send(post(completion_path, R"({"prompt":"Hi","stream":true})"));
    client.read_head();
    EXPECT_EQ(client.read_event().value().text, comment);
    front.speaker().let(fake_engine::everything);
    std::string rest = client.read_rest();
    for (auto at = rest.find(comment); at != std::string::npos; at = rest.find(comment))
        rest.erase(at, comment.size());
    EXPECT_TRUE(rest.starts_with("data: {")) << rest;
    EXPECT_TRUE(rest.ends_with("data: [DONE]\n\n")) << rest;
}

TEST(keep_alive, comments_are_not_sent_to_who_wants_none) {
    running_front silent(hello, with_comments_after(0ms));
    silent.speaker().let(0);
    test_client of_silent(silent.port());
    of_silent.send(post(chat_path, chat_body(R"("stream":true)")));
    EXPECT_TRUE(of_silent.is_quiet_for(100ms));
    running_front front(hello, with_comments_after(20ms));
    front.speaker().let(0);
    test_client asks_for_none(front.port()), unstreamed(front.port());
    asks_for_none.send(
        post(chat_path, chat_body(R"("stream":true)"), {{"x-penstock-no-keepalive", "True"}})
    );
    unstreamed.send(post(chat_path, chat_body()));
    EXPECT_TRUE(asks_for_none.is_quiet_for(100ms));
    EXPECT_TRUE(unstreamed.is_quiet_for(1ms));
}

TEST(keep_alive, comments_make_a_later_failure_an_event) {
    running_front front(
        [](const generation&) { return script{ids_of("a"), 0, finish::failed}; },
        with_comments_after(20ms)
    );
    front.speaker().let(0);
    test_client client(front.port());
    client.send(post(chat_path, chat_body(R"("stream":true)")));
    EXPECT_EQ(client.read_head().status, 200);
    front.speaker().let(fake_engine::everything);
    const std::string rest = client.read_rest();
    EXPECT_NE(rest.find(R"(data: {"error":{)"), std::string::npos) << rest;
}

TEST(keep_alive, comments_go_on_to_nobody_who_has_left) {
    running_front front(hello, with_comments_after(20ms));
    front.speaker().let(0);
    {
        test_client client(front.port());
        client.send(post(chat_path, chat_body(R"("stream":true)")));
        client.read_head();
    }
    EXPECT_TRUE(eventually([&] { return front.speaker().num_aborted() == 1; }));
}

}  // namespace
}  // namespace penstock::worker::test
