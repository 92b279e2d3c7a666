// One request's answers, from the engine to the client.
#include "worker/api/answering.hpp"

#include <algorithm>
#include <cmath>

namespace penstock::worker {
namespace {

// When a full queue will have room: after the prompts in it, at the rate of late.
std::chrono::milliseconds wait_for_room(const engine_state& state, request_class what) {
    constexpr double least = 1, most = 60;
    const class_state& of = what == request_class::bulk ? state.bulk : state.realtime;
    double wait = least;
    if (state.prefill_tokens_per_second > 0)
        wait = double(of.q_tokens_prefill) / state.prefill_tokens_per_second;
    wait = std::clamp(wait, least, most);
    return std::chrono::milliseconds(std::llround(wait * 1000));
}

refusal refused_by(const engine& running, error why, request_class what) {
    if (why.code == errc::queue_full) {
        refusal full(errc::queue_full);
        full.retry_after = wait_for_room(running.state(), what);
        return full;
    }
    if (why.code == errc::context_length_exceeded)
        return {
            errc::context_length_exceeded,
            "Prompt and answer are longer than this worker has room for.",
            "max_tokens"
        };
    if (why.code != errc::upstream_failed) return {std::move(why)};
    refusal stopped(errc::no_replica, "The engine of this worker has stopped.");
    stopped.detail = std::move(why.detail);
    return stopped;
}

// The length in front keeps "a" + "bc" and "ab" + "c" apart: whatever a client writes in its body,
// it stays within the salt of its head.
std::string joined_salt(const std::string& of_head, const std::string& of_body) {
    if (of_head.empty() && of_body.empty()) return {};
    return std::to_string(of_head.size()) + ":" + of_head + of_body;
}

}  // namespace

answering::answering(
    http::exchange& x,
    const prepared_request& request,
    const served_model& model,
    engine& running,
    std::uint64_t seed,
    duration keepalive_after
)
    : x_(x),
      request_(request),
      model_(model),
      engine_(running),
      seed_(request.settings.seed.value_or(seed)),
      keepalive_after_(keepalive_after),
      rung_(x.home()),
      inbox_(std::make_shared<token_inbox>(x.home())) {
    inbox_->wake(&rung_);
    x_.watch(this);
    client_left_ = x_.client().has_departed();
    for (std::size_t i = 0; i < request.prompts.size() * request.settings.num_choices; ++i)
        parts_.push_back(std::make_unique<part>(request, model));
}

answering::~answering() {
    x_.watch(nullptr);
    inbox_->wake(nullptr);
    abort_all();
}

void answering::on_departure() noexcept {
    client_left_ = true;
    abort_all();
    rung_.ring();
    x_.abort();  // a write that waits ends, too
}

void answering::cut() noexcept {
    was_cut_ = true;
    abort_all();
    rung_.ring();
}

void answering::abort_all() noexcept {
    for (const auto& each : parts_)
        if (each->submitted && !each->ended) engine_.abort(each->id);
}

stage_result<> answering::goes_on() const {
    if (client_left_) return refusal(errc::client_gone);
    if (was_cut_) return refusal(errc::draining);
    return success();
}

// ── to the engine ───────────────────────────────────────────────────────────────────────────────

generation answering::generation_of(const prepared_prompt& prompt, std::uint32_t index) const {
    const answer_settings& settings = request_.settings;
    generation made;
    made.prompt = prompt.tokens;
    made.sampling = settings.sampling;
    made.sampling.seed = seed_ + index % settings.num_choices;
    made.bias = settings.bias;
    made.stop_ids = settings.stop_ids;
    made.min_tokens = settings.min_tokens;
    made.max_tokens = prompt.max_tokens;
    made.vocabulary = model_.rules.vocabulary;
    made.logprobs = settings.logprobs;
    made.top_logprobs = settings.top_logprobs;
    return made;
}

stage_result<> answering::submit(const generation_wishes& wishes) {
    CHECK(goes_on());
    const std::uint32_t n = request_.settings.num_choices;
    for (std::uint32_t i = 0; i < parts_.size(); ++i) {
        generation made = generation_of(request_.prompts[i / n], i);
        made.traffic_class = wishes.traffic_class;
        made.cache_salt = joined_salt(wishes.cache_salt, request_.settings.cache_salt);
        auto id = engine_.submit(std::move(made), inbox_->sink(i));
        if (id.has_error()) return refused_by(engine_, std::move(id).error(), wishes.traffic_class);
        parts_[i]->id = id.value();
        parts_[i]->submitted = true;
    }
    return success();
}

// ── from the engine ─────────────────────────────────────────────────────────────────────────────

io::task<stage_result<bool>> answering::wait_for_more(time_point until) {
    const bool rung = co_await rung_.wait_until(until);
    // Answers of one step leave together.
    co_await x_.home().turn();
    CO_CHECK_NOW(goes_on());
    if (!rung) co_return false;
    CO_CHECK_NOW(take_arrivals());
    co_return true;
}

stage_result<> answering::take_arrivals() {
    inbox_->take(arrivals_);
    for (const auto& each : arrivals_) {
        part& of = *parts_[each.choice];
        if (const auto* summary = std::get_if<generation_summary>(&each.what)) {
            CHECK(end_of(of, *summary));
            continue;
        }
        // Behind a stop string there may be the tokens of one more step.
        if (of.text.has_finished()) continue;
        if (of.text.push(std::get<sampled_token>(each.what))) engine_.stop(of.id);
    }
    return success();
}

stage_result<> answering::end_of(part& of, const generation_summary& summary) const {
    of.ended = true;
    of.summary = summary;
    if (summary.reason == finish::failed)
        return refusal(errc::internal, "The engine of this worker has failed.");
    if (of.text.has_finished()) return success();
    // Not by ourselves: the engine is being taken down.
    if (summary.reason == finish::aborted) return refusal(errc::draining);
    of.text.finish(summary.reason == finish::max_tokens);
    return success();
}

bool answering::all_ended() const noexcept {
    return std::all_of(parts_.begin(), parts_.end(), [](const auto& each) { return each->ended; });
}

answer_usage answering::used() const noexcept {
    answer_usage sum;
    const std::uint32_t n = request_.settings.num_choices;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        sum.output_tokens += parts_[i]->text.num_tokens();
        if (i % n != 0) continue;
        sum.prompt_tokens += request_.prompts[i / n].tokens.size();
        sum.cached_tokens += parts_[i]->summary.cached_tokens;
    }
    return sum;
}

// ── to the client ───────────────────────────────────────────────────────────────────────────────

io::task<stage_result<>> answering::write(answer_writer& writer, const std::string& head) {
    if (request_.settings.stream) {
        auto streamed = co_await write_stream(writer);
        co_return std::move(streamed);
    }
    while (!all_ended()) {
        CO_CHECK(wait_for_more(never));
    }
    std::vector<whole_choice> choices;
    choices.reserve(parts_.size());
    for (const auto& each : parts_)
        choices.push_back({each->text.take(), each->text.reason()});
    const std::string body = writer.whole(choices, used());
    auto sent = co_await x_.respond(200, head, body);
    if (sent.has_error()) co_return refusal(errc::client_gone);
    co_return success();
}

// One event for each choice that has something to say.
void answering::append_events(answer_writer& writer, std::string& out) {
    for (std::uint32_t i = 0; i < parts_.size(); ++i) {
        part& of = *parts_[i];
        const bool ends = of.text.has_finished() && !of.closed;
        if (!of.begun && (of.text.num_tokens() > 0 || ends)) {
            of.begun = true;
            writer.begin(out, i);
        }
        if (!ends && !of.text.has_anything()) continue;
        writer.chunk(out, i, of.text.take(), of.text.reason());
        of.closed = ends;
    }
}

// As the gateway writes them (DESIGN §9.2). A client that takes nothing gets no second comment:
// `write_now` kept the first.
stage_result<> answering::write_comment() {
    const std::string_view comment = ": keep-alive\n\n";
    const auto sent = x_.write_now({&comment, 1});
    if (sent.has_error()) return refusal(errc::client_gone);
    comment_at_ = sent.value() ? after(x_.home().now(), keepalive_after_) : never;
    return success();
}

io::task<stage_result<>> answering::write_stream(answer_writer& writer) {
    std::string events;
    bool done = false;
    if (keepalive_after_ > duration::zero())
        comment_at_ = after(io::loop::exact_now(), keepalive_after_);
    while (!done) {
        CO_TRY(const bool came, wait_for_more(comment_at_));
        if (!came) {
            CO_CHECK_NOW(write_comment());
            continue;
        }
        comment_at_ = never;
        events.clear();
        append_events(writer, events);
        done = all_ended();
        if (done) {
            if (request_.settings.include_usage) writer.usage(events, used());
            events += "data: [DONE]\n\n";
        }
        if (events.empty()) continue;
        const std::string_view piece = events;
        auto sent = x_.write_now({&piece, 1}, done);
        if (sent.has_error()) co_return refusal(errc::client_gone);
        if (sent.value()) continue;
        // A client that does not read holds its own answer alone up, and not longer than the stall
        // timeout; what the engine makes meanwhile is bounded by max_tokens.
        auto drained = co_await x_.drain();
        if (drained.has_error()) co_return refusal(errc::client_gone);
    }
    co_return success();
}

}  // namespace penstock::worker
