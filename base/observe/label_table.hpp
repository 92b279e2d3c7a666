// One family's cells on one thread, found by their labels. The owner looks up without a lock; any
// thread may walk what is there, since entries are only ever added, at the front of a list.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace penstock::observe {

// How many label sets a family may have, over all threads.
class label_bound {
 public:
    explicit label_bound(std::size_t max) : max_(max), full_(max == 0) {}

    bool is_full() const noexcept { return full_.load(std::memory_order_relaxed); }

    // False: the set is new and there is no room.
    bool admit(const std::string& labels) {
        std::lock_guard lock(mutex_);
        if (known_.contains(labels)) return true;
        if (known_.size() >= max_) return false;
        known_.insert(labels);
        if (known_.size() == max_) full_.store(true, std::memory_order_relaxed);
        return true;
    }

 private:
    const std::size_t max_;
    std::atomic<bool> full_;
    std::mutex mutex_;
    std::unordered_set<std::string> known_;
};

template <class Cell, std::size_t N>
class label_table {
 public:
    using views = std::array<std::string_view, N>;

    explicit label_table(label_bound& bound) : bound_(bound), slots_(64, nullptr) {}
    ~label_table() {
        for (entry* e = newest_.load(std::memory_order_relaxed); e;)
            delete std::exchange(e, e->older);
    }
    label_table(const label_table&) = delete;
    label_table& operator=(const label_table&) = delete;

    // Owner only. Once the family is full, a set that is new to this thread shares one cell whose
    // labels are all "other".
    Cell& at(const views& labels) {
        const std::size_t hash = hash_of(labels);
        if (entry* known = find(hash, labels)) return known->cell;
        return bound_.is_full() ? overflow() : add_if_admitted(hash, labels);
    }

    // Any thread: visit(labels, cell).
    template <class Visit>
    void each(Visit&& visit) const {
        for (const entry* e = newest_.load(std::memory_order_acquire); e; e = e->older)
            visit(e->labels, e->cell);
    }

 private:
    struct entry {
        std::size_t hash;
        std::array<std::string, N> labels;
        entry* older;
        Cell cell{};
    };

    static std::size_t hash_of(const views& labels) noexcept {
        std::size_t hash = 0;
        for (std::string_view label : labels)
            hash = (hash ^ std::hash<std::string_view>{}(label)) * 0x9e3779b97f4a7c15;
        return hash ^ (hash >> 32);
    }

    entry* find(std::size_t hash, const views& labels) const noexcept {
        const std::size_t mask = slots_.size() - 1;
        for (std::size_t i = hash & mask; slots_[i]; i = (i + 1) & mask)
            if (slots_[i]->hash == hash && same(slots_[i]->labels, labels)) return slots_[i];
        return nullptr;
    }

    static bool same(const std::array<std::string, N>& ours, const views& labels) noexcept {
        for (std::size_t i = 0; i < N; ++i)
            if (ours[i] != labels[i]) return false;
        return true;
    }

    Cell& add_if_admitted(std::size_t hash, const views& labels) {
        std::string joined;
        for (std::string_view label : labels)
            joined.append(label).append(1, '\0');
        return bound_.admit(joined) ? add(hash, labels).cell : overflow();
    }

    Cell& overflow() {
        views labels;
        labels.fill("other");
        const std::size_t hash = hash_of(labels);
        entry* known = find(hash, labels);
        return known ? known->cell : add(hash, labels).cell;
    }

    entry& add(std::size_t hash, const views& labels) {
        if (2 * (size_ + 1) > slots_.size()) grow();
        auto made = std::make_unique<entry>();
        made->hash = hash;
        for (std::size_t i = 0; i < N; ++i)
            made->labels[i] = labels[i];
        made->older = newest_.load(std::memory_order_relaxed);
        place(made.get());
        ++size_;
        newest_.store(made.get(), std::memory_order_release);
        return *made.release();
    }

    void place(entry* e) noexcept {
        const std::size_t mask = slots_.size() - 1;
        std::size_t i = e->hash & mask;
        while (slots_[i])
            i = (i + 1) & mask;
        slots_[i] = e;
    }

    void grow() {
        slots_.assign(slots_.size() * 2, nullptr);
        for (entry* e = newest_.load(std::memory_order_relaxed); e; e = e->older)
            place(e);
    }

    label_bound& bound_;
    std::vector<entry*> slots_;  // open addressing, at most half full; the owner's alone
    std::size_t size_ = 0;
    std::atomic<entry*> newest_{nullptr};
};

}  // namespace penstock::observe
