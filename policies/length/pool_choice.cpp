// Which pools may serve a request.
#include "policies/length/pool_choice.hpp"

#include <algorithm>

namespace penstock::length {
namespace {

constexpr double margin_most = 0.1;  // of the estimate
constexpr double promote_at = 0.9;   // of a context
// A prompt this much shorter than the last is another conversation that begins alike.
constexpr double continues_from = 0.75;

// The conversation's last pool still binds it.
bool goes_on(const pool_question& asks) noexcept {
    if (!asks.last.is_known) return false;
    return asks.is_session || asks.prompt.tokens >= continues_from * asks.last.prompt;
}

bool is_smaller(std::uint32_t context, std::uint32_t than) noexcept {
    return context != 0 && (than == 0 || context < than);
}

bool holds(const pool_terms& pool, const pool_question& asks, const cap_choice& cap) noexcept {
    if (pool.context == 0) return true;
    const std::uint32_t may_have = cap.limit == 0 ? asks.output_each : cap.limit;
    const std::uint32_t answer = asks.makes_tokens ? may_have : 0;
    const estimate& prompt = asks.prompt;
    const double margin = std::min<double>(prompt.error, margin_most * prompt.tokens);
    // The longest of several inputs is at least as long as their mean, and nothing more is known.
    const double needed = (prompt.tokens + margin) / std::max(1u, prompt.inputs) + answer;
    if (!goes_on(asks)) return needed <= pool.context;
    if (is_smaller(pool.context, asks.last.context)) return false;
    return needed <= pool.context * (pool.context == asks.last.context ? promote_at : 1.0);
}

}  // namespace

pool_choice choose_pools(std::span<const pool_terms> pools, const pool_question& asks) noexcept {
    pool_choice choice;
    const pool_terms* largest = nullptr;
    bool any_open = false;
    for (const pool_terms& each : pools) {
        if (!each.is_open_to(asks.klass, asks.tenant)) {
            choice.others_are_reserved = true;
            continue;
        }
        any_open = true;
        const cap_choice cap =
            apply_cap(asks.asked, tightest({asks.cap, each.max_tokens}), asks.over_cap);
        if (asks.makes_tokens && cap.what == cap_choice::what::refuse) {
            choice.most_output = std::max(choice.most_output, cap.limit);
            continue;
        }
        largest = &each;
        if (!choice.pools.empty() || holds(each, asks, cap)) choice.pools.push(each.pool);
    }
    if (!largest) {
        choice.why = any_open ? errc::over_cap : errc::model_not_allowed;
        return choice;
    }
    choice.largest = largest->context;
    const std::uint32_t at_least = asks.prompt.at_least / std::max(1u, asks.prompt.inputs);
    if (choice.largest != 0 && at_least > choice.largest) {
        choice.pools = {};
        choice.why = errc::context_length_exceeded;
    } else if (choice.pools.empty()) {
        choice.pools.push(largest->pool);
    }
    return choice;
}

}  // namespace penstock::length
