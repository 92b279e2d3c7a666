// Trace context and request ids: pure text.
#include "penstock/observe/trace_context.hpp"

#include "penstock/hex.hpp"

#include <algorithm>

namespace penstock::observe {
namespace {

constexpr int hex_value(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

bool is_hex(std::string_view text) noexcept {
    return std::ranges::all_of(text, [](char c) { return hex_value(c) >= 0; });
}

bool is_zero(std::string_view text) noexcept {
    return text.find_first_not_of('0') == std::string_view::npos;
}

// splitmix64's finalizer (Steele, Lea, Flood 2014): a bijection, so counters stay distinct.
constexpr std::uint64_t scrambled(std::uint64_t x) noexcept {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

}  // namespace

std::optional<trace_context> parse_traceparent(std::string_view header) noexcept {
    constexpr std::size_t known_size = 55;  // vv-(32)-(16)-ff
    if (header.size() < known_size) return {};
    const auto version = header.substr(0, 2);
    const auto trace = header.substr(3, 32);
    const auto parent = header.substr(36, 16);
    const auto flags = header.substr(53, 2);
    if (header[2] != '-' || header[35] != '-' || header[52] != '-') return {};
    if (!is_hex(version) || !is_hex(trace) || !is_hex(parent) || !is_hex(flags)) return {};
    if (version == "ff" || is_zero(trace) || is_zero(parent)) return {};
    if (header.size() > known_size && (version == "00" || header[known_size] != '-')) return {};
    return trace_context{trace, parent, (hex_value(flags[1]) & 1) != 0};
}

request_id request_ids::next() noexcept {
    request_id made;
    std::ranges::copy(std::string_view("req-"), made.text.begin());
    put_hex(made.text.data() + 4, scrambled(next_++), made.text.size() - 4);
    return made;
}

bool is_valid_request_id(std::string_view id) noexcept {
    return !id.empty() && id.size() <= 128 &&
           std::ranges::all_of(id, [](char c) { return c >= ' ' && c < 0x7f; });
}

}  // namespace penstock::observe
