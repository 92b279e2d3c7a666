// Model → its version → the pools that hold the request, the smallest first.
#include "gateway/stages/steer.hpp"

#include "gateway/request_state.hpp"
#include "gateway/stages/stages.hpp"

#include <algorithm>

namespace penstock::gateway {
namespace {

const pool_entry& pool_of(const version_entry& version, pool_index which) {
    for (const auto& pool : version.pools)
        if (pool.index == which) return pool;
    return version.pools.back();
}

length::pool_question question_of(const request_state& c) {
    return {
        .prompt = c.prompt,
        .klass = c.work.klass,
        .tenant = c.work.tenant,
        .makes_tokens = c.facts.work == openai::work_kind::generative,
        .asked = c.facts.max_tokens,
        .cap = c.own_cap,
        .over_cap = c.model->over_cap,
        .output_each = c.known.output,
        .last = c.known.last,
        .is_session = c.wishes.session_hash != 0 || c.facts.session_hash != 0
    };
}

refusal too_long(const request_state& c, const length::pool_choice& choice) {
    return {
        errc::context_length_exceeded,
        "The request has about " + std::to_string(c.prompt.tokens) + " tokens, and at least " +
            std::to_string(c.prompt.at_least) + "; the largest context of this model is " +
            std::to_string(choice.largest) +
            (choice.others_are_reserved ? " for this class and tenant." : "."),
        c.facts.num_messages > 0 ? "messages" : "input"
    };
}

refusal refusal_of(const request_state& c, const length::pool_choice& choice) {
    switch (choice.why) {
        case errc::context_length_exceeded:
            return too_long(c, choice);
        case errc::over_cap:
            return {
                errc::over_cap,
                "max_tokens is " + std::to_string(c.facts.max_tokens.value_or(0)) +
                    "; the pools of this model allow at most " +
                    std::to_string(choice.most_output) + ".",
                "max_tokens"
            };
        default:
            return {
                errc::model_not_allowed,
                "Every pool of the model '" + c.model->name +
                    "' is reserved for another class or tenant.",
                "model"
            };
    }
}

// Those behind the one whose engine said that it is too small.
pool_list larger_than(const pool_list& pools, pool_index small) {
    pool_list larger;
    const auto* at = std::find(pools.begin(), pools.end(), small);
    for (at = at == pools.end() ? at : at + 1; at != pools.end(); ++at)
        larger.push(*at);
    return larger;
}

}  // namespace

void take_pool(request_state& c, const pool_entry& pool) {
    const std::uint32_t cap = length::tightest({c.own_cap, pool.max_tokens});
    // What is to be refused was, before; a cap that a reload has lowered since then clamps.
    c.cap = length::apply_cap(c.facts.max_tokens, cap, length::over_cap::clamp);
    c.record.pool = pool.id;
    c.record.max_tokens = c.cap.limit;
}

bool has_larger_pool(const request_state& c) {
    return !larger_than(c.work.pools, c.pool->index).empty();
}

stage_result<> steer(request_state& c) {
    c.version = &c.model->versions.front();
    c.record.version = c.version->id;
    if (c.resteered) {
        c.work.pools = larger_than(c.work.pools, c.pool->index);
    } else {
        const auto choice = length::choose_pools(c.version->terms, question_of(c));
        if (choice.pools.empty()) return refusal_of(c, choice);
        c.work.pools = choice.pools;
    }
    c.steered_to = &pool_of(*c.version, *c.work.pools.begin());
    take_pool(c, *c.steered_to);
    c.work.output_limit = c.cap.limit;
    c.work.output_expected = length::expected_output(c.facts, c.cap.limit, c.known.output);
    c.record.est_output = c.work.output_expected;
    return success();
}

}  // namespace penstock::gateway
