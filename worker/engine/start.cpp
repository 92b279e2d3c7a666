// The engine's thread, and what is checked and made before it starts.
#include "worker/engine/start.hpp"

#include "worker/engine/inbox.hpp"
#include "worker/engine/meters.hpp"
#include "worker/engine/step.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <pthread.h>
#include <thread>
#include <utility>

namespace penstock::worker {
namespace {

// A model may know more positions than the key-value store has room for. The last token of an
// answer is never an input and needs none.
std::uint32_t positions_of(const model_shape& shape, std::uint32_t num_pages) noexcept {
    const std::uint64_t room = std::uint64_t{num_pages} * page_size + 1;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(shape.max_positions, room));
}

class threaded_engine final : public engine {
 public:
    threaded_engine(step_parts parts, const model_shape& shape, std::uint32_t max_waiting)
        : vocabulary_(shape.vocabulary),
          max_positions_(positions_of(shape, parts.pages.num_pages)),
          inbox_(max_waiting),
          stepper_(std::move(parts), board_),
          thread_([this] { run(); }) {
        pthread_setname_np(thread_.native_handle(), "engine");
    }
    threaded_engine(const threaded_engine&) = delete;
    threaded_engine& operator=(const threaded_engine&) = delete;
    ~threaded_engine() override {
        inbox_.close();
        thread_.join();
    }

    result<generation_id> submit(generation what, std::shared_ptr<token_sink> sink) override {
        CHECK(check(what));
        return inbox_.put(std::move(what), std::move(sink), std::chrono::steady_clock::now());
    }
    void stop(generation_id id) override { inbox_.end(id, reader_wish::stop); }
    void abort(generation_id id) override { inbox_.end(id, reader_wish::abort); }
    engine_state state() const override;
    std::uint32_t vocabulary() const noexcept override { return vocabulary_; }
    std::uint32_t max_positions() const noexcept override { return max_positions_; }

 private:
    result<void> check(const generation& what) const;
    bool has_logit(token_id id) const noexcept {
        return id >= 0 && std::uint32_t(id) < vocabulary_;
    }
    void run() noexcept;
    void serve();
    void fail(const std::string& why) noexcept;

    std::uint32_t vocabulary_, max_positions_;
    inbox inbox_;
    state_board board_;
    stepper stepper_;
    inbox_delivery got_;
    std::thread thread_;  // last: the others are there before it and after it
};

// A step may take long: who came since it began is seen in the inbox.
engine_state threaded_engine::state() const {
    engine_state state = board_.copy();
    for (const auto of : {request_class::realtime, request_class::bulk}) {
        const inbox_counts counts = inbox_.counts(of);
        class_state& to = of == request_class::bulk ? state.bulk : state.realtime;
        to.refused = counts.refused;
        to.q_len_prefill += counts.untaken;
        to.q_tokens_prefill += counts.untaken_tokens;
    }
    return state;
}

result<void> threaded_engine::check(const generation& what) const {
    const auto bad = [](const char* why) { return error(errc::invalid_value, why); };
    if (what.prompt.empty()) return bad("the prompt has no token");
    if (what.max_tokens == 0) return bad("max_tokens is 0");
    if (what.top_logprobs > 20) return bad("top_logprobs is above 20");
    if (!std::ranges::all_of(what.prompt, [&](token_id id) { return has_logit(id); }))
        return bad("the prompt has a token that the vocabulary does not have");
    if (!std::ranges::all_of(what.bias, [&](const token_bias& b) { return has_logit(b.id); }))
        return bad("a bias is of a token that the vocabulary does not have");
    const std::uint64_t total = std::uint64_t{what.prompt.size()} + what.max_tokens;
    if (total > max_positions_)
        return error(
            errc::context_length_exceeded, "prompt and max_tokens exceed the model or its store"
        );
    return success();
}

void threaded_engine::run() noexcept {
    try {
        serve();
    } catch (const std::exception& e) {
        fail(e.what());
    } catch (...) {
        fail("an unknown exception");
    }
}

void threaded_engine::serve() {
    for (;;) {
        const bool goes_on = inbox_.take(got_, !stepper_.has_work());
        for (const auto& ticket : got_.arrived)
            stepper_.add(ticket);
        got_.arrived.clear();
        if (!goes_on) return stepper_.end_all(finish::aborted);
        stepper_.cancel(got_.unwanted);
        stepper_.publish();
        if (stepper_.has_work()) stepper_.step();
        inbox_.settle(stepper_.ended(), stepper_.not_let_in());
        stepper_.forget_ended();
    }
}

// Those that came in last may not have reached the stepper; those that did are told once all the
// same. No submit gets in after the inbox has failed.
void threaded_engine::fail(const std::string& why) noexcept {
    const auto untaken = inbox_.fail(why);
    stepper_.end_all(finish::failed, why);
    const auto end = [](const std::shared_ptr<ticket>& of) {
        const auto num_prompt = static_cast<std::uint32_t>(of->what.prompt.size());
        end_ticket(*of, {finish::failed, num_prompt, 0, 0});
    };
    std::ranges::for_each(got_.arrived, end);
    std::ranges::for_each(untaken, end);
}

std::uint32_t pages_that_fit(
    const engine_options& options, const model_shape& shape, std::uint64_t page_bytes
) {
    const std::uint64_t pages_of_one = (shape.max_positions + page_size - 1) / page_size;
    const std::uint64_t most =
        std::min<std::uint64_t>(pages_of_one * options.max_sequences, UINT32_MAX / page_size);
    return static_cast<std::uint32_t>(std::min(options.kv_bytes / page_bytes, most));
}

result<void> check(const engine_options& options, std::uint64_t page_bytes) {
    const auto bad = [](std::string why) { return error(errc::invalid_value, std::move(why)); };
    if (options.max_sequences == 0) return bad("max_sequences is 0");
    if (options.max_waiting == 0) return bad("max_waiting is 0: nothing could ever be submitted");
    if (options.max_step_tokens < page_size)
        return bad("max_step_tokens is below " + std::to_string(page_size) + ", a page");
    if (!(options.bulk_reserve >= 0 && options.bulk_reserve < 1))
        return bad("bulk_reserve is not in [0, 1)");
    if (options.max_bulk_age < duration::zero()) return bad("max_bulk_age is negative");
    if (page_bytes == 0) return bad("a page of this model has no bytes");
    if (options.kv_bytes < page_bytes)
        return bad(
            "kv_bytes is " + std::to_string(options.kv_bytes) + "; one page of this model takes " +
            std::to_string(page_bytes)
        );
    return success();
}

}  // namespace

result<std::unique_ptr<engine>> start_engine(
    std::unique_ptr<backend> device,
    std::unique_ptr<language_model> model,
    const engine_options& options
) {
    const model_shape& shape = model->shape();
    const dtype kv_type = shape.type == dtype::bf16 ? dtype::bf16 : dtype::f32;
    const auto page_bytes = device->bytes_per_page(shape.num_layers, shape.attention, kv_type);
    CHECK(check(options, page_bytes));
    if (shape.max_positions < 2)
        return error(errc::invalid_value, "the model has no position for an answer");

    step_parts parts;
    parts.pages.num_pages = pages_that_fit(options, shape, page_bytes);
    parts.pages.reuse_prefixes = options.reuse_prefixes;
    parts.pages.domain = options.cache_domain + (kv_type == dtype::bf16 ? "/bf16" : "/f32");
    parts.schedule.max_sequences = options.max_sequences;
    parts.schedule.max_step_tokens = options.max_step_tokens;
    parts.schedule.max_bulk_age = options.max_bulk_age;
    parts.schedule.bulk_reserve = options.bulk_reserve;
    parts.schedule.max_overtakes = options.max_overtakes;

    const auto most_sequences = std::min(options.max_sequences, options.max_step_tokens);
    CHECK(model->reserve(options.max_step_tokens, most_sequences));
    TRY(parts.kv,
        device->make_kv_store(shape.num_layers, parts.pages.num_pages, shape.attention, kv_type));
    const model_shape kept = shape;
    parts.device = std::move(device);
    parts.model = std::move(model);
    try {
        return std::unique_ptr<engine>(
            std::make_unique<threaded_engine>(std::move(parts), kept, options.max_waiting)
        );
    } catch (const std::exception& e) {
        return error(errc::internal, std::string("no thread or no memory: ") + e.what());
    }
}

}  // namespace penstock::worker
