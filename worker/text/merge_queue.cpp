// A priority queue made of a sorted list, a few lines and a heap.
#include "worker/text/merge_queue.hpp"

#include <algorithm>
#include <functional>

namespace penstock::worker {

void merge_queue::clear() {
    first_.clear();
    heap_.clear();
    next_first_ = 0;
    fronts_.fill(none);
    for (line& each : lines_) {
        each.waiting.clear();
        each.next = 0;
    }
}

void merge_queue::begin() {
    std::sort(first_.begin(), first_.end());
}

bool merge_queue::push_to_line(std::uint32_t rank, std::uint32_t at) {
    std::size_t free = num_lines;
    for (std::size_t i = 0; i < num_lines; ++i) {
        if (fronts_[i] == none) {
            free = i;
        } else if (rank_of(fronts_[i]) == rank && lines_[i].waiting.back() <= at) {
            lines_[i].waiting.push_back(at);
            return true;
        }
    }
    if (free == num_lines) return false;
    lines_[free].waiting.assign(1, at);
    lines_[free].next = 0;
    fronts_[free] = make(rank, at);
    return true;
}

void merge_queue::push(std::uint32_t rank, std::uint32_t at) {
    if (push_to_line(rank, at)) return;
    heap_.push_back(make(rank, at));
    std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
}

bool merge_queue::empty() const noexcept {
    const bool no_line =
        std::all_of(fronts_.begin(), fronts_.end(), [](candidate front) { return front == none; });
    return no_line && heap_.empty() && next_first_ == first_.size();
}

merge_queue::candidate merge_queue::pop() {
    const auto front = std::min_element(fronts_.begin(), fronts_.end());
    const candidate of_first = next_first_ < first_.size() ? first_[next_first_] : none;
    const candidate of_heap = heap_.empty() ? none : heap_.front();
    const candidate lowest = std::min({*front, of_first, of_heap});
    if (lowest == of_first) {
        ++next_first_;
    } else if (lowest == of_heap) {
        std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
        heap_.pop_back();
    } else {
        line& from = lines_[static_cast<std::size_t>(front - fronts_.begin())];
        const bool has_more = ++from.next < from.waiting.size();
        *front = has_more ? make(rank_of(*front), from.waiting[from.next]) : none;
    }
    return lowest;
}

}  // namespace penstock::worker
