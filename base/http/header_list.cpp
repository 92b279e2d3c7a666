// Names compared without regard to ASCII case, and the few questions asked of a list of headers.
#include "penstock/http/head.hpp"
#include "scan.hpp"

namespace penstock::http {

bool same_letters(const char* a, const char* b, std::size_t size) noexcept {
    for (std::size_t i = 0; i < size; ++i) {
        const auto x = static_cast<unsigned char>(a[i]), y = static_cast<unsigned char>(b[i]);
        if (x == y) continue;
        const auto lower = static_cast<unsigned char>(x | 0x20);
        if ((x ^ y) != 0x20 || lower < 'a' || lower > 'z') return false;
    }
    return true;
}

std::string_view header_list::find(std::string_view name) const noexcept {
    if (!may_have(name)) return {};
    for (const auto& item : items_)
        if (same_name(item.name, name)) return item.value;
    return {};
}

bool header_list::has(std::string_view name) const noexcept {
    if (!may_have(name)) return false;
    for (const auto& item : items_)
        if (same_name(item.name, name)) return true;
    return false;
}

bool header_list::has_token(std::string_view name, std::string_view token) const noexcept {
    bool found = false;
    if (!may_have(name)) return false;
    for (const auto& item : items_) {
        if (!same_name(item.name, name)) continue;
        for_each_item(item.value, [&](std::string_view it) { found |= same_name(it, token); });
    }
    return found;
}

}  // namespace penstock::http
