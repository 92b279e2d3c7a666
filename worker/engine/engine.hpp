// The engine as those outside see it: token sequences in, tokens out. No text enters here, and no
// tensor leaves.
#pragma once

#include "penstock/clock.hpp"
#include "penstock/ids.hpp"
#include "penstock/result.hpp"
#include "worker/ops/sampling.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace penstock::worker {

struct generation {
    std::vector<token_id> prompt;  // at least one token
    sampling_params sampling;
    std::vector<token_bias> bias;    // each id once
    std::vector<token_id> stop_ids;  // end the answer; the last token is the stop id
    std::uint32_t min_tokens = 0;    // no stop id before
    std::uint32_t max_tokens = 0;    // at least 1; prompt and answer fit the model
    bool logprobs = false;
    std::uint8_t top_logprobs = 0;
    request_class traffic_class = request_class::realtime;
    std::string cache_salt;  // prefixes are shared under an equal salt only
    // Ids from here on have no text and are never chosen (a model's output may be wider than its
    // tokenizer); 0: the model's own.
    std::uint32_t vocabulary = 0;
};

enum class finish : std::uint8_t {
    stop_id,
    max_tokens,
    stopped,  // by its reader, who has what it wanted: a stop string is complete
    aborted,  // by its reader, who wants it no more, or by the end of the engine
    failed,   // the engine could not go on; `engine_state::failure` says why
};

struct generation_summary {
    finish reason = finish::aborted;
    std::uint32_t prompt_tokens = 0, cached_tokens = 0, output_tokens = 0;
};

// Told of a generation's tokens and end by the engine's thread, which must not wait: hand them on.
// No call comes after `on_end`.
class token_sink {
 public:
    virtual ~token_sink() = default;
    virtual void on_token(const sampled_token& token) = 0;
    virtual void on_end(const generation_summary& summary) = 0;
};

using generation_id = std::uint64_t;

struct class_state {
    std::uint32_t q_len_prefill = 0;     // waiting or running, without a first token yet
    std::uint32_t q_len_decode = 0;      // with a first token, unfinished
    std::uint64_t q_tokens_prefill = 0;  // prompt tokens still to compute
    std::uint64_t stop = 0;              // ended at a stop id, or stopped by their reader
    std::uint64_t length = 0;            // ended at max_tokens
    std::uint64_t aborted = 0, refused = 0;
};

// A consistent copy, not older than one step.
struct engine_state {
    class_state realtime, bulk;
    std::uint32_t kv_pages_total = 0, kv_pages_used = 0, kv_pages_cached = 0;
    std::uint64_t prefix_lookup_tokens = 0, prefix_hit_tokens = 0;
    std::uint32_t batch_sequences = 0, batch_tokens = 0;                 // of the last step
    std::uint64_t steps = 0, prompt_tokens = 0, output_tokens = 0;       // since the start
    double step_seconds = 0;                                             // of the last step
    double prefill_tokens_per_second = 0, decode_tokens_per_second = 0;  // EWMA over steps
    std::vector<std::uint64_t> ttft_buckets;  // cumulative, bounds as in ttft_bounds
    double ttft_seconds_sum = 0;
    std::string failure;  // why the engine stopped; empty while it runs
};

std::span<const double> ttft_bounds() noexcept;  // seconds, ascending; a last bucket is unbounded

class engine {
 public:
    // Ends every generation as aborted, then the thread.
    virtual ~engine() = default;

    // Any thread. `sink` is kept until its on_end. Errors: queue_full; context_length_exceeded when
    // prompt and max_tokens can never fit; invalid_value for ids that the model does not have and
    // numbers out of the ranges above; upstream_failed after a failure; draining at the end.
    virtual result<generation_id> submit(generation what, std::shared_ptr<token_sink> sink) = 0;
    // Any thread. At most one more step is spent on it, its pages are given back, and those of its
    // prefix may be found again; on_end(stopped) or on_end(aborted) follows unless it has ended.
    // The first of several calls counts.
    virtual void stop(generation_id id) = 0;
    virtual void abort(generation_id id) = 0;
    // Any thread.
    virtual engine_state state() const = 0;
    // Ids from 0 to here have a logit.
    virtual std::uint32_t vocabulary() const noexcept = 0;
    // Tokens of a sequence at most, prompt and answer together: what the model knows and the
    // key-value store has room for.
    virtual std::uint32_t max_positions() const noexcept = 0;
};

}  // namespace penstock::worker
