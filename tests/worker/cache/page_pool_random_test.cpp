// The pool under random use, against what a store of keys and values would hold.
#include "worker/cache/page_pool.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace penstock::worker {
namespace {

// What the key-value store would hold in a page: which salt and which tokens up to its end.
struct content {
    std::string salt;
    std::vector<token_id> prefix;
    bool operator==(const content&) const = default;
};

struct holder {
    std::string salt;
    std::vector<token_id> tokens;
    std::uint32_t num_computed = 0;
    held_pages pages;
};

class use_of_a_pool {
 public:
    use_of_a_pool(std::uint32_t seed, std::uint32_t num_pages)
        : random_(seed), pool_({.num_pages = num_pages}), store_(num_pages) {}

    void one_move() {
        switch (below(4)) {
            case 0:
                return arrive();
            case 1:
                return leave();
            default:
                return compute();
        }
    }
    void check() const {
        std::map<page_id, std::uint32_t> holders;
        for (const holder& h : holders_) {
            std::set<page_id> own(h.pages.ids().begin(), h.pages.ids().end());
            ASSERT_EQ(own.size(), h.pages.ids().size()) << "a page twice in one sequence";
            for (const page_id id : own)
                ++holders[id];
            for (std::uint32_t end = page_size; end <= h.num_computed; end += page_size)
                ASSERT_EQ(store_[h.pages.ids()[end / page_size - 1]], content_of(h, end));
        }
        const page_counts counts = pool_.counts();
        ASSERT_EQ(counts.used, holders.size());
        ASSERT_EQ(counts.used + counts.cached + counts.free, counts.total);
        ASSERT_EQ(pool_.num_available(), counts.total - counts.used);
    }
    void leave_all() { holders_.clear(); }
    const page_pool& pool() const { return pool_; }
    std::uint32_t num_hits = 0;

 private:
    std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }
    static content content_of(const holder& h, std::uint32_t end) {
        return {h.salt, {h.tokens.begin(), h.tokens.begin() + end}};
    }

    // Few pages of text, so that prefixes are often equal.
    void arrive() {
        holder h;
        h.salt = below(3) == 0 ? "other" : "";
        const std::uint32_t num_pages = 1 + below(5);
        for (std::uint32_t i = 0; i < num_pages; ++i)
            h.tokens.insert(h.tokens.end(), page_size, static_cast<token_id>(below(2)));
        h.tokens.resize(h.tokens.size() - below(page_size));
        h.pages = pool_.take_prefix(h.tokens, h.salt);
        h.num_computed = h.pages.num_reused();
        ASSERT_LT(h.num_computed, h.tokens.size());
        for (std::uint32_t end = page_size; end <= h.num_computed; end += page_size) {
            ASSERT_EQ(store_[h.pages.ids()[end / page_size - 1]], content_of(h, end));
            ++num_hits;
        }
        holders_.push_back(std::move(h));
    }
    void leave() {
        if (holders_.empty()) return;
        std::swap(holders_[below(static_cast<std::uint32_t>(holders_.size()))], holders_.back());
        holders_.pop_back();
    }
    // Some more tokens, or one past the end, as an answer grows.
    void compute() {
        if (holders_.empty()) return;
        holder& h = holders_[below(static_cast<std::uint32_t>(holders_.size()))];
        if (h.num_computed == h.tokens.size()) h.tokens.push_back(static_cast<token_id>(below(2)));
        const auto left = static_cast<std::uint32_t>(h.tokens.size()) - h.num_computed;
        const std::uint32_t end = h.num_computed + 1 + below(left);
        if (!pool_.grow(h.pages, end)) return leave();
        for (std::uint32_t at = h.num_computed / page_size; at * page_size < end; ++at)
            write(h, at, std::min(end, (at + 1) * page_size));
        h.num_computed = end;
        pool_.make_known(h.pages, h.tokens, end);
    }
    void write(const holder& h, std::uint32_t at, std::uint32_t end) {
        const page_id id = h.pages.ids()[at];
        for (const holder& other : holders_)
            for (const page_id held : other.pages.ids())
                ASSERT_FALSE(&other != &h && held == id) << "written while another holds it";
        store_[id] = content_of(h, end);
    }

    std::mt19937 random_;
    page_pool pool_;
    std::vector<content> store_;
    std::vector<holder> holders_;
};

TEST(page_pool, holds_what_it_says_whatever_comes_and_goes) {
    std::uint32_t num_hits = 0;
    for (std::uint32_t seed = 0; seed < 40; ++seed) {
        use_of_a_pool use(seed, 4 + seed);
        for (int i = 0; i < 400; ++i) {
            use.one_move();
            ASSERT_NO_FATAL_FAILURE(use.check()) << "seed " << seed << ", move " << i;
        }
        use.leave_all();
        ASSERT_NO_FATAL_FAILURE(use.check());
        EXPECT_EQ(use.pool().counts().used, 0u);
        num_hits += use.num_hits;
    }
    EXPECT_GT(num_hits, 1000u);
}

}  // namespace
}  // namespace penstock::worker
