// Counts of durations in buckets less than 1 % wide, from one nanosecond to an hour.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

namespace penstock::bench {

class histogram {
 public:
    void add(std::int64_t nanoseconds) {
        const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(0, nanoseconds));
        counts_[std::min(bucket_of(value), counts_.size() - 1)]++;
        total_++;
        largest_ = std::max(largest_, value);
    }

    std::uint64_t total() const { return total_; }
    double largest_us() const { return static_cast<double>(largest_) / 1e3; }

    // Microseconds below which `share` of the durations lie: the middle of the bucket; 0 when
    // empty.
    double quantile_us(double share) const {
        if (total_ == 0) return 0;
        const auto rank = std::max<std::uint64_t>(
            1, static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(total_)))
        );
        std::uint64_t seen = 0;
        for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) {
            seen += counts_[bucket];
            if (seen >= rank) return std::min(middle_of(bucket) / 1e3, largest_us());
        }
        return largest_us();
    }

 private:
    static constexpr int sub_bits = 7;
    static constexpr std::uint64_t sub_buckets = 1U << sub_bits;

    // Below 128 each value has its bucket; above, each power of two has 128 of them.
    static std::size_t bucket_of(std::uint64_t value) {
        if (value < sub_buckets) return value;
        const int shift = std::bit_width(value) - sub_bits - 1;
        return (static_cast<std::size_t>(shift) + 1) * sub_buckets + (value >> shift) - sub_buckets;
    }

    static double middle_of(std::size_t bucket) {
        if (bucket < sub_buckets) return static_cast<double>(bucket);
        const auto shift = bucket / sub_buckets - 1;
        const auto low = (bucket % sub_buckets + sub_buckets) << shift;
        return static_cast<double>(low) + static_cast<double>(std::uint64_t{1} << shift) / 2;
    }

    std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>(36 * sub_buckets);
    std::uint64_t total_ = 0;
    std::uint64_t largest_ = 0;
};

}  // namespace penstock::bench
