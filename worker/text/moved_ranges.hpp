// Where the ranges of a text lie after the text was rewritten stretch by stretch.
#pragma once

#include "worker/text/tokenizer.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace penstock::worker {

// A bound inside a rewritten stretch widens its range to the whole stretch: what a user touched
// stays the user's.
class moved_ranges {
 public:
    // Ascending and disjoint; what they view must outlive this.
    explicit moved_ranges(std::span<const user_range> from) : from_(from) {}

    // The next stretch of the old text ends at `old_end`; the new text grew from `begin` to `end`.
    // `copied` stretches keep every byte's place in them.
    void rewritten(std::size_t old_end, std::size_t begin, std::size_t end) {
        move(old_end, begin, end, false);
    }
    void copied(std::size_t old_end, std::size_t begin, std::size_t end) {
        move(old_end, begin, end, true);
    }
    // The whole text has been seen; the new one has `size` bytes. Gives the ranges out.
    std::vector<user_range> finish(std::size_t size) {
        while (next_ < from_.size() * 2)
            place(size);
        return std::move(to_);
    }

 private:
    void move(std::size_t old_end, std::size_t begin, std::size_t end, bool copied) {
        while (next_ < from_.size() * 2) {
            const user_range& range = from_[next_ / 2];
            const bool is_begin = next_ % 2 == 0;
            const std::size_t bound = is_begin ? range.begin : range.end;
            if (bound >= old_end) break;
            if (copied) {
                place(end - (old_end - bound));
            } else {
                place(is_begin || bound <= old_begin_ ? begin : end);
            }
        }
        old_begin_ = old_end;
    }
    void place(std::size_t at) {
        if (next_ % 2 == 0) {
            to_.push_back({at, at});
        } else {
            to_.back().end = at;
        }
        ++next_;
    }

    std::span<const user_range> from_;
    std::vector<user_range> to_;
    std::size_t next_ = 0;  // bound: twice the index of its range, and one more for the end
    std::size_t old_begin_ = 0;
};

}  // namespace penstock::worker
