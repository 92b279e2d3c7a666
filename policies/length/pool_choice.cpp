// Which pool holds a request.
#include "policies/length/pool_choice.hpp"

namespace penstock::length {
namespace {

bool holds(std::uint32_t context, std::uint64_t tokens) noexcept {
    return context == 0 || tokens <= context;
}

}  // namespace

pool_choice choose_pool(
    std::span<const pool_context> pools, const estimate& prompt, std::uint32_t output_each
) noexcept {
    pool_choice choice;
    if (pools.empty()) return choice;
    choice.largest = pools.back().context;
    // The longest of several inputs is at least as long as their mean, and nothing more is known.
    if (!holds(choice.largest, prompt.lower() / prompt.inputs)) return choice;
    const std::uint64_t needed = std::uint64_t{prompt.tokens} / prompt.inputs + output_each;
    for (std::size_t i = 0; i < pools.size(); ++i) {
        const bool last = i + 1 == pools.size();
        if (!last && !holds(pools[i].context, needed)) continue;
        choice.pool = pools[i].pool;
        if (!last) choice.next = pools[i + 1].pool;
        break;
    }
    return choice;
}

}  // namespace penstock::length
