// UTF-8 after table 3-7 of the Unicode Standard: which byte may follow which.
#include "worker/text/utf8.hpp"

#include <cstring>

namespace penstock::worker {
namespace {

struct lead_row {
    unsigned length;          // of the character; 0: no character begins so
    unsigned char low, high;  // bounds of the second byte
};

lead_row row_of(unsigned char lead) noexcept {
    if (lead < 0x80) return {1, 0, 0};
    if (lead < 0xC2) return {0, 0, 0};
    if (lead < 0xE0) return {2, 0x80, 0xBF};
    if (lead == 0xE0) return {3, 0xA0, 0xBF};
    if (lead == 0xED) return {3, 0x80, 0x9F};
    if (lead < 0xF0) return {3, 0x80, 0xBF};
    if (lead == 0xF0) return {4, 0x90, 0xBF};
    if (lead < 0xF4) return {4, 0x80, 0xBF};
    if (lead == 0xF4) return {4, 0x80, 0x8F};
    return {0, 0, 0};
}

}  // namespace

utf8_step utf8_at(std::string_view bytes) noexcept {
    using kind = utf8_step::kind;
    const lead_row row = row_of(static_cast<unsigned char>(bytes[0]));
    if (row.length == 0) return {kind::broken, 1};
    for (unsigned i = 1; i < row.length; ++i) {
        if (i == bytes.size()) return {kind::cut, i};
        const auto byte = static_cast<unsigned char>(bytes[i]);
        const bool fits = i == 1 ? byte >= row.low && byte <= row.high : (byte & 0xC0) == 0x80;
        if (!fits) return {kind::broken, i};
    }
    return {kind::whole, row.length};
}

std::size_t valid_utf8_prefix(std::string_view bytes) noexcept {
    std::size_t at = 0;
    while (at < bytes.size()) {
        std::uint64_t eight = 0;
        if (bytes.size() - at >= sizeof eight) {
            std::memcpy(&eight, bytes.data() + at, sizeof eight);
            if ((eight & 0x8080808080808080u) == 0) {
                at += sizeof eight;
                continue;
            }
        }
        const utf8_step step = utf8_at(bytes.substr(at));
        if (step.what != utf8_step::kind::whole) return at;
        at += step.length;
    }
    return at;
}

std::string replace_broken_utf8(std::string_view text, moved_ranges& ranges) {
    std::string out;
    out.reserve(text.size() + text.size() / 8);
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t valid = valid_utf8_prefix(text.substr(at));
        std::size_t before = out.size();
        out.append(text.substr(at, valid));
        at += valid;
        ranges.copied(at, before, out.size());
        if (at == text.size()) break;
        before = out.size();
        out.append(replacement_character);
        at += utf8_at(text.substr(at)).length;
        ranges.rewritten(at, before, out.size());
    }
    return out;
}

}  // namespace penstock::worker
