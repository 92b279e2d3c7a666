// From tokens to the text of one answer.
#include "worker/api/choice.hpp"

#include <algorithm>

namespace penstock::worker {
namespace {

// A model thinks when its vocabulary has a token for it, or when its template opened a thought.
bool thinks(const prepared_request& request, const served_model& model) {
    return request.is_chat &&
           (model.markers.has(answer_marker::think) ||
            request.prompt_tail.find(text_of(answer_marker::think)) != std::string::npos);
}

answer_splitter make_splitter(const prepared_request& request, const served_model& model) {
    splitter_options options;
    options.reasoning = thinks(request, model);
    options.tool_calls = request.tool_calls;
    options.markers_in_text =
        !(model.markers.has(answer_marker::tool_call) || !request.tool_calls) ||
        !(model.markers.has(answer_marker::think) || !options.reasoning);
    options.prompt_tail = request.prompt_tail;
    return answer_splitter(options);
}

}  // namespace

std::string_view text_of(finish_reason why) noexcept {
    switch (why) {
        case finish_reason::none:
            return {};
        case finish_reason::stop:
            return "stop";
        case finish_reason::length:
            return "length";
        case finish_reason::tool_calls:
            return "tool_calls";
    }
    return {};
}

choice::choice(const prepared_request& request, const served_model& model)
    : model_(model),
      stop_ids_(request.settings.stop_ids),
      min_tokens_(request.settings.min_tokens),
      logprobs_(request.settings.logprobs),
      tool_calls_(request.tool_calls),
      reasoning_(thinks(request, model)) {
    if (request.is_chat) parts_.emplace(make_splitter(request, model));
    if (!request.settings.stops.empty()) stops_.emplace(request.settings.stops);
}

bool choice::push(const sampled_token& token) {
    ++num_tokens_;
    // The engine chooses no stop id before `min_tokens`: the first that comes is the end.
    if (std::binary_search(stop_ids_.begin(), stop_ids_.end(), token.id)) return false;
    if (logprobs_) add_logprob(token);
    if (const auto marker = parts_ ? model_.markers.find(token.id) : std::nullopt) {
        const bool is_thought =
            *marker == answer_marker::think || *marker == answer_marker::end_think;
        if (is_thought ? reasoning_ : tool_calls_) {
            add_marker(*marker);
            return stopped_;
        }
    }
    if (model_.tokens.is_special(token.id)) return false;
    std::string text;
    characters_.push(model_.tokens.bytes(token.id), text);
    add_text(text);
    return stopped_;
}

void choice::finish(bool by_length) {
    std::string text;
    characters_.finish(text);
    add_text(text);
    if (parts_ && !stopped_) {
        parts_->finish(pieces_);
        take_pieces();
    }
    if (stops_ && !stopped_) stops_->finish(delta_.content);
    if (!stopped_) end(by_length ? finish_reason::length : finish_reason::stop);
}

void choice::end(finish_reason why) noexcept {
    const bool called = why == finish_reason::stop && parts_ && parts_->num_calls() > 0;
    reason_ = called ? finish_reason::tool_calls : why;
}

void choice::add_logprob(const sampled_token& token) {
    token_text& made = delta_.tokens.emplace_back();
    made.bytes = model_.tokens.bytes(token.id);
    made.logprob = token.logprob;
    for (const auto& each : token.top)
        made.top.push_back({model_.tokens.bytes(each.id), each.logprob});
}

void choice::add_text(std::string_view text) {
    if (text.empty() || stopped_) return;
    if (!parts_) return add_content(text);
    parts_->push(text, pieces_);
    take_pieces();
}

// What is held back of a character can never become one behind a marker.
void choice::add_marker(answer_marker marker) {
    std::string text;
    characters_.finish(text);
    add_text(text);
    if (stopped_) return;
    parts_->push_marker(marker, pieces_);
    take_pieces();
}

void choice::take_pieces() {
    for (auto& piece : pieces_) {
        if (stopped_) break;
        switch (piece.what) {
            case answer_piece::kind::reasoning:
                delta_.reasoning += piece.text;
                break;
            case answer_piece::kind::content:
                add_content(piece.text);
                break;
            case answer_piece::kind::call_name:
                delta_.calls.push_back({piece.call, true, std::move(piece.text), {}});
                break;
            case answer_piece::kind::call_arguments:
                if (delta_.calls.empty() || delta_.calls.back().index != piece.call)
                    delta_.calls.push_back({piece.call, false, {}, {}});
                delta_.calls.back().arguments += piece.text;
                break;
        }
    }
    pieces_.clear();
}

void choice::add_content(std::string_view text) {
    if (!stops_ || num_tokens_ < min_tokens_) {
        delta_.content += text;
        return;
    }
    stopped_ = stops_->push(text, delta_.content);
    if (stopped_) end(finish_reason::stop);
}

}  // namespace penstock::worker
