// Random numbers without a state: Philox4x32-10 of Salmon et al., "Parallel random numbers: as easy
// as 1, 2, 3" (2011). The numbers of a counter are the same whoever asks, and when.
#pragma once

#include <array>
#include <cstdint>

namespace penstock::worker {

using philox_block = std::array<std::uint32_t, 4>;

constexpr philox_block philox(philox_block counter, std::uint64_t seed) noexcept {
    auto key_low = std::uint32_t(seed), key_high = std::uint32_t(seed >> 32);
    for (int round = 0; round < 10; ++round) {
        const std::uint64_t a = std::uint64_t(counter[0]) * 0xD2511F53u;
        const std::uint64_t b = std::uint64_t(counter[2]) * 0xCD9E8D57u;
        counter = {
            std::uint32_t(b >> 32) ^ counter[1] ^ key_low,
            std::uint32_t(b),
            std::uint32_t(a >> 32) ^ counter[3] ^ key_high,
            std::uint32_t(a)
        };
        key_low += 0x9E3779B9u;
        key_high += 0xBB67AE85u;
    }
    return counter;
}

}  // namespace penstock::worker
