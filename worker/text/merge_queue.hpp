// The pairs of a long piece that may be merged, lowest rank first and leftmost of equals.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace penstock::worker {

// A heap would do. But the pairs of repetitive text come up from left to right rank by rank, so
// that lines of them, one for each of a few ranks, are read and written at their ends only: a
// megabyte of one letter then takes ten times as long as a tenth of it, not fifteen times.
class merge_queue {
 public:
    // The rank, then where the pair's left symbol stands. One number, whose order is the queue's.
    using candidate = std::uint64_t;

    void clear();
    // Before any push: the pairs that there are at first, ascending in `at`; then begin.
    void begin_with(std::uint32_t rank, std::uint32_t at) {
        if (!push_to_line(rank, at)) first_.push_back(make(rank, at));
    }
    void begin();

    void push(std::uint32_t rank, std::uint32_t at);
    bool empty() const noexcept;
    candidate pop();  // not empty

    static std::uint32_t rank_of(candidate from) noexcept {
        return static_cast<std::uint32_t>(from >> 32);
    }
    static std::uint32_t place_of(candidate from) noexcept {
        return static_cast<std::uint32_t>(from);
    }

 private:
    static constexpr std::size_t num_lines = 8;
    static constexpr candidate none = ~candidate{0};
    struct line {
        std::vector<std::uint32_t> waiting;  // of one rank, ascending
        std::size_t next = 0;
    };
    bool push_to_line(std::uint32_t rank, std::uint32_t at);
    static candidate make(std::uint32_t rank, std::uint32_t at) noexcept {
        return candidate{rank} << 32 | at;
    }

    std::vector<candidate> first_;  // sorted: what fitted no line
    std::size_t next_first_ = 0;
    std::array<candidate, num_lines> fronts_{};  // of the lines; none: empty
    std::array<line, num_lines> lines_;
    std::vector<candidate> heap_;  // what fits no line; the lowest on top
};

}  // namespace penstock::worker
