// One answer in the making: what is asked of its next token, and when it ends.
#pragma once

#include "worker/engine/inbox.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace penstock::worker {

// How often each token stands in a sequence, kept as it grows.
class seen_tokens {
 public:
    void add_prompt(token_id id) { ++at(id).in_prompt; }
    void add_output(token_id id) { ++at(id).in_output; }
    std::span<const token_count> counts() const noexcept { return counts_; }

 private:
    token_count& at(token_id id);

    std::vector<token_count> counts_;
    std::unordered_map<token_id, std::uint32_t> places_;
};

class answer {
 public:
    // Takes the prompt out of the ticket, for the scheduler, with `take_prompt`. `vocabulary` is
    // the model's.
    answer(std::shared_ptr<ticket> from, std::uint32_t vocabulary);

    std::vector<token_id> take_prompt() noexcept { return std::move(ticket_->what.prompt); }
    const std::shared_ptr<ticket>& from() const noexcept { return ticket_; }
    // How its reader ended it, if it did.
    std::optional<finish> ended_by_reader() const noexcept;
    std::uint32_t num_prompt() const noexcept { return num_prompt_; }
    std::uint32_t num_output() const noexcept { return num_output_; }
    // Tokens of the prompt that were found computed.
    void set_cached(std::uint32_t n) noexcept { num_cached_ = n; }
    generation_summary summary(finish reason) const noexcept {
        return {reason, num_prompt_, num_cached_, num_output_};
    }

    // Points into this answer: until its next push.
    sampling_row next(std::uint32_t logit_row) const noexcept;
    // The next token of the answer; says how it ended, if it did.
    std::optional<finish> push(token_id id);

 private:
    std::shared_ptr<ticket> ticket_;
    std::uint32_t vocabulary_;
    std::uint32_t num_prompt_;
    std::uint32_t num_cached_ = 0, num_output_ = 0;
    bool counts_tokens_;
    seen_tokens seen_;
    std::vector<token_id> forbidden_at_first_;  // the stop ids that the vocabulary has
};

}  // namespace penstock::worker
