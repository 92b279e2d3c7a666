// Memory of heads and bodies: what a request has used is taken over by the next one of its thread.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace penstock::http {

// Each thread keeps a few strings, and none of more than 16 KiB.
class spare_bytes {
 public:
    // Empty, with memory or without.
    static std::string take() noexcept {
        if (kept.empty()) return {};
        std::string bytes = std::move(kept.back());
        kept.pop_back();
        return bytes;
    }
    static void give(std::string&& used) noexcept {
        if (used.capacity() <= in_place || used.capacity() > largest || kept.size() == most) return;
        used.clear();
        kept.push_back(std::move(used));
    }

 private:
    static constexpr std::size_t in_place = 15, largest = 16 * 1024, most = 128;
    static inline thread_local std::vector<std::string> kept = [] {
        std::vector<std::string> room;
        room.reserve(most);
        return room;
    }();
};

}  // namespace penstock::http
