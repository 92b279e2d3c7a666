// What answers have taught, behind locks.
#include "gateway/stages/learned_shards.hpp"

#include <algorithm>

namespace penstock::gateway {

learned_shards::shard_list learned_shards::make(std::size_t entries) {
    shard_list shards;
    for (auto& each : shards)
        each = std::make_unique<shard>(std::max<std::size_t>(entries / num_shards, 1));
    return shards;
}

length::knowledge learned_shards::recall(const length::asker& who, time_point now) const {
    length::output_belief own;
    {
        const std::uint64_t key = who.tenant_of_model();
        const shard& s = of(key);
        const std::lock_guard held(s.mutex);
        own = s.learned.output_of(key);
    }
    length::knowledge known;
    {
        const shard& s = of(who.model);
        const std::lock_guard held(s.mutex);
        known = s.learned.of_model(who.model, own);
    }
    if (const std::uint64_t key = who.conversation(); key != 0) {
        const shard& s = of(key);
        const std::lock_guard held(s.mutex);
        known.last = s.learned.of_conversation(key, now);
    }
    return known;
}

void learned_shards::teach(
    const length::asker& who,
    const openai::request_facts& sent,
    std::uint32_t context,
    const usage& used,
    ending end,
    time_point now
) {
    if (!length::teaches(used, end)) return;
    {
        shard& s = of(who.model);
        const std::lock_guard held(s.mutex);
        s.learned.teach_model(who, sent, used);
    }
    {
        shard& s = of(who.tenant_of_model());
        const std::lock_guard held(s.mutex);
        s.learned.teach_tenant(who, sent, used);
    }
    if (const std::uint64_t key = who.conversation(); key != 0) {
        shard& s = of(key);
        const std::lock_guard held(s.mutex);
        s.learned.teach_conversation(who, sent, context, used, now);
    }
}

}  // namespace penstock::gateway
