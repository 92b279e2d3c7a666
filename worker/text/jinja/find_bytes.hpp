// A text in a text, in time linear in both: std::string_view::find takes their product.
#pragma once

#include <cstring>
#include <string_view>

namespace penstock::worker::jinja {

// Where `wanted` begins in `all` at or behind `from`; npos when it does not.
inline std::size_t find_bytes(
    std::string_view all, std::string_view wanted, std::size_t from = 0
) noexcept {
    if (from > all.size()) return std::string_view::npos;
    const void* found =
        ::memmem(all.data() + from, all.size() - from, wanted.data(), wanted.size());
    if (!found) return std::string_view::npos;
    return static_cast<std::size_t>(static_cast<const char*>(found) - all.data());
}

}  // namespace penstock::worker::jinja
