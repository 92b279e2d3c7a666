// The five parts of a step. Vectors are kept from step to step: a step of a known size allocates
// for new pages of text only.
#include "worker/engine/step.hpp"

#include <chrono>
#include <stdexcept>
#include <utility>

namespace penstock::worker {
namespace {

time_point now_of_engine() noexcept {
    return std::chrono::steady_clock::now();
}

}  // namespace

stepper::stepper(step_parts parts, state_board& board)
    : parts_(std::move(parts)),
      pages_(parts_.pages),
      scheduler_(parts_.schedule, pages_),
      board_(board) {
    publish();
}

void stepper::step() {
    plan();
    prepare();
    forward();
    sample();
    commit();
}

void stepper::plan() {
    begun_ = now_of_engine();
    plan_ = &scheduler_.plan(begun_);
    if (plan_->parts.empty()) throw std::logic_error("the scheduler found nothing to compute");
}

void stepper::prepare() {
    batch_.clear();
    rows_.clear();
    for (const step_part& part : plan_->parts)
        prepare_part(part);
    sampled_.resize(rows_.size());
}

void stepper::prepare_part(const step_part& part) {
    const sequence& s = *part.who;
    const std::span<const page_id> pages = s.pages.ids();
    const auto first_row = static_cast<std::uint32_t>(batch_.num_rows());
    const std::uint32_t end = s.num_computed + part.num_rows;
    batch_.sequences.push_back(
        {first_row, part.num_rows, end, static_cast<std::uint32_t>(batch_.pages.size())}
    );
    batch_.pages.insert(batch_.pages.end(), pages.begin(), pages.end());
    for (std::uint32_t at = s.num_computed; at < end; ++at) {
        batch_.tokens.push_back(s.tokens[at]);
        batch_.positions.push_back(at);
        batch_.slots.push_back(pages[at / page_size] * page_size + at % page_size);
    }
    answer& a = answers_.at(s.id);
    a.set_cached(s.pages.num_reused());
    if (!part.samples) return;
    const auto logit_row = static_cast<std::uint32_t>(batch_.logit_rows.size());
    batch_.logit_rows.push_back(first_row + part.num_rows - 1);
    rows_.push_back(a.next(logit_row));
}

void stepper::forward() {
    logits_ = parts_.model->forward(batch_, *parts_.kv);
}

// Also when nothing is sampled: sampling waits for the device, so that steps do not pile up on it
// and an abort is never more than one step late.
void stepper::sample() {
    parts_.device->sample(logits_, rows_, sampled_);
}

void stepper::commit() {
    const time_point now = now_of_engine();
    std::size_t index = 0;
    for (const step_part& part : plan_->parts) {
        const bool samples = part.samples;
        scheduler_.computed(part);
        if (samples) accept(part, index++, now);
    }
    count_step(now);
    publish();
    tell();
}

void stepper::accept(const step_part& part, std::size_t index, time_point now) {
    sequence& s = *part.who;
    answer& a = answers_.at(s.id);
    outcome what{s.id, true, index, {}};
    std::optional<finish> end = a.ended_by_reader();
    if (end) {
        what.has_token = false;
    } else {
        const token_id id = sampled_[index].id;
        if (id < 0 || std::uint32_t(id) >= parts_.model->shape().vocabulary)
            throw std::runtime_error("a token was sampled that the vocabulary does not have");
        if (a.num_output() == 0) first_tokens_.add(seconds(now - a.from()->submitted));
        end = a.push(id);
        s.tokens.push_back(id);
        ++state_.output_tokens;
    }
    if (end) what.end = leave(a, *end);
    outcomes_.push_back(what);
}

// The scheduler and the counts forget it; its sink is told later.
generation_summary stepper::leave(const answer& a, finish reason) {
    scheduler_.remove(a.from()->id);
    count_end(a, reason);
    return a.summary(reason);
}

void stepper::count_end(const answer& a, finish reason) noexcept {
    class_state& of = class_of(a);
    switch (reason) {
        case finish::stop_id:
        case finish::stopped:
            ++of.stop;
            break;
        case finish::max_tokens:
            ++of.length;
            break;
        case finish::aborted:
            ++of.aborted;
            break;
        case finish::failed:
            break;
    }
}

class_state& stepper::class_of(const answer& a) noexcept {
    return a.from()->what.traffic_class == request_class::bulk ? state_.bulk : state_.realtime;
}

void stepper::count_step(time_point now) {
    const std::uint32_t prompt_rows = plan_->num_rows - plan_->num_decode_rows;
    state_.batch_sequences = static_cast<std::uint32_t>(plan_->parts.size());
    state_.batch_tokens = plan_->num_rows;
    ++state_.steps;
    state_.prompt_tokens += prompt_rows;
    state_.step_seconds = seconds(now - begun_);
    prefill_rate_.step(prompt_rows, state_.step_seconds);
    decode_rate_.step(plan_->num_decode_rows, state_.step_seconds);
    state_.prefill_tokens_per_second = prefill_rate_.per_second();
    state_.decode_tokens_per_second = decode_rate_.per_second();
}

void stepper::publish() {
    const page_counts pages = pages_.counts();
    state_.kv_pages_total = pages.total;
    state_.kv_pages_used = pages.used;
    state_.kv_pages_cached = pages.cached;
    state_.prefix_lookup_tokens = scheduler_.prefixes().lookup_tokens;
    state_.prefix_hit_tokens = scheduler_.prefixes().hit_tokens;
    for (const auto of : {request_class::realtime, request_class::bulk}) {
        const queue_lengths lengths = scheduler_.lengths(of);
        class_state& to = of == request_class::bulk ? state_.bulk : state_.realtime;
        to.q_len_prefill = lengths.prefill;
        to.q_len_decode = lengths.decode;
        to.q_tokens_prefill = lengths.prefill_tokens;
    }
    state_.ttft_buckets = first_tokens_.cumulative();
    state_.ttft_seconds_sum = first_tokens_.sum();
    board_.publish(state_);
}

std::array<std::uint32_t, 2> stepper::not_let_in() const noexcept {
    return {
        scheduler_.lengths(request_class::realtime).waiting,
        scheduler_.lengths(request_class::bulk).waiting
    };
}

void stepper::add(const std::shared_ptr<ticket>& from) {
    const generation_id id = from->id;
    const auto made = answers_.try_emplace(id, from, parts_.model->shape().vocabulary).first;
    sequence s;
    s.id = id;
    s.traffic_class = from->what.traffic_class;
    s.arrived = from->submitted;
    s.num_prompt = made->second.num_prompt();
    s.max_tokens = from->what.max_tokens;
    s.cache_salt = from->what.cache_salt;
    s.tokens = made->second.take_prompt();
    scheduler_.add(std::move(s));
}

void stepper::cancel(std::span<const generation_id> ids) {
    for (const generation_id id : ids) {
        const auto found = answers_.find(id);
        if (found == answers_.end()) continue;
        const finish how = found->second.ended_by_reader().value_or(finish::aborted);
        outcomes_.push_back({id, false, 0, leave(found->second, how)});
    }
    if (outcomes_.empty()) return;
    publish();
    tell();
}

// A sink that throws has lost its answer: the generation is aborted with its next token. What has
// ended is out of `answers_` before its sink hears of it, so that no end is ever told twice.
void stepper::tell() {
    for (const outcome& what : outcomes_) {
        const auto found = answers_.find(what.id);
        if (found == answers_.end()) continue;
        const std::shared_ptr<ticket> from = found->second.from();
        try {
            if (what.has_token) from->sink->on_token(sampled_[what.token]);
        } catch (...) {
            from->wish.store(reader_wish::abort);
        }
        if (!what.end) continue;
        ended_.push_back(what.id);
        answers_.erase(found);
        end_ticket(*from, *what.end);
    }
    outcomes_.clear();
}

// Needs no memory but for the state, so that it also works when there is none. Outcomes that a
// failed step left are dropped: a token that was not told is not part of an answer.
void stepper::end_all(finish reason, const std::string& why) noexcept {
    outcomes_.clear();
    scheduler_.clear();
    auto ending = std::exchange(answers_, {});
    for (const auto& [id, a] : ending)
        count_end(a, reason);
    try {
        state_.failure = why;
        publish();
    } catch (...) {
        state_.failure.clear();
    }
    for (const auto& [id, a] : ending)
        end_ticket(*a.from(), a.summary(reason));
}

}  // namespace penstock::worker
