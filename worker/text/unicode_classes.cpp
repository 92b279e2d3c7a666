// The classes from ICU's properties, brought to the Unicode versions that `tokenizers` has.
#include "worker/text/unicode_classes.hpp"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>

namespace penstock::worker {
namespace {

constexpr int regex_unicode = 16;  // Oniguruma 6.9.10
constexpr int nfc_unicode = 9;     // unicode-normalization-alignments 0.1

int age_of(char32_t code) noexcept {
    UVersionInfo version;
    u_charAge(static_cast<UChar32>(code), version);
    return version[0];
}

struct code_range {
    char32_t first, last;
};

// Letters and numbers of Unicode 15.1 and 16, for an ICU that is older (ICU 72: Unicode 15).
constexpr code_range newer_letters[] = {
    {0x1C89, 0x1C8A},   {0xA7CB, 0xA7CD},   {0xA7DA, 0xA7DC},   {0x105C0, 0x105F3},
    {0x10D4A, 0x10D65}, {0x10D6F, 0x10D85}, {0x10EC2, 0x10EC4}, {0x11380, 0x11389},
    {0x1138B, 0x1138B}, {0x1138E, 0x1138E}, {0x11390, 0x113B5}, {0x113B7, 0x113B7},
    {0x113D1, 0x113D1}, {0x113D3, 0x113D3}, {0x11BC0, 0x11BE0}, {0x13460, 0x143FA},
    {0x16100, 0x1611D}, {0x16D40, 0x16D6C}, {0x18CFF, 0x18CFF}, {0x1E5D0, 0x1E5ED},
    {0x1E5F0, 0x1E5F0}, {0x2EBF0, 0x2EE5D},
};
constexpr code_range newer_numbers[] = {
    {0x10D40, 0x10D49},
    {0x116D0, 0x116E3},
    {0x11BF0, 0x11BF9},
    {0x16130, 0x16139},
    {0x16D70, 0x16D79},
    {0x1CCF0, 0x1CCF9},
    {0x1E5F1, 0x1E5FA},
};

// No character behind this one has a decomposition or a combining class.
constexpr char32_t nfc_end = 0x2FA20;

struct type_walk {
    std::uint8_t* rows;
};

UBool take_types(const void* context, UChar32 start, UChar32 limit, UCharCategory type) {
    constexpr std::uint32_t letters = U_GC_L_MASK, numbers = U_GC_N_MASK;
    const std::uint32_t mask = U_MASK(type);
    if ((mask & (letters | numbers)) == 0) return true;
    const auto what = (mask & letters) != 0 ? char_class::letter : char_class::number;
    for (UChar32 code = start; code < limit; ++code) {
        if (age_of(static_cast<char32_t>(code)) <= regex_unicode)
            static_cast<const type_walk*>(context)->rows[code] = static_cast<std::uint8_t>(what);
    }
    return true;
}

}  // namespace

bool is_known_to_nfc(char32_t code) noexcept {
    return age_of(code) <= nfc_unicode;
}

bool is_word_character(char32_t code) noexcept {
    const auto at = static_cast<UChar32>(code);
    constexpr std::uint32_t types = U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK;
    return (U_GET_GC_MASK(at) & types) != 0 || u_hasBinaryProperty(at, UCHAR_ALPHABETIC) ||
           u_hasBinaryProperty(at, UCHAR_JOIN_CONTROL);
}

unicode_classes::unicode_classes() {
    const type_walk walk{rows_};
    u_enumCharTypes(take_types, &walk);
    const auto fill = [this](const code_range& range, char_class what) {
        for (char32_t code = range.first; code <= range.last; ++code)
            rows_[code] = static_cast<std::uint8_t>(what);
    };
    for (const code_range& range : newer_letters)
        fill(range, char_class::letter);
    for (const code_range& range : newer_numbers)
        fill(range, char_class::number);
    // All spaces lie in the first plane and none was added since Unicode 4.
    for (char32_t code = 0; code < 0x10000; ++code) {
        if (u_isUWhiteSpace(static_cast<UChar32>(code))) fill({code, code}, char_class::space);
    }
    for (const char32_t code : {U'\r', U'\n'})
        fill({code, code}, char_class::newline);
    for (char32_t code = 0; code < nfc_end; ++code) {
        const auto at = static_cast<UChar32>(code);
        const bool plain = u_getCombiningClass(at) == 0 &&
                           u_getIntPropertyValue(at, UCHAR_NFC_QUICK_CHECK) == UNORM_YES;
        if (!plain && is_known_to_nfc(code)) rows_[code] |= nfc_bit;
    }
}

const unicode_classes& unicode_classes::get() {
    static const unicode_classes classes;
    return classes;
}

}  // namespace penstock::worker
