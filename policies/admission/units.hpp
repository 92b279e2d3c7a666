// Small conversions that admission's files share.
#pragma once

#include "penstock/contracts/admission.hpp"

#include <algorithm>

namespace penstock::admission {

// At most a day: a prediction beyond it says no more than that.
inline duration as_duration(double seconds) noexcept {
    return std::chrono::duration_cast<duration>(
        std::chrono::duration<double>(std::min(seconds, 86'400.0))
    );
}

// Place of a class in an array of all.
constexpr std::size_t at(request_class klass) noexcept {
    return static_cast<std::size_t>(klass);
}

// What a limit leaves; a reload may have lowered it below what is taken.
constexpr std::int64_t left_of(std::uint32_t limit, std::uint32_t taken) noexcept {
    return limit > taken ? limit - taken : 0;
}

inline bool full(const verdict_batch& out) noexcept {
    return out.size == verdict_batch_size;
}

}  // namespace penstock::admission
