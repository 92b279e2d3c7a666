// A machine of four modes over the bytes of an answer. Nothing of the answer is lost: what was held
// for a marker or a call that did not come is given out as the text it is.
#include "worker/text/answer_splitter.hpp"

#include "worker/text/tool_call_reader.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace penstock::worker {
namespace {

using kind = answer_piece::kind;

constexpr std::array<std::string_view, 4> marker_texts = {
    "<think>", "</think>", "<tool_call>", "</tool_call>"
};

std::string_view without_space_at_end(std::string_view text) noexcept {
    const std::size_t last = text.find_last_not_of(" \t\r\n");
    return text.substr(0, last == text.npos ? 0 : last + 1);
}

}  // namespace

std::string_view text_of(answer_marker marker) noexcept {
    return marker_texts[static_cast<std::size_t>(marker)];
}

struct answer_splitter::state {
    enum class mode : std::uint8_t {
        content,
        reasoning,
        call,
        after_call,  // its object is complete, its end marker is not here yet
    };

    explicit state(const splitter_options& given) : options(given) {
        const std::string_view tail = options.prompt_tail;
        const std::string_view written = without_space_at_end(tail);
        if (!options.reasoning || !written.ends_with(text_of(answer_marker::think))) return;
        now = mode::reasoning;
        skips_newline = written.size() == tail.size();
        options.prompt_tail.clear();
    }

    bool knows(answer_marker marker) const noexcept {
        const bool thinks = marker == answer_marker::think || marker == answer_marker::end_think;
        return thinks ? options.reasoning : options.tool_calls;
    }

    void give(kind what, std::uint32_t call, std::string_view text) {
        if (text.empty()) return;
        const bool goes_on = out->size() > out_begin && out->back().what == what &&
                             out->back().call == call && what != kind::call_name;
        if (goes_on)
            out->back().text += text;
        else
            out->push_back({what, call, std::string(text)});
    }

    void give_text(std::string_view text) {
        give(now == mode::reasoning ? kind::reasoning : kind::content, 0, text);
        has_text = true;
    }

    void give_newline() {
        if (std::exchange(holds_newline, false)) give_text("\n");
    }

    // A byte of reasoning or content. A line end is held, as a marker may come behind it.
    void take_text(char c) {
        if (std::exchange(skips_newline, false) && c == '\n') return;
        give_newline();
        if (c == '\n' && (now == mode::reasoning || options.tool_calls))
            holds_newline = true;
        else
            give_text({&c, 1});
    }

    void take(char c) {
        if (now == mode::call) return take_in_call(c);
        if (now == mode::after_call) {
            if (std::string_view(" \t\r\n").find(c) != std::string_view::npos) return;
            // Text within the markers but behind the call: shown, and the end marker still counts.
            now = mode::content;
            drops_end = true;
        }
        take_text(c);
    }

    void take_in_call(char c) {
        const auto give_arguments = [&](std::string_view text) {
            give(kind::call_arguments, num_calls - 1, text);
        };
        switch (reader.step(c)) {
            case tool_call_reader::event::none:
                if (reader.held().size() > options.call_bytes) give_back("");
                break;
            case tool_call_reader::event::name:
                give(kind::call_name, num_calls++, reader.name());
                give_arguments(reader.take_arguments());
                break;
            case tool_call_reader::event::arguments:
                give_arguments({&c, 1});
                break;
            case tool_call_reader::event::complete:
                if (!reader.has_arguments()) give_arguments("{}");
                now = mode::after_call;
                break;
            case tool_call_reader::event::no_call:
                give_back("");
                break;
            case tool_call_reader::event::trailing:
                now = mode::content;
                drops_end = true;
                take_text(c);
                break;
        }
    }

    void begin_call() {
        newline_before = std::exchange(holds_newline, false);
        skips_newline = drops_end = false;
        reader = tool_call_reader();
        now = mode::call;
    }

    // The body was no call: it is content, as it was written.
    void give_back(std::string_view end) {
        now = mode::content;
        std::string text = newline_before ? "\n" : "";
        text += text_of(answer_marker::tool_call);
        text += reader.held();
        text += end;
        give_text(text);
        reader = tool_call_reader();
    }

    void end_call() {
        const bool was_call = now == mode::after_call || reader.is_named();
        if (!was_call) return give_back(text_of(answer_marker::end_tool_call));
        now = mode::content;
        skips_newline = true;
    }

    void take_as_text(answer_marker marker) {
        for (const char c : text_of(marker))
            take(c);
    }

    void take_marker(answer_marker marker) {
        if (!knows(marker) || is_quoted()) return take_as_text(marker);
        const bool in_call = now == mode::call || now == mode::after_call;
        switch (marker) {
            case answer_marker::think:
                if (in_call || (now == mode::reasoning && has_text)) return take_as_text(marker);
                give_newline();
                now = mode::reasoning;
                skips_newline = true;
                break;
            case answer_marker::end_think:
                if (now != mode::reasoning) return take_as_text(marker);
                holds_newline = false;
                now = mode::content;
                skips_newline = true;
                break;
            case answer_marker::tool_call:
                if (now == mode::reasoning) return take_as_text(marker);
                if (now == mode::call && !reader.is_named()) give_back("");
                begin_call();
                break;
            case answer_marker::end_tool_call:
                if (in_call) return end_call();
                if (now == mode::reasoning || !drops_end) return take_as_text(marker);
                drops_end = false;
                holds_newline = false;
                skips_newline = true;
                break;
        }
    }

    bool is_quoted() const noexcept { return now == mode::call && reader.in_string(); }

    // Looks for markers in the text: all begin with '<' and have no other.
    void take_searching(char c) {
        if (held_marker.empty() && (c != '<' || is_quoted())) return take(c);
        const std::string longer = held_marker + c;
        bool may_become = false;
        for (std::size_t i = 0; i < marker_texts.size(); ++i) {
            const auto marker = static_cast<answer_marker>(i);
            if (!knows(marker) || !marker_texts[i].starts_with(longer)) continue;
            may_become = true;
            if (marker_texts[i].size() != longer.size()) continue;
            held_marker.clear();
            return take_marker(marker);
        }
        if (may_become) {
            held_marker = longer;
            return;
        }
        give_up_marker();
        if (longer.size() > 1)
            take_searching(c);
        else
            take(c);
    }

    void give_up_marker() {
        for (const char held : std::exchange(held_marker, {}))
            take(held);
    }

    void begin(std::vector<answer_piece>& to) {
        out = &to;
        out_begin = to.size();
    }

    splitter_options options;
    mode now = mode::content;
    bool skips_newline = false;   // one behind a marker
    bool holds_newline = false;   // one that may stand before a marker
    bool newline_before = false;  // the call's marker took one with it
    bool drops_end = false;       // of a call that was given out
    bool has_text = false;
    std::uint32_t num_calls = 0;
    std::string held_marker;
    tool_call_reader reader;
    std::vector<answer_piece>* out = nullptr;
    std::size_t out_begin = 0;
};

answer_splitter::answer_splitter(const splitter_options& options)
    : state_(std::make_unique<state>(options)) {}
answer_splitter::answer_splitter(answer_splitter&&) noexcept = default;
answer_splitter& answer_splitter::operator=(answer_splitter&&) noexcept = default;
answer_splitter::~answer_splitter() = default;

void answer_splitter::push(std::string_view text, std::vector<answer_piece>& out) {
    state_->begin(out);
    for (const char c : text)
        if (state_->options.markers_in_text)
            state_->take_searching(c);
        else
            state_->take(c);
}

void answer_splitter::push_marker(answer_marker marker, std::vector<answer_piece>& out) {
    state_->begin(out);
    state_->give_up_marker();
    state_->take_marker(marker);
}

void answer_splitter::finish(std::vector<answer_piece>& out) {
    state_->begin(out);
    state_->give_up_marker();
    if (state_->now == state::mode::call && !state_->reader.is_named()) state_->give_back("");
    state_->give_newline();
}

std::uint32_t answer_splitter::num_calls() const noexcept {
    return state_->num_calls;
}

}  // namespace penstock::worker
