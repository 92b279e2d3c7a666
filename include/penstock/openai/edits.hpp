// The edits of one attempt: what goes upstream is the client's bytes but for these.
#pragma once

#include "penstock/openai/facts.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace penstock::openai {

// Bytes [begin, end) of the original become `text`; begin == end inserts.
struct edit {
    std::uint32_t begin = 0, end = 0;
    std::string text;
};

struct edit_wishes {
    std::string_view upstream_model;  // empty: the client's name stays
    std::optional<std::uint64_t>
        clamp_max_tokens;       // every larger spelling becomes this; absent: inserted
    bool inject_usage = false;  // stream_options.include_usage becomes true
};

// In order, not overlapping. Stripping LiteLLM's extras is always part of it.
std::vector<edit> edits_for(const request_facts& facts, const edit_wishes& wishes);

// The pieces to write, in order: original bytes between edits, and their texts. Views into both.
void pieces_of(
    std::string_view original, const std::vector<edit>& edits, std::vector<std::string_view>& out
);
std::uint64_t edited_size(std::string_view original, const std::vector<edit>& edits) noexcept;

}  // namespace penstock::openai
