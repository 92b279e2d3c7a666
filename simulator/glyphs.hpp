// Letters of three by five dots: each octal digit of a glyph is a row from the top, its highest bit
// the left dot. Small letters are drawn as capitals, what is not here as a space.
#pragma once

#include <cstdint>

namespace penstock::simulator {

constexpr std::uint16_t glyph_of(char c) noexcept {
    constexpr std::uint16_t letters[26] = {025755, 065656, 034443, 065556, 074647, 074644, 034553,
                                           055755, 072227, 011152, 055655, 044447, 057755, 065555,
                                           025552, 065644, 025563, 065655, 034216, 072222, 055557,
                                           055552, 055775, 055255, 055222, 071247};
    constexpr std::uint16_t digits[10] = {
        075557, 026227, 071747, 071317, 055711, 074717, 074757, 071122, 075757, 075717
    };
    if (c >= 'a' && c <= 'z') return letters[c - 'a'];
    if (c >= 'A' && c <= 'Z') return letters[c - 'A'];
    if (c >= '0' && c <= '9') return digits[c - '0'];
    switch (c) {
        case '.':
            return 000002;
        case ',':
            return 000024;
        case ':':
            return 002020;
        case '-':
            return 000700;
        case '_':
            return 000007;
        case '+':
            return 002720;
        case '/':
            return 011244;
        case '%':
            return 051245;
        case '(':
            return 012221;
        case ')':
            return 042224;
        default:
            return 0;
    }
}

}  // namespace penstock::simulator
