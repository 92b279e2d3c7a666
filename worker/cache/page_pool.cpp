// Who holds which page: reference counts, the table of known pages, and what is evicted first.
#include "worker/cache/page_pool.hpp"

#include "worker/cache/idle_pages.hpp"
#include "worker/cache/prefix_hash.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace penstock::worker {
namespace {

constexpr std::size_t pages_for(std::size_t num_tokens) noexcept {
    return (num_tokens + page_size - 1) / page_size;
}

}  // namespace

// A page is free, held (refs > 0) or idle (known, refs == 0). A page whose content was hashed when
// another already stood in the table under that hash is a twin: private to its only holder.
struct page_pool::state {
    struct page {
        prefix_hash hash{};
        std::uint32_t refs = 0;
        bool hashed = false;  // hash and tokens are set
        bool known = false;   // the table has this page
    };

    explicit state(page_pool_options from)
        : options(std::move(from)), pages(options.num_pages), idle(options.num_pages) {
        free.reserve(options.num_pages);
        for (page_id id = options.num_pages; id-- > 0;)
            free.push_back(id);
        if (!options.reuse_prefixes) return;
        known.reserve(options.num_pages);
        tokens.resize(std::size_t{options.num_pages} * page_size);
    }

    std::span<token_id> tokens_of(page_id id) noexcept {
        return std::span(tokens).subspan(std::size_t{id} * page_size, page_size);
    }
    std::uint32_t num_available() const noexcept {
        return static_cast<std::uint32_t>(free.size()) + idle.size();
    }

    // The known page of this content. Tokens are compared: a hash alone is not believed.
    const page_id* find(const prefix_hash& hash, std::span<const token_id> content) {
        const auto found = known.find(hash);
        if (found == known.end()) return nullptr;
        return std::ranges::equal(tokens_of(found->second), content) ? &found->second : nullptr;
    }
    void hold(page_id id) noexcept {
        if (pages[id].refs++ == 0) idle.remove(id);
    }
    // A page with nothing in it; there must be one available.
    page_id take_empty() {
        page_id id = 0;
        if (!free.empty()) {
            id = free.back();
            free.pop_back();
        } else {
            id = idle.oldest();
            idle.remove(id);
            known.erase(pages[id].hash);
        }
        pages[id] = {};
        pages[id].refs = 1;
        return id;
    }
    void give_back(page_id id) noexcept;
    void learn(page_id id, const prefix_hash& hash, std::span<const token_id> content);

    page_pool_options options;
    std::vector<page> pages;
    std::vector<page_id> free;
    idle_pages idle;
    std::unordered_map<prefix_hash, page_id, prefix_hash_bits> known;
    std::vector<token_id> tokens;  // of hashed pages, page_size each
    prefix_hasher hasher;
    std::uint64_t lookup_tokens = 0, hit_tokens = 0;
};

// A twin has no table entry to give up; the entry of its content counts as used instead, so that a
// chain through it keeps its head for as long as its tail. Room in the table was reserved for all
// pages, but a node may not be had: the page is then merely free.
void page_pool::state::give_back(page_id id) noexcept {
    page& p = pages[id];
    if (--p.refs > 0) return;
    if (p.hashed && !p.known) {
        const auto entry = known.find(p.hash);
        if (entry == known.end()) {
            try {
                p.known = known.emplace(p.hash, id).second;
            } catch (...) {
                p.known = false;
            }
        } else if (pages[entry->second].refs == 0) {
            idle.remove(entry->second);
            idle.push_newest(entry->second);
        }
    }
    if (p.known) return idle.push_newest(id);
    p.hashed = false;
    free.push_back(id);
}

void page_pool::state::learn(
    page_id id, const prefix_hash& hash, std::span<const token_id> content
) {
    page& p = pages[id];
    p.hash = hash;
    p.hashed = true;
    std::ranges::copy(content, tokens_of(id).begin());
    p.known = known.emplace(hash, id).second;
}

held_pages::held_pages(held_pages&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)),
      ids_(std::exchange(other.ids_, {})),
      num_reused_(std::exchange(other.num_reused_, 0)),
      num_known_(std::exchange(other.num_known_, 0)),
      salt_(std::exchange(other.salt_, {})) {}

held_pages& held_pages::operator=(held_pages&& other) noexcept {
    held_pages old(std::move(other));  // before *this is given back: it may be the same
    std::swap(pool_, old.pool_);
    std::swap(ids_, old.ids_);
    std::swap(num_reused_, old.num_reused_);
    std::swap(num_known_, old.num_known_);
    std::swap(salt_, old.salt_);
    return *this;
}

// From the tail, so that the tail is the first to be evicted.
held_pages::~held_pages() {
    if (!pool_) return;
    for (std::size_t i = ids_.size(); i-- > 0;)
        pool_->state_->give_back(ids_[i]);
}

page_pool::page_pool(page_pool_options options)
    : state_(std::make_unique<state>(std::move(options))) {}

page_pool::~page_pool() = default;

held_pages page_pool::take_prefix(std::span<const token_id> tokens, std::string_view salt) {
    held_pages held;
    held.pool_ = this;
    held.salt_ = salt;
    state_->lookup_tokens += tokens.size();
    if (!state_->options.reuse_prefixes || tokens.size() <= page_size) return held;
    const std::size_t most = (tokens.size() - 1) / page_size;
    auto hash = state_->hasher.root(state_->options.domain, salt);
    for (std::size_t i = 0; i < most && hash; ++i) {
        const auto content = tokens.subspan(i * page_size, page_size);
        hash = state_->hasher.next(*hash, content);
        const page_id* found = hash ? state_->find(*hash, content) : nullptr;
        if (!found) break;
        held.ids_.push_back(*found);
        state_->hold(*found);
    }
    held.num_known_ = static_cast<std::uint32_t>(held.ids_.size());
    held.num_reused_ = held.num_known_ * page_size;
    state_->hit_tokens += held.num_reused_;
    return held;
}

bool page_pool::grow(held_pages& pages, std::uint32_t num_tokens) {
    const std::size_t wanted = pages_for(num_tokens), have = pages.ids_.size();
    if (wanted <= have) return true;
    if (wanted - have > state_->num_available()) return false;
    pages.pool_ = this;
    pages.ids_.reserve(wanted);
    while (pages.ids_.size() < wanted)
        pages.ids_.push_back(state_->take_empty());
    return true;
}

void page_pool::make_known(
    held_pages& pages, std::span<const token_id> tokens, std::uint32_t num_computed
) {
    if (!state_->options.reuse_prefixes) return;
    const std::size_t computed = std::min<std::size_t>(num_computed, tokens.size());
    const std::size_t whole = std::min(computed / page_size, pages.ids_.size());
    if (pages.num_known_ >= whole) return;
    auto hash = pages.num_known_ == 0
                    ? state_->hasher.root(state_->options.domain, pages.salt_)
                    : std::optional(state_->pages[pages.ids_[pages.num_known_ - 1]].hash);
    while (pages.num_known_ < whole) {
        const std::size_t i = pages.num_known_;
        const auto content = tokens.subspan(i * page_size, page_size);
        if (hash) hash = state_->hasher.next(*hash, content);
        if (!hash) return;
        state_->learn(pages.ids_[i], *hash, content);
        ++pages.num_known_;
    }
}

std::uint32_t page_pool::num_available() const noexcept {
    return state_->num_available();
}

page_counts page_pool::counts() const noexcept {
    page_counts counts;
    counts.total = state_->options.num_pages;
    counts.free = static_cast<std::uint32_t>(state_->free.size());
    counts.cached = state_->idle.size();
    counts.used = counts.total - counts.free - counts.cached;
    counts.lookup_tokens = state_->lookup_tokens;
    counts.hit_tokens = state_->hit_tokens;
    return counts;
}

}  // namespace penstock::worker
