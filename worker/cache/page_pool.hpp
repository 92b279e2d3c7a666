// The pages of the key-value store: who holds which, and which hold a prefix that may be used
// again.
//
// Whole pages are known by a chain of SHA-256: hash(parent, domain, salt, tokens). A hit is taken
// only when the tokens are equal, too, and those of every page before. Only pages whose tokens are
// all computed become known. Pages that nobody holds stay known until their room is needed, the
// least recently used first, and of one chain its tail first. Pure bookkeeping: tensors are the
// backend's. The engine's thread.
#pragma once

#include "penstock/result.hpp"
#include "worker/ops/step_batch.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::worker {

struct page_counts {
    std::uint32_t total = 0;
    std::uint32_t used = 0;    // held by a sequence
    std::uint32_t cached = 0;  // known, held by nobody
    std::uint32_t free = 0;
};

class page_pool;

// The pages of one sequence, in order; gives them back on destruction.
class held_pages {
 public:
    held_pages() = default;
    held_pages(held_pages&& other) noexcept;
    held_pages& operator=(held_pages&& other) noexcept;
    ~held_pages();

    std::span<const page_id> ids() const noexcept { return ids_; }
    std::uint32_t capacity() const noexcept { return std::uint32_t(ids_.size()) * page_size; }
    // Tokens at the front that need not be computed again; fixed when the prefix was taken.
    std::uint32_t num_reused() const noexcept { return num_reused_; }

 private:
    friend class page_pool;
    page_pool* pool_ = nullptr;
    std::vector<page_id> ids_;
    std::uint32_t num_reused_ = 0;
    std::uint32_t num_known_ = 0;  // pages at the front that are in the chain
    std::string salt_;
};

struct page_pool_options {
    std::uint32_t num_pages = 0;
    bool reuse_prefixes = true;
    std::string domain;             // what else the bits depend on: weights, dtype, rope
    std::uint32_t hash_bytes = 32;  // kept of each SHA-256; fewer make them collide, for tests
};

class page_pool {
 public:
    explicit page_pool(page_pool_options options);
    ~page_pool();

    // The longest known prefix of `tokens` under `salt`, leaving at least one token to compute.
    held_pages take_prefix(std::span<const token_id> tokens, std::string_view salt);
    // Room for `num_tokens` in all. False, and nothing changed, when there are not enough pages.
    bool grow(held_pages& pages, std::uint32_t num_tokens);
    // The first `num_computed` of `tokens` are computed: their whole pages become known.
    void make_known(
        held_pages& pages, std::span<const token_id> tokens, std::uint32_t num_computed
    );
    // Pages that `grow` could still hand out: free and cached.
    std::uint32_t num_available() const noexcept;
    page_counts counts() const noexcept;

 private:
    friend class held_pages;
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace penstock::worker
