// One table of every name that a token count has.
#include "usage.hpp"

#include "key_table.hpp"

#include <charconv>
#include <optional>

namespace penstock::openai {
namespace {

enum class count_role : std::uint8_t {
    prompt,
    output,
    total,          // of prompt and output
    cached,         // of the prompt
    cached_beside,  // Anthropic: not in `input_tokens`
    beside,         // the same, but written to the cache only now
    nested          // an object with more of these
};
constexpr std::size_t num_counts = static_cast<std::size_t>(count_role::nested);

struct count_row {
    std::string_view name;
    count_role role;
};

// clang-format off
constexpr std::array counts{
    count_row{"prompt_tokens", count_role::prompt},                  // chat and older
    count_row{"completion_tokens", count_role::output},
    count_row{"total_tokens", count_role::total},                    // all there is of a rerank
    count_row{"prompt_tokens_details", count_role::nested},
    count_row{"cached_tokens", count_role::cached},
    count_row{"prompt_cache_hit_tokens", count_role::cached},        // DeepSeek
    count_row{"input_tokens", count_role::prompt},                   // Responses, Anthropic
    count_row{"output_tokens", count_role::output},
    count_row{"input_tokens_details", count_role::nested},
    count_row{"cache_read_input_tokens", count_role::cached_beside}, // Anthropic
    count_row{"cache_creation_input_tokens", count_role::beside},
    count_row{"billed_units", count_role::nested},                   // Cohere's `meta`
    count_row{"tokens", count_role::nested},
};
// clang-format on
constexpr key_table<counts.size()> count_names(counts, [](const auto& row) { return row.name; });

using said_counts = std::array<std::optional<std::uint64_t>, num_counts>;

bool read_count(json_cursor& at, std::optional<std::uint64_t>& count) noexcept {
    if (at.peek() != json_type::number) return at.skip();
    json_number number;
    if (!at.read(number)) return false;
    if (number.negative) return true;
    if (number.integer) {
        count = number.magnitude;
        return true;
    }
    constexpr double exact_most = 9007199254740992.0;
    const std::string_view text = at.text(number);
    double value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    if (value < exact_most) count = static_cast<std::uint64_t>(value);
    return true;
}

bool read_counts(json_cursor& at, said_counts& said) noexcept {
    if (at.peek() != json_type::object) return at.skip();
    return at.members([&](const json_string& key) noexcept {
        const int found = count_names.find(at.text(key));
        if (found < 0) return at.skip();
        const count_role role = counts[static_cast<std::size_t>(found)].role;
        if (role == count_role::nested) return read_counts(at, said);
        return read_count(at, said[static_cast<std::size_t>(role)]);
    });
}

void merge(const said_counts& said, usage& so_far) noexcept {
    const auto of = [&](count_role role) { return said[static_cast<std::size_t>(role)]; };
    const auto prompt = of(count_role::prompt), output = of(count_role::output);
    const auto total = of(count_role::total);
    const auto beside = of(count_role::cached_beside), created = of(count_role::beside);
    if (prompt || beside || created) {
        const std::uint64_t sum = prompt.value_or(0) + beside.value_or(0) + created.value_or(0);
        // Some fill `message_delta` up with zeros for what `message_start` has said.
        if (sum != 0) so_far.prompt = sum;
    } else if (total && *total >= output.value_or(0)) {
        so_far.prompt = *total - output.value_or(0);
    }
    if (output) so_far.output = *output;
    if (const auto cached = of(count_role::cached)) so_far.cached = *cached;
    if (beside && *beside != 0) so_far.cached = *beside;
    so_far.known = so_far.known || prompt || output || total;
}

}  // namespace

bool merge_usage(json_cursor& at, usage& so_far) noexcept {
    said_counts said;
    if (!read_counts(at, said)) return false;
    merge(said, so_far);
    return true;
}

}  // namespace penstock::openai
