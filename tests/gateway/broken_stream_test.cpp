// Streams that break: what the client is told, and what is tried elsewhere.
#include "gateway/running_gateway.hpp"

#include <gmock/gmock.h>

namespace penstock::gateway {
namespace {

using test::answer;
using test::sse;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class broken_stream : public testing::Test {
 protected:
    // What a client gets of a stream in this dialect that ends like this.
    test::response get(const answer& what, std::string_view path = chat_path) {
        scripted_upstream upstream([&](const auto&) { return what; });
        running_gateway g(chat_model(upstream));
        const bool chat = path == chat_path;
        const std::string body = R"({"model":"chat","stream":true,"max_tokens":9,"input":"",)"
                                 R"("messages":[]})";
        const auto got = g.ask(test::post(path, chat ? chat_body(streamed_with_usage) : body));
        EXPECT_EQ(got.status, 200);
        EXPECT_TRUE(got.whole) << "the chunks end cleanly";
        EXPECT_EQ(upstream.num_requests(), 1u) << "nothing is tried again";
        line = g.log(0)["verdict"] + " " + g.log(0)["reason"];
        EXPECT_TRUE(g.comes_to_rest());
        return got;
    }
    std::string line;
};

constexpr std::string_view broke_off =
    R"({"error":{"message":"The model's answer broke off.","type":"api_error",)"
    R"("param":null,"code":"upstream_broken"}})";

TEST_F(broken_stream, between_events_ends_with_an_error_event) {
    for (const auto how : {test::cut_by::fin, test::cut_by::rst}) {
        answer what = sse({"{\"choices\":[{}]}", "{\"choices\":[{}]}"});
        what.cut_after = what.pieces[0].size() + 6;  // with its chunk's frame
        what.cut = how;
        const auto got = get(what);
        EXPECT_EQ(got.body, what.pieces[0] + "data: " + std::string(broke_off) + "\n\n");
        EXPECT_EQ(line, "upstream_error upstream_broken");
    }
}

TEST_F(broken_stream, inside_an_event_ends_the_torn_one_first) {
    answer what = sse({"{\"choices\":[{}]}", "{\"choices\":[{}]}"});
    const std::string torn = "data: {\"choi";
    what.cut_after = what.pieces[0].size() + 6 + 4 + torn.size();
    const auto got = get(what);
    EXPECT_EQ(got.body, what.pieces[0] + torn + "\n\ndata: " + std::string(broke_off) + "\n\n");
}

TEST_F(broken_stream, with_broken_chunks_ends_with_an_error_event) {
    answer what = sse({"{\"choices\":[{}]}", "{\"choices\":[{}]}"});
    what.break_chunk = 1;
    const auto got = get(what);
    EXPECT_EQ(got.body, what.pieces[0] + "data: " + std::string(broke_off) + "\n\n");
}

TEST_F(broken_stream, in_the_messages_dialect_says_so_in_it) {
    answer what =
        sse({"event: message_start\ndata: {\"type\":\"message_start\"}", "event: ping"}, false);
    what.cut_after = what.pieces[0].size() + 6;
    const auto got = get(what, "/v1/messages");
    const auto id = got.header("x-request-id").value_or("");
    EXPECT_EQ(
        got.body,
        what.pieces[0] +
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":"
            "\"The model's answer broke off.\"},\"request_id\":\"" +
            id + "\"}\n\n"
    );
}

TEST_F(broken_stream, in_the_responses_dialect_says_so_in_it) {
    answer what =
        sse({"event: response.created\ndata: {\"type\":\"response.created\"}", "x"}, false);
    what.cut_after = what.pieces[0].size() + 6;
    const auto got = get(what, "/v1/responses");
    EXPECT_THAT(got.body, StartsWith(what.pieces[0] + "event: error\ndata: {\"type\":\"error\","));
    EXPECT_THAT(got.body, EndsWith("}\n\n"));
}

TEST_F(broken_stream, by_an_error_event_of_the_upstream_passes_it_on_and_is_a_failure) {
    const answer what = test::error_event_after({"a", "b"});
    const auto got = get(what);
    EXPECT_EQ(got.body, all_of(what)) << "untouched";
    EXPECT_THAT(line, StartsWith("upstream_error"));
}

TEST(stream, that_is_cut_is_charged_as_far_as_it_came) {
    answer what = test::chat_stream({"a", "b", "c", "d"});
    std::uint64_t size = 0;
    for (std::size_t i = 0; i < 3; ++i)
        size += what.pieces[i].size() + 6;
    what.cut_after = size;
    scripted_upstream upstream([&](const auto&) { return what; });
    running_gateway g(chat_model(upstream));
    g.ask(chat_request(streamed));
    const auto line = g.log(0);
    EXPECT_EQ(line["output"], "2") << "role, a, b";
    EXPECT_EQ(line["estimated"], "true");
    EXPECT_EQ(line["prompt"], line["est_prompt"]);
}

TEST(stream, whose_first_event_is_an_error_is_tried_elsewhere) {
    scripted_upstream bad([](const auto&) { return test::error_event_first(); });
    scripted_upstream good([](const auto&) { return test::chat_stream({"fine"}); });
    running_gateway g(chat_model({replica_of(bad), replica_of(good)}));
    while (bad.num_requests() == 0) {
        const auto got = g.ask(chat_request(streamed));
        EXPECT_EQ(got.status, 200);
        EXPECT_THAT(got.body, HasSubstr("fine"));
        EXPECT_THAT(got.body, Not(HasSubstr("error")));
    }
    EXPECT_EQ(g.metric(R"(penstock_retries_total{model="chat",reason="upstream_failed"})"), 1);
}

TEST(stream, that_breaks_before_its_first_event_is_tried_elsewhere) {
    for (const auto how : {test::cut_by::fin, test::cut_by::rst}) {
        scripted_upstream bad([&](const auto&) {
            answer what = sse({"{\"choices\":[{}]}"});
            what.cut_after = 3;
            what.cut = how;
            return what;
        });
        scripted_upstream good([](const auto&) { return test::chat_stream({"a"}); });
        running_gateway g(chat_model({replica_of(bad), replica_of(good)}));
        for (int i = 0; i < 2; ++i) {
            const auto got = g.ask(chat_request(streamed));
            EXPECT_EQ(got.status, 200);
            EXPECT_TRUE(got.whole);
            EXPECT_THAT(got.body, EndsWith("[DONE]\n\n"));
        }
        EXPECT_GE(bad.num_requests(), 1u);
    }
}

TEST(stream, whose_first_event_is_an_error_leaves_the_next_answer_what_it_is) {
    scripted_upstream bad([](const auto&) { return test::error_event_first(); });
    scripted_upstream good([](const auto&) { return test::chat("a", 7, 9); });
    running_gateway g(chat_model({replica_of(bad), replica_of(good)}));
    for (std::size_t i = 0; i < 2; ++i) {
        const auto got = g.ask(chat_request(streamed));
        EXPECT_EQ(got.status, 200);
        EXPECT_TRUE(got.header("content-length"));
        EXPECT_EQ(g.log(i)["prompt"], "7") << "read as the JSON that it is";
        EXPECT_EQ(g.log(i)["estimated"], "false");
    }
}

TEST(stream, whose_first_event_is_an_error_everywhere_is_a_502_in_plain_json) {
    scripted_upstream bad([](const auto&) { return test::error_event_first(); });
    running_gateway g(chat_model(bad));
    const auto got = g.ask(chat_request(streamed));
    EXPECT_EQ(got.status, 502);
    EXPECT_EQ(got.header("content-type"), "application/json");
    EXPECT_THAT(got.body, HasSubstr("upstream_failed"));
    EXPECT_THAT(got.body, Not(HasSubstr("scripted failure"))) << "no upstream text";
}

TEST(stream, without_any_event_is_a_failure) {
    scripted_upstream empty([](const auto&) { return sse({":comment"}, false); });
    running_gateway g(chat_model(empty));
    EXPECT_EQ(g.ask(chat_request(streamed)).status, 502);
}

}  // namespace
}  // namespace penstock::gateway
