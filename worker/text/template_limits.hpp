// What an operator allows one rendering of the chat template.
#pragma once

#include <cstddef>

namespace penstock::worker {

struct template_limits {
    std::size_t output_bytes = 16 * 1024 * 1024;  // of the prompt, and of any one string
    std::size_t steps = 20'000'000;  // of the interpreter; touching 32 bytes of text is one
    std::size_t depth = 64;          // of macros and loops; of blocks, expressions and values
};

}  // namespace penstock::worker
