// The model as the API knows it.
#include "worker/api/served_model.hpp"

#include <algorithm>

namespace penstock::worker {
namespace {

constexpr answer_marker markers[] = {
    answer_marker::think,
    answer_marker::end_think,
    answer_marker::tool_call,
    answer_marker::end_tool_call,
};

}  // namespace

marker_tokens::marker_tokens(const tokenizer& tokens) {
    for (const answer_marker each : markers)
        ids_[static_cast<std::size_t>(each)] = tokens.find(text_of(each));
}

std::optional<answer_marker> marker_tokens::find(token_id id) const noexcept {
    for (const answer_marker each : markers)
        if (ids_[static_cast<std::size_t>(each)] == id) return each;
    return std::nullopt;
}

bool marker_tokens::has(answer_marker marker) const noexcept {
    return ids_[static_cast<std::size_t>(marker)].has_value();
}

served_model::served_model(
    std::string name,
    tokenizer of_text,
    std::optional<chat_template> of_chat,
    const generation_defaults& defaults
)
    : root(name), tokens(std::move(of_text)), chat(std::move(of_chat)), markers(tokens) {
    rules.model = std::move(name);
    rules.vocabulary = tokens.size();
    rules.defaults = defaults.sampling;
    rules.stop_ids = defaults.stop_ids;
    if (chat) rules.argument_objects = chat->wants_argument_objects();
}

void served_model::fit(const engine& running) {
    rules.vocabulary = std::min(rules.vocabulary, running.vocabulary());
    rules.max_positions = running.max_positions();
}

}  // namespace penstock::worker
