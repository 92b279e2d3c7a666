// Counters that one thread writes and any thread may read: a plain load, add and store each. They
// are what every metric is made of; rooms that measure something may own cells of their own.
#pragma once

#include "penstock/clock.hpp"
#include "penstock/permit.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace penstock::observe {

// Written by one thread, or under one mutex.
class counter {
 public:
    void add(std::uint64_t n) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
    std::atomic<std::uint64_t> value_{0};
};

// As counter, but goes down too.
class gauge {
 public:
    struct unit {};

    void add(std::int64_t n) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    std::int64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }
    void give_back(unit, unit) noexcept { add(-1); }

 private:
    std::atomic<std::int64_t> value_{0};
};

// One of something counted by a gauge; destroyed on the thread that made it.
using counted = receipt<gauge, gauge::unit, gauge::unit>;

[[nodiscard]] inline counted count_one(gauge& where) noexcept {
    where.add(1);
    return {where, {}};
}

// Inclusive upper bounds in nanoseconds, six to a decade (1 1.5 2 3 5 7): fine enough that an
// interpolated quantile is off by a few percent, round enough that objectives are bounds.
struct bucket_layout {
    static constexpr std::size_t max_bounds = 50;

    std::array<std::uint64_t, max_bounds> bounds{};
    std::array<std::uint8_t, 65> first{
    };  // by bit width of a value: the first bound that may hold it
    std::uint8_t size = 0;

    // From `from` (at least 10 ns) over `decades` decades, both ends included; at most 8 decades.
    static consteval bucket_layout decades(duration from, int decades) {
        constexpr std::uint64_t steps[] = {10, 15, 20, 30, 50, 70};
        bucket_layout made;
        auto base = static_cast<std::uint64_t>(from.count());
        for (int i = 0; i < decades; ++i, base *= 10)
            for (std::uint64_t step : steps)
                made.bounds[made.size++] = base * step / 10;
        made.bounds[made.size++] = base;
        for (std::size_t width = 1; width < made.first.size(); ++width)
            while (made.first[width] < made.size &&
                   made.bounds[made.first[width]] < std::uint64_t{1} << (width - 1))
                ++made.first[width];
        return made;
    }

    // `size` when it is above all bounds.
    constexpr std::size_t index(std::uint64_t ns) const noexcept {
        std::size_t i = first[static_cast<std::size_t>(std::bit_width(ns))];
        while (i < size && ns > bounds[i])
            ++i;
        return i;
    }
};

namespace buckets {
using namespace std::chrono_literals;
inline constexpr auto lock = bucket_layout::decades(10ns, 6);            // to 10 ms
inline constexpr auto connect = bucket_layout::decades(10us, 6);         // to 10 s
inline constexpr auto queue_wait = bucket_layout::decades(10us, 8);      // to 1000 s
inline constexpr auto first_byte = bucket_layout::decades(100us, 7);     // to 1000 s
inline constexpr auto between_chunks = bucket_layout::decades(10us, 7);  // to 100 s
inline constexpr auto whole = bucket_layout::decades(100us, 8);          // to 10 000 s
}  // namespace buckets

// What a histogram held when it was read; sums over threads are made of these.
struct histogram_values {
    const bucket_layout* layout = &buckets::lock;
    std::array<std::uint64_t, bucket_layout::max_bounds + 1> counts{};  // [i]: in bucket i alone
    std::uint64_t sum_ns = 0;

    // Both of the same layout.
    histogram_values& operator+=(const histogram_values& other) noexcept {
        for (std::size_t i = 0; i < counts.size(); ++i)
            counts[i] += other.counts[i];
        sum_ns += other.sum_ns;
        return *this;
    }
};

// Written by one thread, or under one mutex; recording costs a few nanoseconds.
class histogram {
 public:
    explicit histogram(const bucket_layout& layout) noexcept : layout_(&layout) {}

    // What is negative counts as zero.
    void record(duration d) noexcept {
        const auto ns = d.count() > 0 ? static_cast<std::uint64_t>(d.count()) : 0;
        counts_[layout_->index(ns)].add(1);
        sum_ns_.add(ns);
    }

    histogram_values values() const noexcept {
        histogram_values read{.layout = layout_, .sum_ns = sum_ns_.value()};
        for (std::size_t i = 0; i <= layout_->size; ++i)
            read.counts[i] = counts_[i].value();
        return read;
    }

 private:
    const bucket_layout* layout_;
    std::array<counter, bucket_layout::max_bounds + 1> counts_;
    counter sum_ns_;
};

}  // namespace penstock::observe
