// What answers have taught (policies/length), behind locks: one for each shard, never two at once.
#pragma once

#include "policies/length/learned.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>

namespace penstock::gateway {

// Any thread. Written once per answer at *settle*, read once per request at *read* as one small
// copy. Lives as long as the process: a reload forgets nothing.
class learned_shards {
 public:
    // `entries`: of each kind (models, tenants of a model, conversations), over all shards.
    explicit learned_shards(std::size_t entries) : shards_(make(entries)) {}

    length::knowledge recall(const length::asker& who, time_point now) const;

    // An answer has ended. `context`: of the pool that the request was given.
    void teach(
        const length::asker& who,
        const openai::request_facts& sent,
        std::uint32_t context,
        const usage& used,
        ending end,
        time_point now
    );

 private:
    static constexpr std::size_t num_shards = 16;

    struct alignas(64) shard {
        explicit shard(std::size_t entries) : learned(entries) {}
        mutable std::mutex mutex;
        length::learned learned;
    };
    using shard_list = std::array<std::unique_ptr<shard>, num_shards>;

    static shard_list make(std::size_t entries);

    // The tables use the low bits of a key.
    shard& of(std::uint64_t key) const noexcept { return *shards_[key >> 60]; }

    const shard_list shards_;
};

}  // namespace penstock::gateway
