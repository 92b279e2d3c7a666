// Model → its version → the smallest pool that holds the request.
#include "gateway/request_context.hpp"
#include "gateway/stages/stages.hpp"

namespace penstock::gateway {
namespace {

const pool_entry& pool_of(const version_entry& version, pool_index which) {
    for (const auto& pool : version.pools)
        if (pool.index == which) return pool;
    return version.pools.back();
}

}  // namespace

stage_result<> steer(request_context& c) {
    c.version = &c.model->versions.front();
    pool_index chosen = c.larger_pool;
    if (!c.resteered) {
        const auto choice = length::choose_pool(c.version->contexts, c.prompt, c.cap.limit);
        if (!choice.pool.valid())
            return refusal(
                errc::context_length_exceeded,
                "The request has about " + std::to_string(c.prompt.tokens) + " ± " +
                    std::to_string(c.prompt.error) +
                    " tokens; the largest context of this model is " +
                    std::to_string(choice.largest) + ".",
                c.facts.num_messages > 0 ? "messages" : "input"
            );
        chosen = choice.pool;
        c.larger_pool = choice.next;
    }
    const pool_entry& pool = pool_of(*c.version, chosen);
    c.work.pools = {};
    c.work.pools.push(pool.index);
    c.record.version = c.version->id;
    c.record.pool = pool.id;
    return success();
}

}  // namespace penstock::gateway
