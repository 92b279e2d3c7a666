// Who shares a pool.
#include "policies/admission/flow_table.hpp"

#include <algorithm>

namespace penstock::admission {
namespace {

constexpr std::size_t fewest_places = 64;

}  // namespace

void flow_table::reserve(std::size_t waiting, std::size_t idle_most) {
    idle_most_ = idle_most;
    const std::size_t flows = waiting + idle_most + 1;
    flows_.reserve(flows);
    free_.reserve(flows);
    std::size_t places = fewest_places;
    while (places < 2 * flows)
        places *= 2;
    if (places > places_.size()) grow(places);
}

// Fibonacci hashing of the three numbers.
std::size_t flow_table::home(const flow_key& key) const noexcept {
    std::uint64_t mixed = (std::uint64_t{key.pool.value} << 33) ^
                          (std::uint64_t{static_cast<std::uint8_t>(key.klass)} << 32) ^
                          key.tenant.value;
    mixed = (mixed ^ (mixed >> 29)) * 0x9e37'79b9'7f4a'7c15;
    return static_cast<std::size_t>(mixed >> 32) & (places_.size() - 1);
}

std::size_t flow_table::place_of(const flow_key& key) const noexcept {
    std::size_t at = home(key);
    while (places_[at] != none && !(flows_[places_[at]].key == key))
        at = (at + 1) & (places_.size() - 1);
    return at;
}

void flow_table::grow(std::size_t places) {
    const std::vector<std::uint32_t> old = std::move(places_);
    places_.assign(places, none);
    for (const std::uint32_t i : old)
        if (i != none) places_[place_of(flows_[i].key)] = i;
}

std::uint32_t flow_table::find(const flow_key& key) const noexcept {
    return places_.empty() ? none : places_[place_of(key)];
}

std::uint32_t flow_table::find_or_add(const flow_key& key) {
    if (const std::uint32_t known = find(key); known != none) return known;
    if (idle_ > 0 && idle_ >= idle_most_) forget(oldest_);
    if (2 * (used_ + 1) > places_.size()) grow(std::max(fewest_places, 2 * places_.size()));
    std::uint32_t i = none;
    if (free_.empty()) {
        i = static_cast<std::uint32_t>(flows_.size());
        flows_.emplace_back();
    } else {
        i = free_.back();
        free_.pop_back();
    }
    flows_[i] = {.key = key};
    places_[place_of(key)] = i;
    ++used_;
    link(i);
    return i;
}

void flow_table::begins_to_wait(std::uint32_t i) noexcept {
    unlink(i);
    --idle_;
}

void flow_table::becomes_idle(std::uint32_t i) noexcept {
    link(i);
    if (idle_ > idle_most_) forget(oldest_);
}

void flow_table::link(std::uint32_t i) noexcept {
    flow& f = flows_[i];
    f.older = newest_;
    f.newer = none;
    (newest_ == none ? oldest_ : flows_[newest_].newer) = i;
    newest_ = i;
    ++idle_;
}

void flow_table::unlink(std::uint32_t i) noexcept {
    const flow& f = flows_[i];
    (f.older == none ? oldest_ : flows_[f.older].newer) = f.newer;
    (f.newer == none ? newest_ : flows_[f.newer].older) = f.older;
}

// Those behind it move up, so that no search ends early at the gap.
void flow_table::forget(std::uint32_t i) noexcept {
    unlink(i);
    --idle_;
    --used_;
    free_.push_back(i);
    const std::size_t mask = places_.size() - 1;
    std::size_t gap = place_of(flows_[i].key);
    for (std::size_t at = (gap + 1) & mask; places_[at] != none; at = (at + 1) & mask) {
        const std::size_t wanted = home(flows_[places_[at]].key);
        if (((at - wanted) & mask) < ((at - gap) & mask)) continue;
        places_[gap] = places_[at];
        gap = at;
    }
    places_[gap] = none;
}

}  // namespace penstock::admission
