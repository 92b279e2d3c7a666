// Names for prefixes: a chain of SHA-256 over pages of tokens.
//
// A chain starts from what else the bits of keys and values depend on (the domain) and from who may
// share them (the salt), each with its length before it, so that no two pairs read alike. A page's
// hash covers its parent's and its own tokens, and so everything before it.
#pragma once

#include "worker/ops/tensor.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace penstock::worker {

using prefix_hash = std::array<std::uint8_t, 32>;

// The bits are spread already, whoever chose the tokens.
struct prefix_hash_bits {
    std::size_t operator()(const prefix_hash& hash) const noexcept {
        std::size_t bits = 0;
        std::memcpy(&bits, hash.data(), sizeof bits);
        return bits;
    }
};

class prefix_hasher {
 public:
    prefix_hasher();
    ~prefix_hasher();

    // Nothing when the library has no room or no SHA-256; the prefix is then not shared.
    std::optional<prefix_hash> root(std::string_view domain, std::string_view salt);
    std::optional<prefix_hash> next(const prefix_hash& parent, std::span<const token_id> tokens);

 private:
    struct digest;
    std::unique_ptr<digest> digest_;
};

}  // namespace penstock::worker
