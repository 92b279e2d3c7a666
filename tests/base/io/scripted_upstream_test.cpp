// The scripted upstream and the raw client that component tests stand on do what they say.
#include "support/scripted_upstream.hpp"

#include "support/test_client.hpp"

#include <gtest/gtest.h>

namespace penstock::test {
namespace {

constexpr std::string_view chat_body = R"({"model":"m","messages":[]})";

std::string chat_request() {
    return post("/v1/chat/completions", chat_body);
}

TEST(scripted_upstream, answers_in_the_order_of_its_queue_then_by_its_script) {
    scripted_upstream upstream([](const recorded& request) { return json(request.target()); });
    upstream.enqueue(failure(500));
    test_client client(upstream.port());
    EXPECT_EQ(client.exchange(chat_request()).status, 500);
    EXPECT_EQ(client.exchange(get("/models")).body, "/models");
    EXPECT_EQ(upstream.num_connections(), 1u);
}

TEST(scripted_upstream, records_head_and_body_as_they_came) {
    scripted_upstream upstream;
    test_client client(upstream.port());
    const std::string head = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    client.send_slowly(head + "3\r\nabc\r\n1;x=y\r\nd\r\n0\r\nT: 1\r\n\r\n", 7, milliseconds(1));
    EXPECT_EQ(client.read_response().status, 200);
    ASSERT_EQ(upstream.num_requests(), 1u);
    EXPECT_EQ(upstream.requests()[0].head, head);
    EXPECT_EQ(upstream.requests()[0].body, "abcd");
}

TEST(scripted_upstream, streams_events_with_pauses_between) {
    scripted_upstream upstream;
    answer slow = sse({"one", "two"});
    slow.before_piece = milliseconds(30);
    upstream.enqueue(slow);
    test_client client(upstream.port());
    client.send(chat_request());
    EXPECT_EQ(client.read_head().header("content-type"), "text/event-stream; charset=utf-8");
    const auto one = client.read_event(), two = client.read_event(), done = client.read_event();
    EXPECT_EQ(one.value().text, "data: one\n\n");
    EXPECT_GE(two.value().at - one.value().at, milliseconds(20));
    EXPECT_EQ(done.value().text, "data: [DONE]\n\n");
    EXPECT_FALSE(client.read_event());
}

TEST(scripted_upstream, cuts_an_answer_by_fin_or_reset) {
    for (const cut_by how : {cut_by::fin, cut_by::rst}) {
        scripted_upstream upstream;
        answer cut = json("0123456789");
        cut.cut_after = 4;
        cut.cut = how;
        upstream.enqueue(cut);
        test_client client(upstream.port());
        const response got = client.exchange(chat_request());
        EXPECT_EQ(got.status, 200);
        EXPECT_FALSE(got.whole);
        EXPECT_EQ(got.reset, how == cut_by::rst);
    }
}

TEST(scripted_upstream, closes_silently_or_breaks_a_chunk_when_told) {
    scripted_upstream upstream;
    answer closing = chat("bye");
    closing.then = afterwards::close;
    upstream.enqueue(closing);
    test_client first(upstream.port());
    EXPECT_TRUE(first.exchange(chat_request()).whole);
    EXPECT_TRUE(first.is_closed_within(patience));
    answer broken = sse({"one", "two"});
    broken.break_chunk = 1;
    upstream.enqueue(broken);
    test_client second(upstream.port());
    const response got = second.exchange(chat_request());
    EXPECT_EQ(got.body, "data: one\n\n");
    EXPECT_FALSE(got.whole);
}

TEST(scripted_upstream, sees_a_client_leave_while_it_is_silent) {
    scripted_upstream upstream;
    upstream.enqueue(silence());
    test_client client(upstream.port());
    client.send(chat_request());
    ASSERT_TRUE(upstream.wait_for_requests(1));
    EXPECT_EQ(upstream.num_in_flight(), 1u);
    client.close();
    EXPECT_TRUE(upstream.wait_for_closed_clients(1));
    EXPECT_TRUE(upstream.wait_for_open_connections(0));
    EXPECT_EQ(upstream.num_in_flight(), 0u);
}

TEST(scripted_upstream, tells_how_much_was_written_when_back_pressure_stops_it) {
    scripted_upstream upstream;
    constexpr std::uint64_t offered = 1 << 30;
    upstream.enqueue(endless(offered));
    test_client client(upstream.port(), 4096);
    client.send(chat_request());
    EXPECT_EQ(client.read_head().status, 200);
    EXPECT_GT(client.read_slowly(1 << 20, milliseconds(100)), 1000u);
    const auto written = upstream.written_when_blocked(0);
    ASSERT_TRUE(written);
    EXPECT_LT(*written, offered / 10);
    client.reset();
    EXPECT_TRUE(upstream.wait_for_closed_clients(1));
}

TEST(scripted_upstream, counts_the_most_requests_in_flight_at_once) {
    scripted_upstream upstream;
    for (int i = 0; i < 3; ++i)
        upstream.enqueue(silence());
    test_client a(upstream.port()), b(upstream.port()), c(upstream.port());
    for (test_client* client : {&a, &b, &c})
        client->send(chat_request());
    ASSERT_TRUE(upstream.wait_for_requests(3));
    upstream.drop_connections(cut_by::rst);
    EXPECT_EQ(a.read_response().status, 0);
    EXPECT_TRUE(upstream.wait_for_open_connections(0));
    EXPECT_EQ(upstream.max_in_flight(), 3u);
}

TEST(scripted_upstream, refuses_connections_while_it_does_not_listen) {
    scripted_upstream upstream;
    upstream.stop_listening();
    EXPECT_THROW(test_client(upstream.port()), std::system_error);
    upstream.listen_again();
    EXPECT_EQ(test_client(upstream.port()).exchange(get("/health")).status, 200);
}

TEST(scripted_upstream, greets_each_connection_as_told) {
    scripted_upstream upstream;
    upstream.greet([](std::size_t n) { return n == 0 ? greeting::reset : greeting::never_read; });
    test_client first(upstream.port());
    EXPECT_TRUE(first.is_closed_within(patience));
    test_client second(upstream.port());
    second.send(chat_request());
    EXPECT_TRUE(second.is_quiet_for(milliseconds(50)));
    EXPECT_EQ(upstream.num_requests(), 0u);
}

TEST(scripted_upstream, listens_on_a_unix_socket) {
    const std::string path = testing::TempDir() + "scripted_upstream.sock";
    scripted_upstream upstream(path, [](const recorded&) { return chat("local"); });
    EXPECT_EQ(upstream.url(), "unix:" + path);
    EXPECT_NE(test_client(path).exchange(chat_request()).body.find("local"), std::string::npos);
}

TEST(scripted_upstream, trickles_a_body_byte_by_byte) {
    scripted_upstream upstream;
    answer dripping = json("abc");
    dripping.trickle_bytes = 1;
    dripping.trickle_every = milliseconds(10);
    upstream.enqueue(dripping);
    test_client client(upstream.port());
    EXPECT_EQ(client.exchange(chat_request()).body, "abc");
    ASSERT_TRUE(upstream.wait_until([](const auto& all) { return all[0].answered.has_value(); }));
    EXPECT_EQ(upstream.requests()[0].write_times.size(), 4u);
}

}  // namespace
}  // namespace penstock::test
