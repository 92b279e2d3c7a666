// A text in a text, in time linear in both: std::string_view's find and rfind take their product.
#pragma once

#include <cstring>
#include <string>
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

// The same from the end. It holds both texts turned round, so that one search does for both ways.
class bytes_from_the_end {
 public:
    bytes_from_the_end(std::string_view all, std::string_view wanted)
        : all_(all.rbegin(), all.rend()), wanted_(wanted.rbegin(), wanted.rend()) {}

    // Where the last `wanted` begins that ends at `end` or before; npos when there is none.
    std::size_t find(std::size_t end) const noexcept {
        const std::size_t found = find_bytes(all_, wanted_, all_.size() - end);
        if (found == std::string_view::npos) return found;
        return all_.size() - found - wanted_.size();
    }

 private:
    std::string all_, wanted_;
};

inline std::size_t rfind_bytes(std::string_view all, std::string_view wanted) {
    if (wanted.size() == 1) return all.rfind(wanted[0]);
    return bytes_from_the_end(all, wanted).find(all.size());
}

}  // namespace penstock::worker::jinja
