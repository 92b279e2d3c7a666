// Eight words at a time, each in a lane of its own: a lane waits for its multiplication, the others
// do not.
#include "worker/weights/content_hash.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace penstock::worker {

namespace {

static_assert(std::endian::native == std::endian::little, "words are read as they lie in memory");

constexpr std::size_t num_lanes = 8;
using words = std::array<std::uint64_t, num_lanes>;
constexpr std::size_t block_bytes = sizeof(words);

// 2^64 over the golden ratio, odd: a multiplication that can be undone.
constexpr std::uint64_t factor = 0x9E3779B97F4A7C15;

constexpr std::uint64_t step(std::uint64_t state, std::uint64_t word) noexcept {
    state = (state ^ word) * factor;
    return state ^ (state >> 32);
}

void take_block(words& lanes, const std::byte* block) noexcept {
    words read;
    std::memcpy(read.data(), block, block_bytes);
    for (std::size_t i = 0; i < num_lanes; ++i)
        lanes[i] = step(lanes[i], read[i]);
}

}  // namespace

std::uint64_t content_hash(std::span<const std::byte> bytes) noexcept {
    words lanes;
    for (std::size_t i = 0; i < num_lanes; ++i)
        lanes[i] = step(0, i + 1);
    const std::size_t whole = bytes.size() / block_bytes * block_bytes;
    for (std::size_t at = 0; at < whole; at += block_bytes)
        take_block(lanes, bytes.data() + at);
    if (whole < bytes.size()) {
        std::array<std::byte, block_bytes> last{};
        std::ranges::copy(bytes.subspan(whole), last.begin());
        take_block(lanes, last.data());
    }
    return step(joined_hash(lanes), bytes.size());
}

std::uint64_t joined_hash(std::span<const std::uint64_t> parts) noexcept {
    std::uint64_t state = step(0, parts.size());
    for (const std::uint64_t part : parts)
        state = step(state, part);
    return step(state, 0);
}

}  // namespace penstock::worker
