// The model families that can be served: one row of the table in catalogue.cpp each.
#pragma once

#include "penstock/result.hpp"
#include "worker/models/language_model.hpp"
#include "worker/weights/checkpoint.hpp"

#include <filesystem>
#include <memory>
#include <span>
#include <string_view>

namespace penstock::worker {

struct load_options {
    std::uint32_t max_positions = 0;  // less than the model's; 0: as many as it can
};

// "Qwen2ForCausalLM, Qwen3ForCausalLM": for messages and documentation.
std::string supported_architectures();

// Reads config.json of the folder and loads the weights. Errors: invalid_value, with what is wrong
// with the folder; an unknown architecture is refused with the list of what is supported.
result<std::unique_ptr<language_model>> load_model(
    const std::filesystem::path& folder,
    checkpoint& weights,
    backend& device,
    const load_options& options
);

}  // namespace penstock::worker
