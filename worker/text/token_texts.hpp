// The bytes of every token in one block, and the way back from bytes to the token.
#pragma once

#include "worker/ops/tensor.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::worker {

class token_texts {
 public:
    static constexpr token_id none = -1;

    // Room for ids from 0 to `size`, of `bytes` bytes in all.
    void reserve(std::uint32_t size, std::size_t bytes);
    // Each id once; `id` < size.
    void set(token_id id, std::string_view bytes);

    std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(spans_.size()); }
    std::size_t longest() const noexcept { return longest_; }  // in bytes
    std::string_view text(token_id id) const noexcept {
        const auto at = static_cast<std::size_t>(id);
        if (id < 0 || at >= spans_.size()) return {};
        return {block_.data() + spans_[at].begin, spans_[at].size};
    }

 private:
    struct span {
        std::uint32_t begin = 0, size = 0;
    };
    std::string block_;
    std::vector<span> spans_;
    std::size_t longest_ = 0;
};

// Ids by their text: open addressing, at most half full. The texts themselves stay in `texts`.
class token_index {
 public:
    // For `count` entries.
    token_index(const token_texts& texts, std::size_t count);

    void insert(token_id id);  // by its text in `texts`, which is not empty
    token_id find(std::string_view text) const noexcept;
    std::size_t longest() const noexcept { return longest_; }

 private:
    struct slot {
        std::uint32_t tag = 0;
        token_id id = token_texts::none;
    };
    const token_texts* texts_;
    std::vector<slot> slots_;
    std::size_t longest_ = 0;
};

}  // namespace penstock::worker
