// Splits an answer, as it comes, into reasoning, content and tool calls in the Hermes form
// (`<tool_call>\n{"name": …, "arguments": {…}}\n</tool_call>`).
//
// Markers are known by their token first: the caller says push_marker when an added token of the
// vocabulary is one. Only where the vocabulary has no such token are they looked for in the text.
// A call's name is given out once it is complete, then the raw bytes of its arguments verbatim. A
// body that is no call is given back as content, markers included.
#pragma once

#include "penstock/result.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::worker {

enum class answer_marker : std::uint8_t { think, end_think, tool_call, end_tool_call };

std::string_view text_of(answer_marker marker) noexcept;  // "<think>" …

struct answer_piece {
    enum class kind : std::uint8_t { reasoning, content, call_name, call_arguments };
    kind what = kind::content;
    std::uint32_t call = 0;  // index of the tool call
    std::string text;
};

struct splitter_options {
    bool reasoning = false;        // the model thinks: its vocabulary or template knows <think>
    bool tool_calls = false;       // the request gave tools
    bool markers_in_text = false;  // the vocabulary has no tokens for them
    std::string prompt_tail;  // the last bytes of the prompt: an open <think> starts in reasoning
    std::size_t call_bytes = 1 << 20;  // of one call before it is given back as content
};

class answer_splitter {
 public:
    explicit answer_splitter(const splitter_options& options);
    answer_splitter(answer_splitter&&) noexcept;
    answer_splitter& operator=(answer_splitter&&) noexcept;
    ~answer_splitter();

    void push(std::string_view text, std::vector<answer_piece>& out);
    void push_marker(answer_marker marker, std::vector<answer_piece>& out);
    void finish(std::vector<answer_piece>& out);

    // Tool calls whose name was given out so far.
    std::uint32_t num_calls() const noexcept;

 private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace penstock::worker
