// A bounded table that forgets what was not used for longest.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace penstock::length {

// Keys are hashes already. At most `bound` entries; every call is O(1). Memory grows with the
// entries and stays where it is once they are `bound`.
template <class Value>
class lru_table {
 public:
    explicit lru_table(std::size_t bound)
        : bound_(bound > 0 ? bound : 1), buckets_(std::bit_ceil(bound_), none) {}

    // Null: not there. Does not count as use.
    const Value* find(std::uint64_t key) const noexcept {
        const std::uint32_t at = at_of(key);
        return at == none ? nullptr : &entries_[at].value;
    }

    // Made when it was not there, in the place of the one unused for longest if the table is full.
    Value& use(std::uint64_t key) {
        std::uint32_t at = at_of(key);
        if (at == none) {
            at = place();
            entries_[at].key = key;
            entries_[at].value = Value{};
            entries_[at].next = buckets_[bucket(key)];
            buckets_[bucket(key)] = at;
        } else {
            unlink(at);
        }
        link_newest(at);
        return entries_[at].value;
    }

    std::size_t size() const noexcept { return entries_.size(); }

 private:
    static constexpr std::uint32_t none = 0xffff'ffff;
    struct entry {
        std::uint64_t key = 0;
        std::uint32_t next = none;                 // in its bucket
        std::uint32_t older = none, newer = none;  // in order of use
        Value value;
    };

    std::size_t bucket(std::uint64_t key) const noexcept { return key & (buckets_.size() - 1); }

    std::uint32_t at_of(std::uint64_t key) const noexcept {
        std::uint32_t at = buckets_[bucket(key)];
        while (at != none && entries_[at].key != key)
            at = entries_[at].next;
        return at;
    }

    // In no bucket and no order.
    std::uint32_t place() {
        if (entries_.size() < bound_) {
            entries_.emplace_back();
            return static_cast<std::uint32_t>(entries_.size() - 1);
        }
        const std::uint32_t at = oldest_;
        unlink(at);
        std::uint32_t* link = &buckets_[bucket(entries_[at].key)];
        while (*link != at)
            link = &entries_[*link].next;
        *link = entries_[at].next;
        return at;
    }

    void unlink(std::uint32_t at) noexcept {
        const entry& e = entries_[at];
        (e.older == none ? oldest_ : entries_[e.older].newer) = e.newer;
        (e.newer == none ? newest_ : entries_[e.newer].older) = e.older;
    }

    void link_newest(std::uint32_t at) noexcept {
        entries_[at].older = newest_;
        entries_[at].newer = none;
        (newest_ == none ? oldest_ : entries_[newest_].newer) = at;
        newest_ = at;
    }

    std::size_t bound_;
    std::vector<std::uint32_t> buckets_;
    std::vector<entry> entries_;
    std::uint32_t oldest_ = none, newest_ = none;
};

}  // namespace penstock::length
