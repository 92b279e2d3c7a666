// The line of a request: always the promised fields, always JSON, whatever the strings hold.
#include "penstock/observe/access_log.hpp"
#include "samples.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

namespace penstock::observe {
namespace {

using namespace tests;

std::string line_of(const request_record& record) {
    std::string line;
    append_access_line(line, record);
    return line;
}

class parsed_line {
 public:
    explicit parsed_line(const request_record& record) : line_(line_of(record)) {
        const auto failed = parser_.parse(line_).get(root_);
        EXPECT_EQ(failed, simdjson::SUCCESS) << line_;
    }
    simdjson::dom::element operator[](std::string_view key) const {
        simdjson::dom::element found;
        EXPECT_EQ(root_[key].get(found), simdjson::SUCCESS) << key;
        return found;
    }
    std::string json(std::string_view key) const { return simdjson::minify((*this)[key]); }
    std::string text(std::string_view key) const {
        return std::string((*this)[key].get_string().value());
    }
    std::vector<std::string> keys() const {
        std::vector<std::string> made;
        for (auto member : simdjson::dom::object(root_))
            made.emplace_back(member.key);
        return made;
    }

 private:
    std::string line_;
    simdjson::dom::parser parser_;
    simdjson::dom::element root_;
};

const std::vector<std::string> promised{
    "time",     "request_id", "trace_id",     "t_arrive",   "t_dispatch",   "t_first",    "t_last",
    "class",    "tenant",     "key",          "model",      "fell_back_to", "version",    "pool",
    "replica",  "route",      "streamed",     "est_prompt", "est_error",    "est_output", "prompt",
    "cached",   "output",     "estimated",    "max_tokens", "deadline_ms",  "affinity",   "verdict",
    "reason",   "detail",     "wait_pred_ms", "queue_ms",   "connect_ms",   "attempts",   "status",
    "bytes_in", "bytes_out",  "events"
};

TEST(access_line, has_exactly_the_promised_fields) {
    EXPECT_EQ(parsed_line(served_stream()).keys(), promised);
    EXPECT_EQ(parsed_line(refused_early()).keys(), promised);
    EXPECT_EQ(parsed_line({}).keys(), promised);
}

TEST(access_line, says_what_the_record_says) {
    const parsed_line line(served_stream());
    EXPECT_EQ(line.text("time"), "2024-11-22T19:56:43.007Z");
    EXPECT_EQ(line.text("request_id"), "req-0123456789abcdef");
    EXPECT_EQ(line.text("trace_id"), "0af7651916cd43dd8448eb211c80319c");
    EXPECT_EQ(line.json("t_arrive"), "1000000000");
    EXPECT_EQ(line.json("t_dispatch"), "1000012000");
    EXPECT_EQ(line.json("t_first"), "1000250000");
    EXPECT_EQ(line.json("t_last"), "1003000000");
    EXPECT_EQ(line.text("class"), "bulk");
    EXPECT_EQ(line.text("tenant"), "search");
    EXPECT_EQ(line.text("key"), "3f2a9c01");
    EXPECT_EQ(line.text("model"), "chat");
    EXPECT_EQ(line.text("fell_back_to"), "");
    EXPECT_EQ(line.text("version"), "chat/v1");
    EXPECT_EQ(line.text("pool"), "chat/v1/short");
    EXPECT_EQ(line.text("replica"), "chat/v1/short/10.0.0.1:8000");
    EXPECT_EQ(line.text("route"), "/v1/chat/completions");
    EXPECT_EQ(line.json("streamed"), "true");
    EXPECT_EQ(line.json("est_prompt"), "900");
    EXPECT_EQ(line.json("est_error"), "90");
    EXPECT_EQ(line.json("est_output"), "210");
    EXPECT_EQ(line.json("prompt"), "1000");
    EXPECT_EQ(line.json("cached"), "600");
    EXPECT_EQ(line.json("output"), "222");
    EXPECT_EQ(line.json("estimated"), "false");
    EXPECT_EQ(line.json("max_tokens"), "4096");
    EXPECT_EQ(line.json("deadline_ms"), "120000");
    EXPECT_EQ(line.text("affinity"), "feed00000000beef");
    EXPECT_EQ(line.text("verdict"), "served");
    EXPECT_EQ(line.text("reason"), "");
    EXPECT_EQ(line["wait_pred_ms"].get_double().value(), 9);
    EXPECT_EQ(line["queue_ms"].get_double().value(), 11.5);
    EXPECT_EQ(line["connect_ms"].get_double().value(), 0.31);
    EXPECT_EQ(line.json("attempts"), "2");
    EXPECT_EQ(line.json("status"), "200");
    EXPECT_EQ(line.json("bytes_in"), "4096");
    EXPECT_EQ(line.json("bytes_out"), "65536");
    EXPECT_EQ(line.json("events"), "223");
}

TEST(access_line, says_who_served_in_place_of_the_named_model) {
    request_record record = served_stream();
    record.fell_back_to = "small";
    const parsed_line line(record);
    EXPECT_EQ(line.text("model"), "chat");
    EXPECT_EQ(line.text("fell_back_to"), "small");
}

TEST(access_line, says_null_for_what_never_came) {
    const parsed_line line(refused_early());
    for (const char* key : {"t_dispatch", "t_first", "t_last", "max_tokens", "deadline_ms"})
        EXPECT_EQ(line.json(key), "null") << key;
    EXPECT_EQ(line.text("verdict"), "refused");
    EXPECT_EQ(line.text("reason"), "queue_full");
}

TEST(access_line, names_every_ending_and_class) {
    const auto verdict = [](ending end) {
        request_record record;
        record.end = end;
        return parsed_line(record).text("verdict");
    };
    EXPECT_EQ(verdict(ending::upstream_error), "upstream_error");
    EXPECT_EQ(verdict(ending::served), "served");
    EXPECT_EQ(verdict(ending::client_gone), "client_gone");
    EXPECT_EQ(verdict(ending::refused), "refused");
    EXPECT_EQ(verdict(ending::expired), "expired");
    EXPECT_EQ(parsed_line({}).text("class"), "realtime");
}

TEST(access_line, keeps_the_extremes_of_its_numbers) {
    request_record record;
    record.used.prompt = ~std::uint64_t{0};
    record.affinity = ~std::uint64_t{0};
    record.deadline_ms = -1;
    record.arrived_unix_ms = -1;
    record.queue_wait = std::chrono::nanoseconds(-5);
    record.predicted_wait = std::chrono::hours(100);
    const parsed_line line(record);
    EXPECT_EQ(line.json("prompt"), "18446744073709551615");
    EXPECT_EQ(line.text("affinity"), "ffffffffffffffff");
    EXPECT_EQ(line.json("deadline_ms"), "-1");
    EXPECT_EQ(line.text("time"), "1969-12-31T23:59:59.999Z");
    EXPECT_EQ(line["queue_ms"].get_double().value(), 0);
    EXPECT_EQ(line["wait_pred_ms"].get_double().value(), 360'000'000.0);
}

// Long names make the line need memory of exactly its largest size: a wrong sum shows under asan.
TEST(access_line, fits_its_memory_with_every_value_at_its_longest) {
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    constexpr auto least = std::numeric_limits<std::int64_t>::min();
    const std::string noise(1000, '\x01');
    request_record record;
    record.request_id = record.trace_id = record.route = record.tenant = record.key = record.model =
        record.fell_back_to = record.version = record.pool = record.replica = record.reason =
            record.detail = noise;
    record.arrived = record.dispatched = record.first_byte = record.last_byte = at(duration::min());
    record.arrived_unix_ms = 253'402'300'799'999;
    record.est_prompt = record.est_error = record.est_output = record.num_events = ~0u;
    record.max_tokens = record.bytes_in = record.bytes_out = record.affinity = most;
    record.deadline_ms = least;
    record.used = {most, most, most};
    record.end = ending::upstream_error;
    record.attempts = record.status = std::numeric_limits<int>::min();
    record.queue_wait = record.connect = record.predicted_wait = duration::max();
    const parsed_line line(record);
    EXPECT_EQ(line.text("replica"), noise);
    EXPECT_EQ(line.text("time"), "9999-12-31T23:59:59.999Z");
}

TEST(access_line, is_one_line_of_json_whatever_a_string_holds) {
    for (int byte = 0; byte < 256; ++byte) {
        const std::string text{'a', static_cast<char>(byte), 'b'};
        request_record record;
        record.detail = text;
        const std::string line = line_of(record);
        EXPECT_EQ(line.find('\n'), line.size() - 1);
        const std::string read = parsed_line(record).text("detail");
        EXPECT_EQ(
            read,
            byte < 0x80 ? text
                        : "a\xef\xbf\xbd"
                          "b"
        ) << byte;
    }
}

TEST(access_line, keeps_utf8_and_replaces_what_is_not) {
    const std::string replaced = "\xef\xbf\xbd";
    const std::pair<std::string, std::string> cases[] = {
        {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
        {"\xe6\xa8\xa1\xe5\x9e\x8b", "\xe6\xa8\xa1\xe5\x9e\x8b"},
        {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
        {"\xc0\xaf", replaced + replaced},                                // overlong
        {"\xed\xa0\x80", replaced + replaced + replaced},                 // surrogate
        {"\xf4\x90\x80\x80", replaced + replaced + replaced + replaced},  // above U+10FFFF
        {"\xe6\xa8", replaced + replaced},                                // cut short
        {"\"}, {\"a\": \"", "\"}, {\"a\": \""},
        {"\\u0022\r\n", "\\u0022\r\n"},
    };
    for (const auto& [text, expected] : cases) {
        request_record record;
        record.tenant = text;
        EXPECT_EQ(parsed_line(record).text("tenant"), expected);
    }
}

TEST(access_line, survives_random_bytes_in_every_string) {
    std::mt19937 random(11);
    for (int i = 0; i < 2000; ++i) {
        std::string noise(random() % 40, '\0');
        for (char& c : noise)
            c = static_cast<char>(random());
        request_record record;
        record.request_id = record.trace_id = record.route = record.tenant = record.key =
            record.model = record.version = record.pool = record.replica = record.reason =
                record.detail = noise;
        ASSERT_EQ(parsed_line(record).keys(), promised);
    }
}

TEST(access_line, cuts_a_long_detail) {
    const std::string endless(100'000, 'x');
    request_record record;
    record.detail = endless;
    EXPECT_EQ(parsed_line(record).text("detail").size(), 512u);
}

}  // namespace
}  // namespace penstock::observe
