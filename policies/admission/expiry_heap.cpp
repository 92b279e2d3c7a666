// Which waiting ticket runs out first.
#include "policies/admission/expiry_heap.hpp"

namespace penstock::admission {

void expiry_heap::reserve(std::size_t slots) {
    heap_.reserve(slots);
    place_.reserve(slots);
}

void expiry_heap::set(std::size_t at, item what) noexcept {
    heap_[at] = what;
    place_[what.slot] = static_cast<std::uint32_t>(at);
}

void expiry_heap::rise(std::size_t at, item what) noexcept {
    while (at > 0) {
        const std::size_t parent = (at - 1) / 2;
        if (heap_[parent].when <= what.when) break;
        set(at, heap_[parent]);
        at = parent;
    }
    set(at, what);
}

void expiry_heap::sink(std::size_t at, item what) noexcept {
    for (;;) {
        std::size_t child = 2 * at + 1;
        if (child >= heap_.size()) break;
        if (child + 1 < heap_.size() && heap_[child + 1].when < heap_[child].when) ++child;
        if (what.when <= heap_[child].when) break;
        set(at, heap_[child]);
        at = child;
    }
    set(at, what);
}

void expiry_heap::put(std::uint32_t slot, time_point when) {
    if (place_.size() <= slot) place_.resize(slot + 1, out);
    heap_.push_back({});
    rise(heap_.size() - 1, {when, slot});
}

void expiry_heap::take(std::uint32_t slot) noexcept {
    if (slot >= place_.size() || place_[slot] == out) return;
    const std::size_t at = place_[slot];
    place_[slot] = out;
    const item last = heap_.back();
    heap_.pop_back();
    if (at == heap_.size()) return;
    if (at > 0 && last.when < heap_[(at - 1) / 2].when)
        rise(at, last);
    else
        sink(at, last);
}

}  // namespace penstock::admission
