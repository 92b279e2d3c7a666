// Memory of coroutine frames: each thread keeps a few of every size for its next request.
#pragma once

#include <cstddef>
#include <new>

namespace penstock::io {
namespace detail {

struct frame_list {
    struct node {
        node* next;
    };
    node* first = nullptr;
    std::size_t count = 0;

    ~frame_list() {
        while (first) {
            node* frame = first;
            first = frame->next;
            ::operator delete(frame);
        }
    }
};

}  // namespace detail

// A frame is given back on the thread that took it. Under the address sanitizer nothing is kept, so
// that a frame used after its end is seen.
class frame_pool {
 public:
    static void* take(std::size_t size) {
        const std::size_t row = row_of(size);
        if (row >= num_rows) return ::operator new(size);
        detail::frame_list& kept = lists[row];
        if (!kept.first) return ::operator new((row + 1) * step);
        auto* frame = kept.first;
        kept.first = frame->next;
        --kept.count;
        return frame;
    }
    static void give(void* frame, std::size_t size) noexcept {
        const std::size_t row = row_of(size);
        if (row >= num_rows || lists[row].count >= kept_max) return ::operator delete(frame);
        detail::frame_list& kept = lists[row];
        kept.first = new (frame) detail::frame_list::node{kept.first};
        ++kept.count;
    }

 private:
    static constexpr std::size_t step = 128;
    static constexpr std::size_t num_rows = 32;  // frames of up to 4 KiB
#ifdef __SANITIZE_ADDRESS__
    static constexpr std::size_t kept_max = 0;
#else
    static constexpr std::size_t kept_max = 64;
#endif

    static std::size_t row_of(std::size_t size) noexcept { return (size - 1) / step; }
    static inline thread_local detail::frame_list lists[num_rows];
};

}  // namespace penstock::io
