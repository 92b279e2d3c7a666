// Stop ids, bounds of length and the counts that penalties need.
#include "worker/engine/answer.hpp"

#include <algorithm>

namespace penstock::worker {
namespace {

bool has_penalty(const sampling_params& params) noexcept {
    return params.repetition_penalty != 1 || params.frequency_penalty != 0 ||
           params.presence_penalty != 0;
}

}  // namespace

token_count& seen_tokens::at(token_id id) {
    const auto [place, is_new] = places_.try_emplace(id, counts_.size());
    if (is_new) counts_.push_back({id, 0, 0});
    return counts_[place->second];
}

answer::answer(std::shared_ptr<ticket> from, std::uint32_t vocabulary)
    : ticket_(std::move(from)),
      vocabulary_(vocabulary),
      num_prompt_(static_cast<std::uint32_t>(ticket_->what.prompt.size())),
      counts_tokens_(has_penalty(ticket_->what.sampling)) {
    const generation& what = ticket_->what;
    if (what.vocabulary != 0) vocabulary_ = std::min(vocabulary_, what.vocabulary);
    if (what.min_tokens > 0) {
        std::ranges::copy_if(
            what.stop_ids,
            std::back_inserter(forbidden_at_first_),
            [this](token_id id) { return id >= 0 && std::uint32_t(id) < vocabulary_; }
        );
    }
    if (!counts_tokens_) return;
    for (const token_id id : what.prompt)
        seen_.add_prompt(id);
}

std::optional<finish> answer::ended_by_reader() const noexcept {
    switch (ticket_->wish.load(std::memory_order_relaxed)) {
        case reader_wish::more:
            return std::nullopt;
        case reader_wish::stop:
            return finish::stopped;
        case reader_wish::abort:
            return finish::aborted;
    }
    return std::nullopt;
}

sampling_row answer::next(std::uint32_t logit_row) const noexcept {
    const generation& what = ticket_->what;
    sampling_row row;
    row.row = logit_row;
    row.index = num_output_;
    row.params = &what.sampling;
    row.bias = what.bias;
    row.seen = seen_.counts();
    if (num_output_ < what.min_tokens) row.forbidden = forbidden_at_first_;
    row.vocabulary = vocabulary_;
    row.logprobs = what.logprobs;
    row.top_logprobs = what.top_logprobs;
    return row;
}

std::optional<finish> answer::push(token_id id) {
    const generation& what = ticket_->what;
    ++num_output_;
    if (counts_tokens_) seen_.add_output(id);
    const bool may_stop = num_output_ > what.min_tokens;
    if (may_stop && std::ranges::find(what.stop_ids, id) != what.stop_ids.end())
        return finish::stop_id;
    if (num_output_ >= what.max_tokens) return finish::max_tokens;
    return std::nullopt;
}

}  // namespace penstock::worker
