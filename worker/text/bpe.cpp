// Merging, in two ways that give the same: scanning for the lowest rank where the piece is short,
// a heap where it is long.
#include "worker/text/bpe.hpp"

#include <algorithm>
#include <bit>

namespace penstock::worker {
namespace {

// Scanning is quadratic: 64 bytes cost at most 2 000 steps, on a cache line or four.
constexpr std::size_t short_piece = 64;

}  // namespace

merge_table::merge_table(std::size_t count)
    : slots_(std::bit_ceil(std::max<std::size_t>(count * 2, 2))),
      shift_(64 - std::countr_zero(slots_.size())) {}

void merge_table::insert(token_id left, token_id right, merge what) {
    const std::uint64_t pair = pair_of(left, right);
    std::size_t at = start_of(pair);
    while (slots_[at].pair != no_pair && slots_[at].pair != pair)
        at = (at + 1) & (slots_.size() - 1);
    slots_[at] = {pair, what};
}

bpe::bpe(const token_index& by_text, merge_table merges, std::uint32_t size, bool ignore_merges)
    : by_text_(&by_text),
      merges_(std::move(merges)),
      wholeness_(std::make_unique<std::atomic<wholeness>[]>(size)),
      ignore_merges_(ignore_merges) {
    for (unsigned byte = 0; byte < byte_tokens_.size(); ++byte) {
        const char text = static_cast<char>(byte);
        byte_tokens_[byte] = by_text.find({&text, 1});
    }
}

void bpe::encode(std::string_view piece, merge_space& space, std::vector<token_id>& out) const {
    const token_id id = by_text_->find(piece);
    if (id == token_texts::none) return merge(piece, space, out);
    if (ignore_merges_) return out.push_back(id);
    std::atomic<wholeness>& known = wholeness_[static_cast<std::size_t>(id)];
    switch (known.load(std::memory_order_relaxed)) {
        case wholeness::whole:
            return out.push_back(id);
        case wholeness::in_parts:
            return merge(piece, space, out);
        case wholeness::unknown:
            break;
    }
    const std::size_t before = out.size();
    merge(piece, space, out);
    const bool whole = out.size() == before + 1 && out.back() == id;
    known.store(whole ? wholeness::whole : wholeness::in_parts, std::memory_order_relaxed);
}

void bpe::merge(std::string_view piece, merge_space& space, std::vector<token_id>& out) const {
    if (piece.size() <= short_piece) return merge_short(piece, out);
    merge_long(piece, space, out);
}

void bpe::merge_short(std::string_view piece, std::vector<token_id>& out) const {
    token_id ids[short_piece];
    merge_table::merge with_next[short_piece];  // of the symbol and the one behind it
    std::size_t count = 0;
    for (const char byte : piece) {
        const token_id id = byte_tokens_[static_cast<unsigned char>(byte)];
        if (id != token_texts::none) ids[count++] = id;
    }
    for (std::size_t i = 0; i + 1 < count; ++i)
        with_next[i] = merges_.find(ids[i], ids[i + 1]);
    while (count > 1) {
        std::size_t best = 0;
        for (std::size_t i = 1; i + 1 < count; ++i) {
            if (with_next[i].rank < with_next[best].rank) best = i;
        }
        if (with_next[best].rank == merge_table::no_rank) break;
        ids[best] = with_next[best].made;
        std::copy(ids + best + 2, ids + count, ids + best + 1);
        if (best + 2 < count)
            std::copy(with_next + best + 2, with_next + count - 1, with_next + best + 1);
        --count;
        if (best + 1 < count) with_next[best] = merges_.find(ids[best], ids[best + 1]);
        if (best > 0) with_next[best - 1] = merges_.find(ids[best - 1], ids[best]);
    }
    out.insert(out.end(), ids, ids + count);
}

void bpe::merge_long(std::string_view piece, merge_space& space, std::vector<token_id>& out) const {
    auto& ids = space.ids;
    auto& symbols = space.symbols;
    auto& queue = space.queue;
    ids.clear();
    ids.reserve(piece.size());
    queue.clear();
    for (const char byte : piece) {
        const token_id id = byte_tokens_[static_cast<unsigned char>(byte)];
        if (id != token_texts::none) ids.push_back(id);
    }
    symbols.fill(static_cast<std::uint32_t>(ids.size()));
    for (std::uint32_t i = 0; i + 1 < ids.size(); ++i) {
        const std::uint32_t rank = merges_.find(ids[i], ids[i + 1]).rank;
        if (rank != merge_table::no_rank) queue.begin_with(rank, i);
    }
    queue.begin();
    const auto offer = [&](std::uint32_t left, std::uint32_t right) {
        const std::uint32_t rank = merges_.find(ids[left], ids[right]).rank;
        if (rank != merge_table::no_rank) queue.push(rank, left);
    };
    while (!queue.empty()) {
        const merge_queue::candidate top = queue.pop();
        const std::uint32_t at = merge_queue::place_of(top);
        if (!symbols.has(at)) continue;
        const std::uint32_t right = symbols.after(at);
        if (right == symbol_set::none) continue;
        const auto merge = merges_.find(ids[at], ids[right]);
        if (merge.rank != merge_queue::rank_of(top)) continue;  // another pair by now
        ids[at] = merge.made;
        symbols.erase(right);
        const std::uint32_t before = symbols.before(at), after = symbols.after(at);
        if (before != symbol_set::none) offer(before, at);
        if (after != symbol_set::none) offer(at, after);
    }
    for (std::uint32_t at = 0; at < ids.size(); ++at) {
        if (symbols.has(at)) out.push_back(ids[at]);
    }
}

}  // namespace penstock::worker
