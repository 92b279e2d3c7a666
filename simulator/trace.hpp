// Reads the gateway's request lines (docs/metrics.md) as a load. They are foreign bytes: every
// line, number and name is bounded, and what is wrong is said with its line and field.
#pragma once

#include "penstock/result.hpp"
#include "simulator/request.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::simulator {

inline constexpr std::size_t trace_line_bytes_max = 64 * 1024;
inline constexpr std::size_t trace_lines_max = 50'000'000;
inline constexpr std::size_t trace_tenants_max = 10'000;
inline constexpr std::uint32_t trace_tokens_max = 100'000'000;  // of one prompt or answer

// What the simulator takes of one line. Times are monotonic microseconds.
struct trace_line {
    std::int64_t arrived = 0;
    std::optional<std::int64_t> dispatched, first, last;
    request_class klass = request_class::realtime;
    std::string tenant, model, replica;
    bool streamed = false, served = false;
    bool fell_back = false;  // what served it, `replica` too, is another model's
    std::uint32_t est_prompt = 0, est_output = 0;
    std::uint32_t prompt = 0, output = 0;  // used; 0: never known
    std::uint32_t max_tokens = 0;
    std::int64_t deadline_ms = 0;  // 0: none
    std::uint64_t affinity = 0;
};

// The error's detail: "prompt: must be a number from 0 to 100000000".
result<trace_line> parse_trace_line(std::string_view line);

// The error's detail begins with the number of the line: "17: t_arrive: is missing". `model`: lines
// of others are left out; empty: all are taken.
result<std::vector<trace_line>> read_trace(std::string_view text, std::string_view model = {});

struct trace {
    std::vector<request> requests;     // in order of arrival, the first at time zero
    std::vector<std::string> tenants;  // by number
    std::size_t left_out = 0;          // lines of requests that never had a prompt to admit
};
// What a request asked for is what it used, or the estimate where that is not known: one that was
// refused then may be admitted now.
result<trace> trace_of(const std::vector<trace_line>& lines);

}  // namespace penstock::simulator
