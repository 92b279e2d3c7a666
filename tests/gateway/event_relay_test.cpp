// Which bytes of an event stream are shown, at every place where reads may split it.
#include "gateway/stages/event_relay.hpp"

#include <gtest/gtest.h>

#include <random>

namespace penstock::gateway {
namespace {

using openai::dialect;

const std::string content = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
const std::string usage_event =
    "data: "
    "{\"id\":\"x\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}\n\n";
const std::string done = "data: [DONE]\n\n";

struct relayed {
    std::string shown;
    std::vector<std::string> steps;  // shown after each piece
    usage used;
    std::uint32_t num_events = 0, num_content = 0;
    bool inside = false, error = false;
};

relayed relay(
    const std::vector<std::string>& pieces,
    bool hide,
    dialect spoken = dialect::chat,
    std::size_t event_bytes_max = 1 << 20
) {
    event_relay events(spoken, hide, event_bytes_max);
    relayed got;
    for (const std::string& piece : pieces) {
        std::vector<std::string_view> out;
        events.feed(piece, got.used, out);
        std::string step;
        for (const auto each : out)
            step += each;
        got.shown += step;
        got.steps.push_back(std::move(step));
    }
    got.inside = events.is_inside_event();
    std::vector<std::string_view> out;
    events.finish(out);
    for (const auto each : out)
        got.shown += each;
    got.num_events = events.num_events();
    got.num_content = events.num_content();
    got.error = events.saw_error();
    return got;
}

std::vector<std::string> bytes_of(const std::string& text) {
    std::vector<std::string> bytes;
    for (const char c : text)
        bytes.emplace_back(1, c);
    return bytes;
}

// With one kind of line end and without further empty lines, which mean nothing: a line feed that a
// read splits from its carriage return goes with the event behind it.
std::string plain(const std::string& stream) {
    std::string text;
    for (std::size_t i = 0; i < stream.size(); ++i) {
        const bool half = stream[i] == '\n' && i > 0 && stream[i - 1] == '\r';
        if (!half) text += stream[i] == '\r' ? '\n' : stream[i];
        if (text.ends_with("\n\n\n")) text.pop_back();
    }
    return text;
}

TEST(event_relay, hides_the_usage_event_at_every_split_into_two) {
    const std::string stream = content + usage_event + done;
    for (std::size_t at = 0; at <= stream.size(); ++at) {
        const auto got = relay({stream.substr(0, at), stream.substr(at)}, true);
        ASSERT_EQ(got.shown, content + done) << at;
        ASSERT_EQ(got.used.prompt, 3u) << at;
        ASSERT_EQ(got.used.output, 4u) << at;
        ASSERT_TRUE(got.used.known) << at;
        ASSERT_EQ(got.num_content, 1u) << at;
        ASSERT_EQ(got.num_events, 3u) << at;
    }
}

TEST(event_relay, hides_the_usage_event_at_every_split_into_three) {
    const std::string stream = usage_event + content;
    for (std::size_t a = 0; a <= stream.size(); ++a)
        for (std::size_t b = a; b <= stream.size(); ++b)
            ASSERT_EQ(
                relay({stream.substr(0, a), stream.substr(a, b - a), stream.substr(b)}, true).shown,
                content
            ) << a
              << ' ' << b;
}

TEST(event_relay, hides_the_usage_event_of_a_stream_that_comes_byte_by_byte) {
    const auto got = relay(bytes_of(content + usage_event + done), true);
    EXPECT_EQ(got.shown, content + done);
    EXPECT_EQ(got.used.output, 4u);
}

TEST(event_relay, hides_nothing_that_the_client_asked_for) {
    const std::string stream = content + usage_event + done;
    for (std::size_t at = 0; at <= stream.size(); ++at) {
        const auto got = relay({stream.substr(0, at), stream.substr(at)}, false);
        ASSERT_EQ(got.shown, stream) << at;
        ASSERT_EQ(got.steps[0], stream.substr(0, at)) << "at once";
        ASSERT_EQ(got.used.output, 4u) << at;
    }
}

TEST(event_relay, passes_each_byte_on_at_once_where_nothing_is_hidden) {
    const std::string stream = content + done;
    const auto got = relay(bytes_of(stream), false);
    EXPECT_EQ(got.steps, bytes_of(stream));
}

TEST(event_relay, holds_an_event_no_longer_than_until_it_cannot_be_usage) {
    const std::string begin = R"(data: {"id":"x","choices":[{")", rest = "delta\":{}}]}\n\n";
    const auto got = relay({begin, "delta", "\":{}}]}\n\n"}, true);
    EXPECT_EQ(got.steps[0], begin) << "a choice is there";
    EXPECT_EQ(got.steps[1], "delta");
    EXPECT_EQ(got.shown, begin + rest);
    EXPECT_EQ(relay({"data: [DO", "NE]\n\n"}, true).steps[0], "data: [DO");
    EXPECT_EQ(relay({"data: {\"id\"", "}\n\n"}, true).steps[0], "") << "still in doubt";
}

TEST(event_relay, hides_every_usage_event_in_every_line_ending) {
    for (const std::string end : {"\n\n", "\r\n\r\n", "\r\r"}) {
        const std::string a = "data: {\"choices\":[{}]}" + end,
                          u = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}" + end;
        for (const std::string& stream : {a + u + a, u + a + u, u + u + a}) {
            const std::size_t shown_events = stream == a + u + a ? 2 : 1;
            const auto whole = relay({stream}, true);
            ASSERT_EQ(whole.shown.size(), shown_events * a.size()) << end.size();
        }
        // A line feed that was split from its carriage return belongs to what comes after.
        const std::string stream = a + u + a;
        for (std::size_t at = 0; at <= stream.size(); ++at) {
            const auto got = relay({stream.substr(0, at), stream.substr(at)}, true);
            ASSERT_EQ(plain(got.shown), plain(a + a)) << at;
            ASSERT_EQ(got.num_events, 3u) << at;
        }
    }
}

TEST(event_relay, shows_comments_and_usage_beside_choices) {
    const std::string stream =
        ": ping\n\n"
        "data: "
        "{\"choices\":[{\"delta\":{}}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}"
        "\n\n";
    for (std::size_t at = 0; at <= stream.size(); ++at) {
        const auto got = relay({stream.substr(0, at), stream.substr(at)}, true);
        ASSERT_EQ(got.shown, stream) << at;
        ASSERT_EQ(got.used.output, 2u) << at;
        ASSERT_EQ(got.num_events, 1u) << "a comment is none";
    }
}

TEST(event_relay, passes_a_giant_event_unread_and_reads_on_behind_it) {
    const std::string giant = "data: {\"pad\":\"" + std::string(5000, 'x') + "\"}\n\n";
    for (const std::size_t step : {1u, 7u, 1000u, 6000u}) {
        const std::string stream = giant + usage_event + content;
        std::vector<std::string> pieces;
        for (std::size_t at = 0; at < stream.size(); at += step)
            pieces.push_back(stream.substr(at, step));
        const auto got = relay(pieces, true, dialect::chat, 1000);
        ASSERT_EQ(got.shown, giant + content) << step;
        ASSERT_EQ(got.used.output, 4u) << step;
    }
}

TEST(event_relay, keeps_little_of_a_giant_event) {
    event_relay events(dialect::chat, true, 1000);
    usage used;
    std::size_t shown = 0;
    const std::string piece(500, 'x');
    for (int i = 0; i < 100; ++i) {
        std::vector<std::string_view> out;
        events.feed(piece, used, out);
        for (const auto each : out)
            shown += each.size();
    }
    EXPECT_EQ(shown, 100 * piece.size()) << "nothing of it is kept back";
}

TEST(event_relay, knows_whether_the_client_has_the_beginning_of_an_event) {
    EXPECT_FALSE(relay({content}, false).inside);
    EXPECT_TRUE(relay({content + "data: {"}, false).inside);
    EXPECT_FALSE(relay({content + "data: {"}, true).inside) << "it was held back";
    EXPECT_TRUE(relay({content + "data: [D"}, true).inside);
    EXPECT_TRUE(relay({std::string(2000, 'x')}, true, dialect::chat, 1000).inside);
    EXPECT_FALSE(relay({std::string(2000, 'x'), "\n\n"}, true, dialect::chat, 1000).inside);
}

TEST(event_relay, shows_what_was_held_back_when_the_stream_ends) {
    EXPECT_EQ(relay({content + "data: {\"usa"}, true).shown, content + "data: {\"usa");
    EXPECT_EQ(relay({"data: {", "\"usa"}, true).shown, "data: {\"usa");
}

TEST(event_relay, sees_an_error_in_the_stream) {
    EXPECT_TRUE(relay({content + "data: {\"error\":{\"message\":\"x\"}}\n\n"}, true).error);
    EXPECT_TRUE(
        relay({"event: error\ndata: {\"type\":\"error\"}\n\n"}, false, dialect::messages).error
    );
    EXPECT_FALSE(relay({content}, true).error);
}

TEST(event_relay, lends_its_own_bytes_only_where_it_says_so) {
    event_relay events(dialect::chat, true, 1 << 20);
    usage used;
    std::vector<std::string_view> out;
    events.feed("data: {\"id\":1", used, out);
    EXPECT_TRUE(out.empty());
    EXPECT_FALSE(events.lends());
    events.feed("}\n\n", used, out);
    EXPECT_TRUE(events.lends());
    out.clear();
    events.feed(content, used, out);
    EXPECT_FALSE(events.lends());
}

// The pieces of one read are fed one after the other and sent together where nothing is lent.
TEST(event_relay, sends_the_right_bytes_where_chunks_and_events_do_not_meet) {
    std::mt19937 random{3};
    for (int round = 0; round < 200; ++round) {
        std::string stream;
        for (int i = 0; i < 12; ++i)
            stream += R"(data: {"id":")" + std::string(1 + random() % 90, char('A' + i)) +
                      R"(","choices":[{"delta":{"content":"a"}}]})" + "\n\n";
        event_relay events(openai::dialect::chat, true, 1 << 20);
        usage used;
        std::string got;
        std::vector<std::string_view> out;
        const auto send = [&] {
            for (const auto piece : out)
                got += piece;
            out.clear();
        };
        for (std::size_t at = 0, size = 0; at < stream.size(); at += size) {
            size = 1 + random() % 150;
            events.feed(std::string_view(stream).substr(at, size), used, out);
            if (events.lends()) send();
        }
        events.finish(out);
        send();
        ASSERT_EQ(got, stream);
    }
}

TEST(event_relay, is_the_same_for_any_split) {
    std::mt19937 random(7);
    const std::vector<std::string> kinds{
        content,
        usage_event,
        done,
        ": c\n\n",
        "\n",
        "event: x\ndata: {\"choices\":[],\"object\":\"y\"}\n\n",
        "data: {\"choices\": [ {\"delta\":{\"content\":\"\\\"usage\\\"\"}} ] }\r\n\r\n",
        "data: {\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":9},\n"
        "data: \"choices\":[]}\n\n"
    };
    for (int round = 0; round < 300; ++round) {
        std::string stream;
        for (int i = 0; i < 12; ++i)
            stream += kinds[random() % kinds.size()];
        const auto whole = relay({stream}, true);
        std::vector<std::string> pieces;
        for (std::size_t at = 0; at < stream.size();) {
            const std::size_t size = 1 + random() % 40;
            pieces.push_back(stream.substr(at, size));
            at += size;
        }
        const auto split = relay(pieces, true);
        ASSERT_EQ(plain(split.shown), plain(whole.shown)) << stream;
        ASSERT_EQ(split.used.output, whole.used.output) << stream;
        ASSERT_EQ(split.num_events, whole.num_events) << stream;
        ASSERT_EQ(split.num_content, whole.num_content) << stream;
        ASSERT_EQ(relay(pieces, false).shown, stream);
    }
}

}  // namespace
}  // namespace penstock::gateway
