// Which symbols of a piece are left while it is merged: a bit each, with its neighbours found by
// scanning.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace penstock::worker {

// Links would cost eight bytes a symbol, and long pieces are slow by the memory that they touch. No
// scan is longer than the longest token.
class symbol_set {
 public:
    static constexpr std::uint32_t none = 0xFFFFFFFF;

    // All of 0 to `size`.
    void fill(std::uint32_t size) {
        words_.assign(size / bits + 1, ~word{0});
        words_.back() = (word{1} << size % bits) - 1;
    }
    void erase(std::uint32_t at) noexcept { words_[at / bits] &= ~(word{1} << at % bits); }
    bool has(std::uint32_t at) const noexcept { return (words_[at / bits] >> at % bits & 1) != 0; }

    std::uint32_t after(std::uint32_t at) const noexcept {
        std::size_t i = at / bits;
        word left = words_[i] & (~word{1} << at % bits);
        while (left == 0) {
            if (++i == words_.size()) return none;
            left = words_[i];
        }
        return static_cast<std::uint32_t>(i * bits) + std::countr_zero(left);
    }
    std::uint32_t before(std::uint32_t at) const noexcept {
        std::size_t i = at / bits;
        word left = words_[i] & ((word{1} << at % bits) - 1);
        while (left == 0) {
            if (i-- == 0) return none;
            left = words_[i];
        }
        return static_cast<std::uint32_t>(i * bits + bits - 1) - std::countl_zero(left);
    }

 private:
    using word = std::uint64_t;
    static constexpr std::uint32_t bits = 64;
    std::vector<word> words_;
};

}  // namespace penstock::worker
