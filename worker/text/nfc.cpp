// NFC by ICU's data with our own ordering of marks: ICU sorts each run of them by insertion, so
// that a megabyte of alternating accents would take hours.
#include "worker/text/nfc.hpp"

#include "worker/text/unicode_classes.hpp"
#include "worker/text/utf8.hpp"

#include <algorithm>
#include <cstring>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/utf16.h>
#include <vector>

namespace penstock::worker {
namespace {

struct mark {
    char32_t code;
    std::uint8_t combining;  // canonical combining class; 0: a starter
};

const UNormalizer2* data() noexcept {
    UErrorCode status = U_ZERO_ERROR;
    return unorm2_getNFCInstance(&status);  // compiled in: it cannot fail
}

void append_utf8(char32_t code, std::string& out) {
    const auto tail = [&](int shift) {
        out.push_back(static_cast<char>(0x80 | ((code >> shift) & 0x3F)));
    };
    if (code < 0x80) {
        out.push_back(static_cast<char>(code));
    } else if (code < 0x800) {
        out.push_back(static_cast<char>(0xC0 | code >> 6));
        tail(0);
    } else if (code < 0x10000) {
        out.push_back(static_cast<char>(0xE0 | code >> 12));
        tail(6), tail(0);
    } else {
        out.push_back(static_cast<char>(0xF0 | code >> 18));
        tail(12), tail(6), tail(0);
    }
}

// One stretch: a character that stays as it is, and all that may change behind it.
class stretch {
 public:
    void add(char32_t code) {
        constexpr int units_max = 16;
        UChar units[units_max];
        UErrorCode status = U_ZERO_ERROR;
        const auto at = static_cast<UChar32>(code);
        const bool known = is_known_to_nfc(code);
        const int length =
            known ? unorm2_getDecomposition(data(), at, units, units_max, &status) : -1;
        if (length < 0) return push(code, known);
        for (int i = 0; i < length;) {
            UChar32 part;
            U16_NEXT(units, i, length, part);
            push(static_cast<char32_t>(part), true);
        }
    }

    // Writes what was added and forgets it.
    void give_out(std::string& out) {
        order();
        compose();
        for (const mark& each : marks_)
            append_utf8(each.code, out);
        marks_.clear();
    }

 private:
    void push(char32_t code, bool known) {
        const auto combining = known ? u_getCombiningClass(static_cast<UChar32>(code)) : 0;
        marks_.push_back({code, static_cast<std::uint8_t>(combining)});
    }

    // Canonical ordering: each run of non-starters by class, stably.
    void order() {
        const auto is_starter = [](const mark& each) { return each.combining == 0; };
        for (auto at = marks_.begin(); at != marks_.end();) {
            const auto begin = std::find_if_not(at, marks_.end(), is_starter);
            at = std::find_if(begin, marks_.end(), is_starter);
            std::stable_sort(begin, at, [](const mark& a, const mark& b) {
                return a.combining < b.combining;
            });
        }
    }

    // Canonical composition (UAX 15, D117): a mark joins the last starter unless one of the same or
    // a higher class, or another starter, stands between.
    void compose() {
        std::size_t kept = 0, starter = 0;
        bool has_starter = false;
        int last = -1;  // class of the last kept mark behind the starter; -1: none
        for (std::size_t i = 0; i < marks_.size(); ++i) {
            const mark each = marks_[i];
            if (has_starter && last < static_cast<int>(each.combining)) {
                const char32_t joined = join(marks_[starter].code, each.code);
                if (joined != 0) {
                    marks_[starter].code = joined;
                    continue;
                }
            }
            if (each.combining == 0) {
                starter = kept;
                has_starter = true;
                last = -1;
            } else {
                last = each.combining;
            }
            marks_[kept++] = each;
        }
        marks_.resize(kept);
    }

    static char32_t join(char32_t a, char32_t b) noexcept {
        if (!is_known_to_nfc(a) || !is_known_to_nfc(b)) return 0;
        const UChar32 joined =
            unorm2_composePair(data(), static_cast<UChar32>(a), static_cast<UChar32>(b));
        return joined < 0 ? 0 : static_cast<char32_t>(joined);
    }

    std::vector<mark> marks_;
};

// Index of the first character from `at` on that NFC may change; size() when there is none.
// `before` is where the character before it begins.
std::size_t next_changing(std::string_view text, std::size_t at, std::size_t& before) noexcept {
    const unicode_classes& classes = unicode_classes::get();
    before = at;
    while (at < text.size()) {
        std::uint64_t eight = 0;
        if (text.size() - at >= sizeof eight) {
            std::memcpy(&eight, text.data() + at, sizeof eight);
            if ((eight & 0x8080808080808080u) == 0) {
                at += sizeof eight;
                before = at - 1;
                continue;
            }
        }
        const utf8_character next = read_valid_utf8(text.data() + at);
        if (classes.may_change_in_nfc(next.code)) return at;
        before = at;
        at += next.length;
    }
    return at;
}

}  // namespace

bool may_need_nfc(std::string_view text) noexcept {
    std::size_t before = 0;
    return next_changing(text, 0, before) != text.size();
}

std::string to_nfc(std::string_view text, moved_ranges& ranges) {
    const unicode_classes& classes = unicode_classes::get();
    std::string out;
    out.reserve(text.size());
    stretch changing;
    for (std::size_t at = 0; at < text.size();) {
        std::size_t begin = at;
        const std::size_t change = next_changing(text, at, begin);
        if (change == text.size()) begin = change;
        const std::size_t copied = out.size();
        out.append(text.substr(at, begin - at));
        ranges.copied(begin, copied, out.size());
        if (begin == text.size()) break;
        std::size_t end = begin;
        do {
            const utf8_character next = read_valid_utf8(text.data() + end);
            if (end > change && !classes.may_change_in_nfc(next.code)) break;
            changing.add(next.code);
            end += next.length;
        } while (end < text.size());
        const std::size_t rewritten = out.size();
        changing.give_out(out);
        ranges.rewritten(end, rewritten, out.size());
        at = end;
    }
    return out;
}

}  // namespace penstock::worker
