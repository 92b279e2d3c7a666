// Answers as OpenAI's routes say them: whole, or as the events of a stream.
#pragma once

#include "worker/api/choice.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace penstock::worker {

struct answer_usage {
    std::uint64_t prompt_tokens = 0, cached_tokens = 0;  // each prompt once, whatever `n` is
    std::uint64_t output_tokens = 0;                     // generated
};

struct answer_names {
    std::string id;  // "chatcmpl-…"; ids of tool calls are made from it
    std::string model, fingerprint;
    std::int64_t created = 0;  // in seconds since 1970
    bool null_usage = false;   // `"usage":null` in each chunk of a stream that ends with one
};

struct whole_choice {
    answer_delta text;
    finish_reason why = finish_reason::none;
};

class answer_writer {
 public:
    virtual ~answer_writer() = default;

    // Events of a stream, appended to `out`, each whole with its empty line.
    // Of each choice once and first; may be nothing.
    virtual void begin(std::string& out, std::uint32_t choice) = 0;
    virtual void chunk(
        std::string& out, std::uint32_t choice, const answer_delta& delta, finish_reason why
    ) = 0;
    virtual void usage(std::string& out, const answer_usage& used) = 0;

    // A whole answer.
    virtual std::string whole(std::span<const whole_choice> choices, const answer_usage& used) = 0;
};

std::unique_ptr<answer_writer> write_chat(answer_names names);
std::unique_ptr<answer_writer> write_completion(answer_names names, std::uint32_t num_choices);

}  // namespace penstock::worker
