// How numbers with a unit are written and read.
#pragma once

#include "penstock/clock.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::settings {

enum class unit : std::uint8_t {
    count,   // 64
    bytes,   // 4096, 16Ki, 32Mi, 1Gi, 1Ti
    tokens,  // 4096, 8k, 1M; k = 1024
    share,   // 10% or 0.1
    time     // 500ms 2s 10m 1h 30d; never without its unit
};

// Nothing when the text is not such a number; too large for the type: the type's largest value, so
// that a range check speaks of the range.
std::optional<std::uint64_t> parse_amount(std::string_view text, unit in);
std::optional<duration> parse_duration(std::string_view text);
std::optional<double> parse_share(std::string_view text);

// The shortest exact form; parsing it gives the same value.
std::string format_amount(std::uint64_t amount, unit in);
std::string format_duration(duration time);
std::string format_share(double share);

}  // namespace penstock::settings
