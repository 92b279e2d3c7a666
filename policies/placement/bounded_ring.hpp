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
    // affinity is worth less than balance. O(log members).
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

    std::vector<point> points_;
};

}  // namespace penstock::placement
