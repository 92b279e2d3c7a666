// A stable hash: two 64-bit words at a time, folded through one 128-bit product (the construction
// of wyhash and its kin); long texts in four chains that do not wait for each other. Its values are
// part of the affinity between requests and replicas, so a change of them moves every session once.
#include "penstock/openai/facts.hpp"

#include <bit>
#include <cstring>

namespace penstock::openai {
namespace {

static_assert(std::endian::native == std::endian::little, "the words below are read in place");

__extension__ using product = unsigned __int128;

constexpr std::uint64_t odd_a = 0x9e3779b97f4a7c15;
constexpr std::uint64_t odd_b = 0xd6e8feb86659fd93;

std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
    const product p = static_cast<product>(a) * b;
    return static_cast<std::uint64_t>(p) ^ static_cast<std::uint64_t>(p >> 64);
}

// The state enters both factors, so that no chosen word can wipe it out.
std::uint64_t absorb(std::uint64_t state, std::uint64_t low, std::uint64_t high) noexcept {
    return fold(low ^ odd_a ^ state, high ^ odd_b ^ std::rotl(state, 29));
}

std::uint64_t word_at(const char* p, std::size_t size = 8) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, p, size);
    return word;
}

constexpr std::size_t block = 64;

// Whole blocks, less the last byte of the text, which the caller takes.
std::uint64_t absorb_blocks(std::uint64_t state, const char*& p, std::size_t& left) noexcept {
    std::uint64_t a = state, b = state + odd_a, c = state + odd_b, d = state ^ (odd_a + odd_b);
    for (; left > block; p += block, left -= block) {
        a = absorb(a, word_at(p), word_at(p + 8));
        b = absorb(b, word_at(p + 16), word_at(p + 24));
        c = absorb(c, word_at(p + 32), word_at(p + 40));
        d = absorb(d, word_at(p + 48), word_at(p + 56));
    }
    return absorb(absorb(state, a, b), c, d);
}

}  // namespace

std::uint64_t hash_of(std::string_view text) noexcept {
    if (text.empty()) return 0;
    const char* p = text.data();
    std::size_t left = text.size();
    std::uint64_t state = fold(text.size() ^ odd_a, odd_b);
    if (left > block) state = absorb_blocks(state, p, left);
    for (; left > 16; p += 16, left -= 16)
        state = absorb(state, word_at(p), word_at(p + 8));
    const std::uint64_t low = word_at(p, left < 8 ? left : 8);
    const std::uint64_t high = left > 8 ? word_at(p + 8, left - 8) : 0;
    state = absorb(state, low, high);
    state = fold(state ^ odd_b, odd_a);
    return state != 0 ? state : 1;
}

}  // namespace penstock::openai
