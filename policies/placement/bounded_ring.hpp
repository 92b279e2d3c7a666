// Consistent hashing with bounded loads: the same affinity finds the same replica while that one is
// not much busier than the others.
#pragma once

#include "penstock/ids.hpp"

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace penstock::placement {

// Mirrokni, Thorup, Zadimoghaddam (2018). A replica's points depend on its id alone, so that one
// that comes or goes moves only its own share, and two gateways agree without talking.
class bounded_ring {
 public:
    struct member {
        std::string_view id;
        replica_index replica;
    };
    void build(std::span<const member> members);

    // The first replica from `affinity` on that `accepts`; none when the first few do not: then
    // affinity is worth less than balance. O(1).
    template <class Accepts>
    replica_index find(std::uint64_t affinity, Accepts&& accepts) const {
        if (points_.empty()) return {};
        std::size_t at = first_at(affinity);
        replica_index last;
        for (std::size_t asked = 0; asked < most_asked; ++asked, at = (at + 1) % points_.size()) {
            const replica_index who = points_[at].replica;
            if (who == last) continue;
            if (accepts(who)) return who;
            last = who;
        }
        return {};
    }

 private:
    static constexpr std::size_t most_asked = 8;

    struct point {
        std::uint64_t hash;
        replica_index replica;
    };
    std::size_t first_at(std::uint64_t affinity) const noexcept;

    std::vector<point> points_;  // by hash
    // Hashes are spread evenly, so that their first bits lead to within a point or two: a binary
    // search would wait for memory ten times.
    std::vector<std::uint32_t> starts_;  // [first bits of a hash]: the first point not below them
    int shift_ = 0;                      // of a hash, to its first bits
};

}  // namespace penstock::placement
