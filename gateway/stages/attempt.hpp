// One attempt at one replica: what it sends, and what the replica's first words mean.
#pragma once

#include "penstock/clock.hpp"
#include "penstock/http/response.hpp"
#include "penstock/io/task.hpp"
#include "penstock/refusal.hpp"

#include <string_view>

namespace penstock::gateway {

struct request_context;

// Why an attempt brought no answer.
struct attempt_failure {
    error why;
    bool request_written = false;
    bool response_begun = false;
    bool engine_refused = false;     // 429, 503: place elsewhere, not failed
    bool context_too_small = false;  // the next pool, or another model, may hold it
    duration retry_after{};          // of an engine's refusal

    attempt_failure(error why) : why(std::move(why)) {}
};

using attempt_result = result<void, attempt_failure>;

// Connects, sends the original bytes with this attempt's edits, reads until an answer has begun
// (invariant 4): the head of an unstreamed 2xx or of an error that is the client's, or the first
// event of a stream that is not an error.
io::task<attempt_result> attempt(request_context& c);

// What an engine says when a prompt is longer than its context, in the words of vLLM, SGLang,
// llama.cpp and TGI. `body`: of a 400, 413 or 422.
bool says_context_too_small(std::string_view body) noexcept;

// `Retry-After` in seconds or `retry-after-ms`; zero when neither is there. At most a minute.
duration retry_after_of(const http::response_head& head) noexcept;

}  // namespace penstock::gateway
