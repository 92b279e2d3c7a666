// Request lines as a load: what the gateway writes is read, and nothing else.
#include "simulator/trace.hpp"

#include "penstock/observe/access_log.hpp"

#include <gtest/gtest.h>

#include <string>

namespace penstock::simulator {
namespace {

using namespace std::chrono_literals;

observe::request_record served() {
    observe::request_record r;
    r.arrived = time_point(5s);
    r.dispatched = time_point(5s + 10ms);
    r.first_byte = time_point(5s + 200ms);
    r.last_byte = time_point(7s);
    r.tenant = "search";
    r.model = "chat";
    r.replica = "chat/default/default/10.0.0.1:8000";
    r.streamed = true;
    r.est_prompt = 120;
    r.est_output = 256;
    r.used = {.prompt = 100, .output = 40, .known = true};
    r.affinity = 0xfedc'ba98'7654'3210;
    r.end = ending::served;
    return r;
}

std::string line_of(const observe::request_record& r) {
    std::string line;
    observe::append_access_line(line, r);
    return line;
}

std::string mistake_in(std::string_view text) {
    const auto read = read_trace(text);
    return read.has_error() ? read.error().detail : "";
}

TEST(trace, the_gateways_own_line_is_read_field_by_field) {
    const auto read = parse_trace_line(line_of(served()));
    ASSERT_FALSE(read.has_error()) << read.error().detail;
    const trace_line& l = read.value();
    EXPECT_EQ(l.arrived, 5'000'000);
    EXPECT_EQ(l.dispatched, 5'010'000);
    EXPECT_EQ(l.first, 5'200'000);
    EXPECT_EQ(l.last, 7'000'000);
    EXPECT_EQ(l.tenant, "search");
    EXPECT_EQ(l.prompt, 100u);
    EXPECT_EQ(l.output, 40u);
    EXPECT_EQ(l.est_output, 256u);
    EXPECT_EQ(l.affinity, 0xfedc'ba98'7654'3210u);
    EXPECT_TRUE(l.served && l.streamed);
}

TEST(trace, what_another_model_served_is_asked_of_the_one_that_was_named) {
    observe::request_record r = served();
    EXPECT_FALSE(parse_trace_line(line_of(r)).value().fell_back);
    r.fell_back_to = "small";
    const auto lines = read_trace(line_of(r), "chat");
    ASSERT_FALSE(lines.has_error());
    ASSERT_EQ(lines.value().size(), 1u);
    EXPECT_TRUE(lines.value()[0].fell_back);
}

TEST(trace, lines_of_before_there_were_fallbacks_are_read) {
    std::string line = line_of(served());
    const std::string field = R"("fell_back_to":"",)";
    line.erase(line.find(field), field.size());
    ASSERT_FALSE(parse_trace_line(line).has_error());
    EXPECT_FALSE(parse_trace_line(line).value().fell_back);
}

TEST(trace, times_that_never_came_are_none) {
    observe::request_record r = served();
    r.dispatched = r.first_byte = r.last_byte = {};
    r.end = ending::refused;
    const auto read = parse_trace_line(line_of(r));
    ASSERT_FALSE(read.has_error());
    EXPECT_FALSE(read.value().dispatched || read.value().first || read.value().last);
    EXPECT_FALSE(read.value().served);
}

TEST(trace, requests_come_in_order_of_arrival_from_time_zero) {
    observe::request_record early = served(), late = served();
    late.arrived = time_point(9s);
    late.tenant = "nightly";
    late.klass = request_class::bulk;
    late.used = {};
    const auto lines = read_trace(line_of(late) + "\n" + line_of(early));
    ASSERT_FALSE(lines.has_error()) << lines.error().detail;
    const auto made = trace_of(lines.value());
    ASSERT_FALSE(made.has_error());
    const auto& requests = made.value().requests;
    ASSERT_EQ(requests.size(), 2u);
    EXPECT_EQ(requests[0].arrived, time_point{});
    EXPECT_EQ(requests[1].arrived, time_point(4s));
    EXPECT_EQ(requests[0].prompt, 100u);
    // What was never used is what was estimated.
    EXPECT_EQ(requests[1].prompt, 120u);
    EXPECT_EQ(requests[1].output, 256u);
    EXPECT_EQ(requests[1].klass, request_class::bulk);
    EXPECT_NE(requests[0].tenant, requests[1].tenant);
}

TEST(trace, lines_of_other_models_and_of_requests_without_a_prompt_are_left_out) {
    observe::request_record other = served(), unknown = served();
    other.model = "embed";
    unknown.est_prompt = 0;
    const auto lines = read_trace(line_of(other) + line_of(unknown) + line_of(served()), "chat");
    ASSERT_FALSE(lines.has_error());
    EXPECT_EQ(lines.value().size(), 2u);
    const auto made = trace_of(lines.value());
    EXPECT_EQ(made.value().requests.size(), 1u);
    EXPECT_EQ(made.value().left_out, 1u);
}

TEST(trace, mistakes_name_their_line_and_field) {
    const std::string good = line_of(served());
    const auto with = [&](const std::string& from, const std::string& to) {
        std::string bad = good;
        return bad.replace(bad.find(from), from.size(), to);
    };
    EXPECT_EQ(mistake_in(good + "nothing\n"), "2: is not a JSON object");
    EXPECT_EQ(mistake_in(with("\"t_arrive\"", "\"t_arrove\"")), "1: t_arrive: is missing");
    EXPECT_EQ(
        mistake_in(good + with("\"prompt\":100", "\"prompt\":-1")),
        "2: prompt: must be a whole number from 0 to 100000000"
    );
    EXPECT_EQ(mistake_in(with("\"realtime\"", "\"urgent\"")), "1: class: must be realtime or bulk");
    EXPECT_EQ(
        mistake_in(with("\"streamed\":true", "\"streamed\":1")),
        "1: streamed: must be true or false"
    );
    EXPECT_EQ(mistake_in(std::string(70'000, 'a')), "1: is longer than 64 KiB");
}

TEST(trace, no_cut_of_a_line_is_taken_for_a_line) {
    std::string line = line_of(served());
    line.pop_back();
    for (std::size_t size = 1; size < line.size(); ++size)
        ASSERT_TRUE(parse_trace_line(line.substr(0, size)).has_error()) << size;
}

}  // namespace
}  // namespace penstock::simulator
