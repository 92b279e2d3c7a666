// Events found at every split of a stream, against an obvious reader.
#include "penstock/http/sse.hpp"

#include "base/http/sse_reference.hpp"

#include <gtest/gtest.h>

#include <random>

namespace penstock::http {
namespace {

using namespace std::literals;

constexpr std::size_t none = std::string_view::npos;

sse_reading read_whole(std::string_view bytes) {
    return read_in_pieces(bytes, [&] { return bytes.size(); });
}

std::string fields_of(std::string_view event) {
    std::string out;
    sse_fields fields(event);
    for (sse_field it; fields.next(it);)
        out.append(it.name).append("=").append(it.value).append(";");
    return out;
}

TEST(sse_scanner, ends_an_event_at_an_empty_line_of_any_kind) {
    for (const auto end : {"\n\n"sv, "\r\n\r\n"sv, "\r\r"sv, "\n\r\n"sv, "\r\n\n"sv, "\n\r"sv}) {
        const auto event = "data: x"s.append(end);
        EXPECT_EQ(sse_scanner().find_end(event + "data: y"), event.size())
            << testing::PrintToString(end);
        EXPECT_EQ(sse_scanner().find_end(event), event.size());
    }
}

TEST(sse_scanner, takes_crlf_as_one_line_end) {
    EXPECT_EQ(sse_scanner().find_end("data: x\r\ndata: y\r\n"), none);
}

TEST(sse_scanner, finds_an_event_split_at_every_byte) {
    const auto stream = ": hello\r\n\r\ndata: a\ndata: b\n\nevent: c\rdata\r\r\n\nid: 7\n\n"sv;
    const auto whole = read_obviously(stream);
    ASSERT_EQ(whole.events.size(), 4u);
    for (std::size_t cut = 1; cut < stream.size(); ++cut) {
        bool first = true;
        const auto pieces = read_in_pieces(stream, [&] {
            return std::exchange(first, false) ? cut : stream.size();
        });
        EXPECT_EQ(pieces, whole) << "cut at " << cut;
    }
    EXPECT_EQ(read_in_pieces(stream, [] { return 1; }), whole);
}

TEST(sse_scanner, skips_the_line_feed_that_comes_after_a_cut_carriage_return) {
    sse_scanner scanner;
    EXPECT_EQ(scanner.find_end("data: x\r\n\r"), 10u);
    EXPECT_TRUE(scanner.at_boundary());
    EXPECT_EQ(scanner.find_end("\n"), none);
    EXPECT_TRUE(scanner.at_boundary());
    EXPECT_EQ(scanner.find_end("data: y\n\n"), 9u);
}

TEST(sse_scanner, does_not_end_an_event_between_a_cut_cr_and_its_lf) {
    sse_scanner scanner;
    EXPECT_EQ(scanner.find_end("data: x\r"), none);
    EXPECT_EQ(scanner.find_end("\ndata: y\n"), none);
    EXPECT_FALSE(scanner.at_boundary());
    EXPECT_EQ(scanner.find_end("\n"), 1u);
    EXPECT_TRUE(scanner.at_boundary());
}

TEST(sse_scanner, gives_further_empty_lines_to_the_next_event) {
    const auto reading = read_whole("\n\ndata: x\n\n\n\r\n\rdata: y\n\n\n");
    EXPECT_EQ(reading.events, (std::vector<std::string>{"\n\ndata: x\n\n", "\n\n\ndata: y\n\n"}));
    EXPECT_EQ(reading.rest, "\n");
    EXPECT_TRUE(reading.at_boundary);
}

TEST(sse_scanner, is_at_a_boundary_only_between_events) {
    sse_scanner scanner;
    EXPECT_TRUE(scanner.at_boundary());
    EXPECT_EQ(scanner.find_end("d"), none);
    EXPECT_FALSE(scanner.at_boundary());
    EXPECT_EQ(scanner.find_end("ata: x\n"), none);
    EXPECT_FALSE(scanner.at_boundary());
    EXPECT_EQ(scanner.find_end("\n"), 1u);
    EXPECT_TRUE(scanner.at_boundary());
    EXPECT_EQ(scanner.find_end(""), none);
    EXPECT_TRUE(scanner.at_boundary());
}

TEST(sse_scanner, keeps_a_byte_order_mark_in_the_first_event) {
    EXPECT_EQ(
        sse_scanner().find_end("\xEF\xBB\xBF"
                               "data: x\n\n"),
        12u
    );
}

TEST(sse_scanner, finds_line_ends_at_every_offset_of_a_vector) {
    for (std::size_t length = 1; length < 70; ++length) {
        const auto event = std::string(length, 'x') + "\n\n";
        EXPECT_EQ(sse_scanner().find_end(event + std::string(40, 'y')), event.size());
    }
}

TEST(sse_scanner, agrees_with_the_obvious_reading_of_random_streams) {
    std::mt19937 random(20240611);
    for (int round = 0; round < 20'000; ++round) {
        std::string stream;
        const auto length = random() % 60;
        while (stream.size() < length) {
            constexpr std::string_view alphabet = "\r\n\r\n\r\nd:";
            stream += alphabet[random() % alphabet.size()];
            if (random() % 16 == 0) stream.append(random() % 40, 'x');
        }
        const auto expected = read_obviously(stream);
        const auto pieces = read_in_pieces(stream, [&] { return 1 + random() % 9; });
        ASSERT_EQ(pieces, expected) << testing::PrintToString(stream);
        ASSERT_EQ(read_whole(stream), expected) << testing::PrintToString(stream);
    }
}

TEST(sse_fields, yields_names_and_values_in_order) {
    EXPECT_EQ(
        fields_of("event: message_start\r\ndata:{\"a\": 1}\ndata:  two\rid\n\n"),
        "event=message_start;data={\"a\": 1};data= two;id=;"
    );
}

TEST(sse_fields, gives_a_comment_an_empty_name) {
    EXPECT_EQ(fields_of(": ping\n:\n\n"), "=ping;=;");
}

TEST(sse_fields, passes_over_leading_line_ends_and_the_byte_order_mark) {
    EXPECT_EQ(fields_of("\ndata: x\n\n"), "data=x;");
    EXPECT_EQ(
        fields_of("\xEF\xBB\xBF"
                  "data: x\n\n"),
        "data=x;"
    );
    EXPECT_EQ(fields_of("\n\n\r\n"), "");
    EXPECT_EQ(fields_of(""), "");
}

TEST(sse_fields, keeps_colons_in_the_value_and_reads_an_unended_line) {
    EXPECT_EQ(fields_of("data: a: b:c"), "data=a: b:c;");
}

}  // namespace
}  // namespace penstock::http
