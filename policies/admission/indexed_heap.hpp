// A heap that knows where each of its items stands.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace penstock::admission {

// Slots of some table by key, the smallest first. O(log n) to put, move and take, memory only for
// those who are in: an item that left early is taken out, not waited for.
template <class Key>
class indexed_heap {
 public:
    struct item {
        Key key;
        std::uint32_t slot;
    };

    // Room for so many without allocation.
    void reserve(std::size_t slots) {
        heap_.reserve(slots);
        place_.reserve(slots);
    }
    // One that is in already moves.
    void put(std::uint32_t slot, Key key) {
        if (place_.size() <= slot) place_.resize(slot + 1, out);
        if (place_[slot] == out) {
            heap_.push_back({});
            rise(heap_.size() - 1, {key, slot});
        } else {
            settle(place_[slot], {key, slot});
        }
    }
    // Nothing happens when it is not in.
    void take(std::uint32_t slot) noexcept {
        if (!contains(slot)) return;
        const std::size_t at = place_[slot];
        place_[slot] = out;
        const item last = heap_.back();
        heap_.pop_back();
        if (at < heap_.size()) settle(at, last);
    }
    bool contains(std::uint32_t slot) const noexcept {
        return slot < place_.size() && place_[slot] != out;
    }
    bool empty() const noexcept { return heap_.empty(); }
    std::size_t size() const noexcept { return heap_.size(); }
    // Only when not empty.
    std::uint32_t first() const noexcept { return heap_.front().slot; }
    // Only of one that is in.
    Key key_of(std::uint32_t slot) const noexcept { return heap_[place_[slot]].key; }
    Key first_key_or(Key none) const noexcept { return heap_.empty() ? none : heap_.front().key; }
    // All of them: the first is the smallest, and those near it are small.
    std::span<const item> items() const noexcept { return heap_; }

 private:
    static constexpr std::uint32_t out = 0xffff'ffff;
    // Four children share a cache line or two: half as many waits for memory as with two.
    static constexpr std::size_t arity = 4;

    static constexpr std::size_t parent_of(std::size_t at) noexcept { return (at - 1) / arity; }

    void set(std::size_t at, item what) noexcept {
        heap_[at] = what;
        place_[what.slot] = static_cast<std::uint32_t>(at);
    }
    void settle(std::size_t at, item what) noexcept {
        if (at > 0 && what.key < heap_[parent_of(at)].key)
            rise(at, what);
        else
            sink(at, what);
    }
    void rise(std::size_t at, item what) noexcept {
        while (at > 0) {
            const std::size_t parent = parent_of(at);
            if (!(what.key < heap_[parent].key)) break;
            set(at, heap_[parent]);
            at = parent;
        }
        set(at, what);
    }
    void sink(std::size_t at, item what) noexcept {
        for (;;) {
            const std::size_t first = arity * at + 1;
            if (first >= heap_.size()) break;
            const std::size_t end = std::min(first + arity, heap_.size());
            std::size_t least = first;
            for (std::size_t child = first + 1; child < end; ++child)
                if (heap_[child].key < heap_[least].key) least = child;
            if (!(heap_[least].key < what.key)) break;
            set(at, heap_[least]);
            at = least;
        }
        set(at, what);
    }

    std::vector<item> heap_;
    std::vector<std::uint32_t> place_;  // of each slot in heap_, or `out`
};

}  // namespace penstock::admission
