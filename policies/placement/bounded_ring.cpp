// Consistent hashing with bounded loads.
#include "policies/placement/bounded_ring.hpp"

#include <algorithm>
#include <bit>

namespace penstock::placement {
namespace {

constexpr std::uint64_t points_each = 40;  // evens the shares out to about 1 / sqrt(40)

// The finaliser of splitmix64 (Steele, Lea, Flood 2014).
constexpr std::uint64_t mixed(std::uint64_t x) noexcept {
    x += 0x9e37'79b9'7f4a'7c15;
    x = (x ^ (x >> 30)) * 0xbf58'476d'1ce4'e5b9;
    x = (x ^ (x >> 27)) * 0x94d0'49bb'1331'11eb;
    return x ^ (x >> 31);
}

// FNV-1a: the same on every machine, unlike std::hash.
constexpr std::uint64_t hash_of(std::string_view text) noexcept {
    std::uint64_t hash = 0xcbf2'9ce4'8422'2325;
    for (const char c : text)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100'0000'01b3;
    return hash;
}

}  // namespace

void bounded_ring::build(std::span<const member> members) {
    points_.clear();
    points_.reserve(members.size() * points_each);
    for (const member& each : members) {
        const std::uint64_t base = hash_of(each.id);
        for (std::uint64_t i = 0; i < points_each; ++i)
            points_.push_back({mixed(base + i), each.replica});
    }
    std::sort(points_.begin(), points_.end(), [](const point& a, const point& b) {
        return a.hash != b.hash ? a.hash < b.hash : a.replica < b.replica;
    });
    // Two buckets at least: a shift by all 64 bits is none.
    const std::size_t buckets = std::bit_ceil(std::max<std::size_t>(points_.size(), 2));
    shift_ = 64 - std::countr_zero(buckets);
    starts_.assign(buckets, 0);
    std::uint32_t at = 0;
    for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
        while (at < points_.size() && points_[at].hash >> shift_ < bucket)
            ++at;
        starts_[bucket] = at;
    }
}

std::size_t bounded_ring::first_at(std::uint64_t affinity) const noexcept {
    const std::uint64_t hash = mixed(affinity);
    std::size_t at = starts_[hash >> shift_];
    while (at < points_.size() && points_[at].hash < hash)
        ++at;
    return at == points_.size() ? 0 : at;
}

}  // namespace penstock::placement
