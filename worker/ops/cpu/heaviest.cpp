// Selection by digits: masses are added up by the first eleven bits of the score, then by the next
// eleven among those that the border falls on, then by the rest, until the border is one score.
#include "worker/ops/cpu/heaviest.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace penstock::worker {
namespace {

// Ordered as the scores are.
std::uint32_t key_of(float score) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(score);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

}  // namespace

void keep_heaviest(std::vector<candidate>& candidates, std::uint64_t target) noexcept {
    std::uint64_t total = 0;
    for (const candidate& c : candidates)
        total += c.mass;
    if (total <= target) {
        std::erase_if(candidates, [](const candidate& c) { return c.mass == 0; });
        return;
    }
    std::uint32_t border = 0, fixed = 0;  // the border, and which of its bits are known
    std::uint64_t missing = target;       // from the border's own digit downwards
    std::array<std::uint64_t, 2048> masses;
    for (const unsigned shift : {21u, 10u, 0u}) {
        const std::uint32_t digit_mask = shift ? 2047u : 1023u;
        masses.fill(0);
        for (const candidate& c : candidates) {
            const std::uint32_t key = key_of(c.score);
            if ((key & fixed) == border) masses[key >> shift & digit_mask] += c.mass;
        }
        std::uint32_t digit = digit_mask;
        for (; masses[digit] < missing; --digit)
            missing -= masses[digit];
        border |= digit << shift;
        fixed |= digit_mask << shift;
    }
    std::erase_if(candidates, [&](const candidate& c) {
        const std::uint32_t key = key_of(c.score);
        if (key != border) return key < border;
        if (missing == 0) return true;
        missing -= std::min(missing, c.mass);
        return false;
    });
}

}  // namespace penstock::worker
