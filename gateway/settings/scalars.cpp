// Numbers with a unit: one table of suffixes for both directions.
#include "gateway/settings/scalars.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <span>

namespace penstock::settings {

namespace {

struct suffix {
    std::string_view name;
    std::uint64_t factor;
};

constexpr std::array<suffix, 5> bytes{
    {{"", 1}, {"Ki", 1ull << 10}, {"Mi", 1ull << 20}, {"Gi", 1ull << 30}, {"Ti", 1ull << 40}}
};
constexpr std::array<suffix, 3> tokens{{{"", 1}, {"k", 1ull << 10}, {"M", 1ull << 20}}};
constexpr std::array<suffix, 1> plain{{{"", 1}}};
constexpr std::array<suffix, 7> times{
    {{"ns", 1},
     {"us", 1'000},
     {"ms", 1'000'000},
     {"s", 1'000'000'000},
     {"m", 60'000'000'000},
     {"h", 3'600'000'000'000},
     {"d", 86'400'000'000'000}}
};

std::span<const suffix> suffixes(unit in) {
    switch (in) {
        case unit::bytes:
            return bytes;
        case unit::tokens:
            return tokens;
        case unit::time:
            return times;
        default:
            return plain;
    }
}

std::optional<std::uint64_t> parse(std::string_view text, std::span<const suffix> known) {
    constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t digits = 0;
    const char* end = text.data() + text.size();
    const auto [rest, code] = std::from_chars(text.data(), end, digits);
    if (rest == text.data()) return std::nullopt;
    if (code == std::errc::result_out_of_range) digits = most;
    const std::string_view name(rest, static_cast<std::size_t>(end - rest));
    for (const suffix& each : known)
        if (each.name == name) return digits > most / each.factor ? most : digits * each.factor;
    return std::nullopt;
}

std::string format(std::uint64_t amount, std::span<const suffix> known, std::string_view zero) {
    const suffix* best = &known.front();
    if (amount == 0) return "0" + std::string(zero);
    for (const suffix& each : known)
        if (amount % each.factor == 0) best = &each;
    return std::to_string(amount / best->factor) + std::string(best->name);
}

}  // namespace

std::optional<std::uint64_t> parse_amount(std::string_view text, unit in) {
    return parse(text, suffixes(in));
}

std::optional<duration> parse_duration(std::string_view text) {
    const auto amount = parse(text, times);
    if (!amount) return std::nullopt;
    constexpr auto most = static_cast<std::uint64_t>(duration::max().count());
    return duration(static_cast<duration::rep>(*amount > most ? most : *amount));
}

std::optional<double> parse_share(std::string_view text) {
    const bool percent = text.ends_with('%');
    if (percent) text.remove_suffix(1);
    double share = 0;
    const char* end = text.data() + text.size();
    const auto [rest, code] = std::from_chars(text.data(), end, share, std::chars_format::fixed);
    if (code != std::errc{} || rest != end || !std::isfinite(share)) return std::nullopt;
    return percent ? share / 100 : share;
}

std::string format_amount(std::uint64_t amount, unit in) {
    return format(amount, suffixes(in), "");
}

std::string format_duration(duration time) {
    return format(static_cast<std::uint64_t>(time.count()), times, "s");
}

std::string format_share(double share) {
    std::array<char, 64> text{};
    const double percent = share * 100;
    if (percent == std::round(percent) && percent / 100 == share)
        return std::to_string(static_cast<long>(percent)) + "%";
    const auto [end, code] =
        std::to_chars(text.data(), text.data() + text.size(), share, std::chars_format::fixed);
    return code == std::errc{} ? std::string(text.data(), end) : std::to_string(share);
}

}  // namespace penstock::settings
