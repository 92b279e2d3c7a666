// Streams: how soon bytes arrive, which event is taken out, and how a stream ends that broke.
#include "gateway/running_gateway.hpp"

#include <gmock/gmock.h>

namespace penstock::gateway {
namespace {

using test::answer;
using test::sse;
using testing::HasSubstr;

// ── how soon ────────────────────────────────────────────────────────────────────────────────────

TEST(stream, of_single_bytes_arrives_each_within_20_ms) {
    const std::string first = "data: 1\n\n", rest = "data: {\"a\":\"b\"}\n";
    answer trickle;
    trickle.headers = {{"Content-Type", "text/event-stream"}};
    trickle.framed = test::framing::until_close;
    trickle.pieces.push_back(first);
    for (const char c : rest)
        trickle.pieces.emplace_back(1, c);
    trickle.before_piece = 100ms;
    scripted_upstream upstream([&](const auto&) { return trickle; });
    running_gateway g(chat_model(upstream));

    test_client client(g.port());
    client.send(chat_request(streamed_with_usage));
    ASSERT_EQ(client.read_head().status, 200);
    ASSERT_EQ(client.read_some(first.size()), first);
    std::vector<test::time_point> came;
    for (const char c : rest) {
        ASSERT_EQ(client.read_some(1), std::string(1, c));
        came.push_back(test::clock::now());
    }
    ASSERT_TRUE(upstream.wait_until([](const auto& all) { return all[0].answered.has_value(); }));
    const auto written =
        upstream.requests()[0].write_times;  // the head, the first event, the bytes
    ASSERT_EQ(written.size(), 2 + rest.size());
    int late = 0;
    for (std::size_t i = 0; i < rest.size(); ++i) {
        const auto took = came[i] - written[i + 2];
        ASSERT_LT(took, 100ms) << "byte " << i << " came before the next was written";
        late += took > 20ms;
    }
    EXPECT_LE(late, is_sanitized ? 4 : 1) << "one may be late on a machine that is busy otherwise";
}

TEST(stream, waits_for_no_byte_behind_the_one_that_it_has) {
    const auto allowed = nothing_yet();
    answer what;
    what.headers = {{"Content-Type", "text/event-stream"}};
    what.framed = test::framing::chunked;
    what.pieces = {"data: 1\n\n"};
    const std::string rest = "data: {\"choices\":[{\"delta\":{}}]}\r\n\r\n: x\n\ndata: [DONE]\n\n";
    for (const char c : rest)
        what.pieces.emplace_back(1, c);
    scripted_upstream upstream([&](const auto&) { return test::held(what, allowed); });
    running_gateway g(chat_model(upstream));
    test_client client(g.port());
    client.send(chat_request(streamed_with_usage));
    allowed->store(1);
    ASSERT_EQ(client.read_head().status, 200) << "with the first event alone";
    ASSERT_EQ(client.read_some(100), "data: 1\n\n");
    for (std::size_t i = 0; i < rest.size(); ++i) {
        allowed->store(i + 2);
        ASSERT_EQ(client.read_some(100), rest.substr(i, 1)) << "byte " << i;
    }
    allowed->store(everything);
    EXPECT_EQ(client.read_rest(), "");
}

TEST(stream, shows_an_event_as_soon_as_it_is_whole_though_usage_is_hidden) {
    const auto allowed = nothing_yet();
    const answer what = test::chat_stream({"a", "b", "c"}, {{1, 2}});
    scripted_upstream upstream([&](const auto&) { return test::held(what, allowed); });
    running_gateway g(chat_model(upstream));
    test_client client(g.port());
    client.send(chat_request(streamed));
    for (std::size_t i = 0; i < 5; ++i) {
        allowed->store(i + 1);
        if (i == 0) {
            ASSERT_EQ(client.read_head().status, 200);
        }
        const auto event = client.read_event();
        ASSERT_TRUE(event);
        EXPECT_EQ(event->text, what.pieces[i]);
    }
    allowed->store(everything);
    EXPECT_EQ(client.read_rest(), "data: [DONE]\n\n");
}

// ── usage ───────────────────────────────────────────────────────────────────────────────────────

TEST(stream, hides_the_usage_that_the_client_did_not_ask_for_and_logs_it) {
    const answer what = test::chat_stream({"Hello", " world"}, {{17, 2}});
    scripted_upstream upstream([&](const auto&) { return what; });
    running_gateway g(chat_model(upstream));
    const auto got = g.ask(chat_request(streamed));
    std::string expected = all_of(what);
    const auto usage = expected.find(what.pieces[what.pieces.size() - 2]);
    expected.erase(usage, what.pieces[what.pieces.size() - 2].size());
    EXPECT_EQ(got.body, expected);
    EXPECT_TRUE(got.whole);
    EXPECT_THAT(
        upstream.requests()[0].body, HasSubstr(R"("stream_options":{"include_usage":true})")
    );
    const auto line = g.log(0);
    EXPECT_EQ(line["prompt"], "17");
    EXPECT_EQ(line["output"], "2");
    EXPECT_EQ(line["estimated"], "false");
    EXPECT_EQ(line["streamed"], "true");
    EXPECT_EQ(line["events"], "6");
    EXPECT_EQ(line["verdict"], "served");
}

TEST(stream, shows_the_usage_that_the_client_asked_for) {
    const answer what = test::chat_stream({"Hello"}, {{17, 1}});
    scripted_upstream upstream([&](const auto&) { return what; });
    running_gateway g(chat_model(upstream));
    EXPECT_EQ(g.ask(chat_request(streamed_with_usage)).body, all_of(what));
    EXPECT_EQ(g.log(0)["output"], "1");
}

TEST(stream, is_whole_however_the_upstream_chunks_it) {
    const answer events = test::chat_stream({"one", "two", "three", "four"}, {{9, 4}});
    const std::string text = all_of(events);
    const std::string hidden = events.pieces[events.pieces.size() - 2];
    std::string shown = text;
    shown.erase(shown.find(hidden), hidden.size());
    scripted_upstream upstream;
    running_gateway g(chat_model(upstream));
    for (const std::size_t step : {1u, 3u, 10u, 50u, 151u, 400u, 10'000u}) {
        // All in one write: many chunks lie in one read.
        answer what;
        what.raw =
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: "
            "chunked\r\n\r\n";
        for (std::size_t at = 0; at < text.size(); at += step) {
            const std::string part = text.substr(at, step);
            char size[16];
            std::snprintf(size, sizeof size, "%zx\r\n", part.size());
            what.raw += size + part + "\r\n";
        }
        what.raw += "0\r\n\r\n";
        upstream.enqueue(what);
        const auto got = g.ask(chat_request(streamed));
        EXPECT_EQ(got.body, shown) << step;
        EXPECT_TRUE(got.whole) << step;
    }
}

TEST(stream, of_a_thousand_small_events_is_whole) {
    std::vector<std::string> words;
    for (int i = 0; i < 1000; ++i)
        words.push_back(std::to_string(i));
    const answer what = test::chat_stream(words);
    scripted_upstream upstream([&](const auto&) { return what; });
    running_gateway g(chat_model(upstream));
    for (const auto how : {streamed, streamed_with_usage}) {
        const auto got = g.ask(chat_request(how));
        EXPECT_TRUE(got.body == all_of(what));
        EXPECT_TRUE(got.whole);
    }
    const auto line = g.log(0);
    EXPECT_EQ(line["output"], "1000") << "our own count, where the upstream says nothing";
    EXPECT_EQ(line["estimated"], "true");
}

// All of them become ready in the same turn of the one loop, their first events behind what has
// been read of them already.
TEST(stream, shares_no_byte_with_those_that_begin_at_the_same_time) {
    constexpr std::size_t num_streams = 48;
    const auto allowed = std::make_shared<std::atomic<std::size_t>>(1);
    const auto text_of = [](std::size_t i) {
        std::string text;
        for (std::size_t event = 0; event < 3; ++event)
            text += "data: " + std::string(20 + i, static_cast<char>('0' + i)) + "\n\n";
        return text;
    };
    const std::string comment = ": wait\n\n", last = "data: [DONE]\n\n";
    scripted_upstream upstream([&](const test::recorded& r) {
        const auto at = r.body.find("\"user\":\"") + 8;
        const auto i = static_cast<std::size_t>(std::stoi(r.body.substr(at)));
        answer what;
        what.headers = {{"Content-Type", "text/event-stream"}};
        what.framed = test::framing::chunked;
        what.pieces = {comment, text_of(i), last};
        return test::held(what, allowed);
    });
    running_gateway g("threads: 1\n" + chat_model(upstream));
    std::vector<test_client> clients;
    for (std::size_t i = 0; i < num_streams; ++i) {
        clients.emplace_back(g.port());
        const std::string user = ",\"user\":\"" + std::to_string(i) + "\"";
        clients.back().send(chat_request(std::string(streamed_with_usage) + user));
    }
    ASSERT_TRUE(upstream.wait_for_requests(num_streams));
    allowed->store(everything);
    for (std::size_t i = 0; i < num_streams; ++i) {
        const auto got = clients[i].read_response();
        EXPECT_TRUE(got.whole) << i;
        EXPECT_EQ(got.body, comment + text_of(i) + last) << i;
    }
}

TEST(stream, adds_up_the_usage_of_the_messages_dialect) {
    const answer what = sse(
        {"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":"
         "{\"input_tokens\":21,\"cache_read_input_tokens\":4,\"output_tokens\":1}}}",
         "event: content_block_delta\ndata: "
         "{\"type\":\"content_block_delta\",\"delta\":{\"text\":\"a\"}}",
         "event: message_delta\ndata: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":8}}",
         "event: message_stop\ndata: {\"type\":\"message_stop\"}"},
        false
    );
    scripted_upstream upstream([&](const auto&) { return what; });
    running_gateway g(chat_model(upstream));
    const std::string body = R"({"model":"chat","max_tokens":9,"stream":true,"messages":[]})";
    EXPECT_EQ(g.ask(test::post("/v1/messages", body)).body, all_of(what));
    EXPECT_EQ(upstream.requests()[0].body, body) << "nothing is injected there";
    EXPECT_EQ(g.log(0)["output"], "8");
    EXPECT_EQ(g.log(0)["cached"], "4");
    EXPECT_EQ(g.log(0)["estimated"], "false");
}

TEST(stream, reads_the_usage_of_the_responses_dialect) {
    const answer what =
        sse({"event: response.created\ndata: {\"type\":\"response.created\",\"response\":{}}",
             "event: response.output_text.delta\ndata: "
             "{\"type\":\"response.output_text.delta\",\"delta\":\"a\"}",
             "event: response.completed\ndata: "
             "{\"type\":\"response.completed\",\"response\":{\"usage\":"
             "{\"input_tokens\":30,\"output_tokens\":6}}}"},
            false);
    scripted_upstream upstream([&](const auto&) { return what; });
    running_gateway g(chat_model(upstream));
    const std::string body = R"({"model":"chat","stream":true,"input":"hi"})";
    EXPECT_EQ(g.ask(test::post("/v1/responses", body)).body, all_of(what));
    EXPECT_EQ(g.log(0)["prompt"], "30");
    EXPECT_EQ(g.log(0)["output"], "6");
}

// ── other framings ──────────────────────────────────────────────────────────────────────────────

TEST(stream, to_a_client_of_http_1_0_ends_with_the_connection) {
    const answer what = test::chat_stream({"a"});
    scripted_upstream upstream([&](const auto&) { return what; });
    running_gateway g(chat_model(upstream));
    const std::string body = chat_body(streamed_with_usage);
    const auto got = g.ask(
        "POST /v1/chat/completions HTTP/1.0\r\nContent-Length: " + std::to_string(body.size()) +
        "\r\n\r\n" + body
    );
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.header("transfer-encoding"), std::nullopt);
    EXPECT_EQ(got.header("connection"), "close");
    EXPECT_EQ(got.body, all_of(what));
}

TEST(stream, of_bytes_that_are_no_events_passes_as_it_is) {
    scripted_upstream upstream([](const auto&) {
        answer what = test::json("{\"not\":\"a stream\"}");
        what.framed = test::framing::chunked;
        return what;
    });
    running_gateway g(chat_model(upstream));
    const auto got = g.ask(chat_request(streamed));
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.body, "{\"not\":\"a stream\"}");
}

}  // namespace
}  // namespace penstock::gateway
