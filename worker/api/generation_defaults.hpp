// What a model's folder says about how it likes to answer.
#pragma once

#include "penstock/result.hpp"
#include "worker/ops/sampling.hpp"
#include "worker/text/tokenizer.hpp"

#include <filesystem>
#include <vector>

namespace penstock::worker {

struct generation_defaults {
    sampling_params sampling;        // temperature, top-k, top-p, min-p, repetition penalty
    std::vector<token_id> stop_ids;  // ascending, each once
};

// `sampling` from generation_config.json; the ids that end an answer are the union of what
// config.json, generation_config.json (`eos_token_id`, one or a list) and tokenizer_config.json
// (`eos_token`) say: models exist in which each of the three is needed. Every file may be missing.
// Errors: invalid_value, with the file, the field and what is expected of it.
result<generation_defaults> load_generation_defaults(
    const std::filesystem::path& folder, const tokenizer& tokens
);

}  // namespace penstock::worker
