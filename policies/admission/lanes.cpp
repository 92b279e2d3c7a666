// The queue of one domain.
#include "policies/admission/lanes.hpp"

#include <algorithm>

namespace penstock::admission {
namespace {

bool same(const demand& a, const demand& b) noexcept {
    const auto equal = [](const auto& x, const auto& y) {
        return std::equal(x.begin(), x.end(), y.begin(), y.end());
    };
    return a.needs == b.needs && equal(a.tried, b.tried) && equal(a.pools, b.pools);
}

std::uint64_t mask_of(const pool_list& pools) noexcept {
    std::uint64_t mask = 0;
    for (const pool_index each : pools)
        mask |= std::uint64_t{1} << (each.value % 64);
    return mask;
}

}  // namespace

void lanes::reserve(std::size_t lanes) {
    lanes_.reserve(lanes);
    for (auto& each : active_)
        each.reserve(lanes);
}

std::uint32_t lanes::open(request_class klass, const demand& wanted) {
    auto& active = active_[static_cast<std::size_t>(klass)];
    const std::uint64_t mask = mask_of(wanted.pools);
    for (const std::uint32_t i : active) {
        const lane& l = lanes_[i];
        if (l.pool_mask == mask && same(l.wanted, wanted)) return i;
    }
    std::uint32_t i = free_;
    if (i == no_slot) {
        i = static_cast<std::uint32_t>(lanes_.size());
        lanes_.emplace_back();
    } else {
        free_ = lanes_[i].active_at;
    }
    lanes_[i] = {.klass = klass, .wanted = wanted, .pool_mask = mask};
    lanes_[i].active_at = static_cast<std::uint32_t>(active.size());
    active.push_back(i);
    return i;
}

void lanes::append(std::uint32_t slot, request_class klass, const demand& wanted) {
    const std::uint32_t i = open(klass, wanted);
    lane& l = lanes_[i];
    ticket_entry& e = tickets_[slot];
    e.lane = i;
    e.previous = l.last;
    e.next = no_slot;
    (l.last == no_slot ? l.first : tickets_[l.last].next) = slot;
    l.last = slot;
    ++l.size;
    ++size_;
}

void lanes::remove(std::uint32_t slot) noexcept {
    const ticket_entry& e = tickets_[slot];
    lane& l = lanes_[e.lane];
    (e.previous == no_slot ? l.first : tickets_[e.previous].next) = e.next;
    (e.next == no_slot ? l.last : tickets_[e.next].previous) = e.previous;
    --size_;
    if (--l.size > 0) return;
    auto& active = active_[static_cast<std::size_t>(l.klass)];
    const std::uint32_t moved = active.back();
    active[l.active_at] = moved;
    lanes_[moved].active_at = l.active_at;
    active.pop_back();
    l.active_at = free_;
    free_ = e.lane;
}

std::uint32_t lanes::ahead(request_class klass, const pool_list& pools) const noexcept {
    const std::uint64_t mask = mask_of(pools);
    std::uint32_t ahead = 0;
    for (std::size_t c = 0; c <= static_cast<std::size_t>(klass); ++c)
        for (const std::uint32_t i : active_[c])
            if (lanes_[i].pool_mask & mask) ahead += lanes_[i].size;
    return ahead;
}

}  // namespace penstock::admission
