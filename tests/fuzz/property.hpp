// What a fuzz target holds to be true of every input, and how it cuts an input into pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#define ALWAYS(condition)                                                                \
    do {                                                                                 \
        if (!(condition)) {                                                              \
            std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            std::abort();                                                                \
        }                                                                                \
    } while (false)

namespace penstock {

inline bool lies_inside(std::string_view view, std::string_view whole) {
    return view.data() >= whole.data() && view.data() + view.size() <= whole.data() + whole.size();
}

// Sizes of pieces, 1 to 16 mostly, drawn from the input itself so that they repeat with it.
class piece_sizes {
 public:
    explicit piece_sizes(std::string_view seed) {
        for (const char c : seed)
            state_ = (state_ ^ static_cast<unsigned char>(c)) * 1099511628211u;
    }
    std::size_t operator()() {
        state_ = state_ * 6364136223846793005u + 1442695040888963407u;
        const auto draw = static_cast<std::size_t>(state_ >> 33);
        return draw % 8 == 0 ? 1 + draw % 300 : 1 + draw % 16;
    }

 private:
    std::uint64_t state_ = 1469598103934665603u;
};

}  // namespace penstock
