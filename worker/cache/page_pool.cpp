// Who holds which page: reference counts, the table of known pages, and what is evicted first.
#include "worker/cache/page_pool.hpp"

#include "worker/cache/idle_pages.hpp"
#include "worker/cache/prefix_hash.hpp"

#include <algorithm>
#include <optional>
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
        std::uint64_t content = 0;  // the same for pages that hold the same prefix, else another
        std::uint64_t before = 0;   // content of the page before it, or of the root
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

    // Where a chain stands.
    struct link {
        prefix_hash hash{};
        std::uint64_t content = 0;
    };
    // Chains of one salt start from contents that no page has.
    std::optional<link> root(std::string_view salt) {
        const auto hash = hasher.root(options.domain, salt);
        if (!hash) return {};
        return link{*hash, prefix_hash_bits()(*hash) | std::uint64_t{1} << 63};
    }
    std::optional<prefix_hash> next(const link& from, std::span<const token_id> content) {
        auto hash = hasher.next(from.hash, content);
        if (hash) std::ranges::fill(std::span(*hash).subspan(std::min(options.hash_bytes, 32u)), 0);
        return hash;
    }
    // The known page of these tokens after that page; a hash alone is not believed.
    std::optional<page_id> find(
        const link& before, const prefix_hash& hash, std::span<const token_id> content
    ) {
        const auto found = known.find(hash);
        if (found == known.end() || pages[found->second].before != before.content) return {};
        if (!std::ranges::equal(tokens_of(found->second), content)) return {};
        return found->second;
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
    // Of a known page that nobody holds.
    void forget(page_id id) noexcept {
        known.erase(pages[id].hash);
        idle.remove(id);
        pages[id].known = pages[id].hashed = false;
        free.push_back(id);
    }
    link learn(
        page_id id, const link& before, const prefix_hash& hash, std::span<const token_id> content
    );

    page_pool_options options;
    std::vector<page> pages;
    std::vector<page_id> free;
    idle_pages idle;
    std::unordered_map<prefix_hash, page_id, prefix_hash_bits> known;
    std::vector<token_id> tokens;  // of hashed pages, page_size each
    prefix_hasher hasher;
    std::uint64_t last_content = 0;
};

// A twin has no table entry to give up; the entry of its content counts as used instead, so that a
// chain through it keeps its head for as long as its tail. Room in the table was reserved for all
// pages, but a node may not be had: the page is then merely free.
void page_pool::state::give_back(page_id id) noexcept {
    page& p = pages[id];
    if (--p.refs > 0) return;
    if (p.hashed && !p.known) {
        const auto entry = known.find(p.hash);
        const bool is_idle = entry != known.end() && pages[entry->second].refs == 0;
        if (is_idle && pages[entry->second].content == p.content) {
            idle.remove(entry->second);
            idle.push_newest(entry->second);
        } else if (is_idle) {
            forget(entry->second);
        }
        try {
            p.known = known.emplace(p.hash, id).second;
        } catch (...) {
            p.known = false;
        }
    }
    if (p.known) return idle.push_newest(id);
    p.hashed = false;
    free.push_back(id);
}

page_pool::state::link page_pool::state::learn(
    page_id id, const link& before, const prefix_hash& hash, std::span<const token_id> content
) {
    const auto same = find(before, hash, content);
    // One that follows a page which is gone: nobody would find it, and its place in the table would
    // keep the new one from being found.
    if (const auto stale = known.find(hash);
        !same && stale != known.end() && pages[stale->second].refs == 0)
        forget(stale->second);
    page& p = pages[id];
    p.hash = hash;
    p.content = same ? pages[*same].content : ++last_content;
    p.before = before.content;
    p.hashed = true;
    std::ranges::copy(content, tokens_of(id).begin());
    p.known = known.emplace(hash, id).second;
    return {hash, p.content};
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
    if (!state_->options.reuse_prefixes || tokens.size() <= page_size) return held;
    const std::size_t most = (tokens.size() - 1) / page_size;
    auto at = state_->root(salt);
    for (std::size_t i = 0; i < most && at; ++i) {
        const auto content = tokens.subspan(i * page_size, page_size);
        const auto hash = state_->next(*at, content);
        const auto found = hash ? state_->find(*at, *hash, content) : std::nullopt;
        if (!found) break;
        held.ids_.push_back(*found);
        state_->hold(*found);
        at = {*hash, state_->pages[*found].content};
    }
    held.num_known_ = static_cast<std::uint32_t>(held.ids_.size());
    held.num_reused_ = held.num_known_ * page_size;
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
    auto at = state_->root(pages.salt_);
    if (pages.num_known_ > 0) {
        const state::page& last = state_->pages[pages.ids_[pages.num_known_ - 1]];
        at = {last.hash, last.content};
    }
    while (at && pages.num_known_ < whole) {
        const std::size_t i = pages.num_known_;
        const auto content = tokens.subspan(i * page_size, page_size);
        const auto hash = state_->next(*at, content);
        if (!hash) return;
        at = state_->learn(pages.ids_[i], *at, *hash, content);
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
    return counts;
}

}  // namespace penstock::worker
