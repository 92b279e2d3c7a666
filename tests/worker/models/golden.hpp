// The goldens of Hugging Face's code, read from the files that make_goldens.py wrote.
#pragma once

#include "support/tiny_checkpoint.hpp"
#include "worker/ops/tensor.hpp"
#include "worker/weights/safetensors_header.hpp"

#include <openssl/evp.h>

#include <array>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace penstock::worker {

struct golden_spec {
    std::string name;
    test::tiny_spec model;
    bool greedy = false;  // an answer was kept, too
};

// As SPECS of make_goldens.py.
inline std::vector<golden_spec> golden_specs() {
    using test::tiny_family;
    using test::tiny_type;
    std::vector<golden_spec> specs(6);
    specs[0] = {"qwen2_tied", {}};
    specs[1] = {"qwen2_untied", {.tied = false, .vocabulary = 307, .kv_heads = 1, .seed = 2}};
    specs[2] = {"qwen2_yarn", {.yarn = true, .seed = 3}};
    specs[3] = {"qwen2_bf16", {.type = tiny_type::bf16, .key_bias = 4, .seed = 4}};
    specs[4] = {
        "qwen3_untied",
        {.family = tiny_family::qwen3, .tied = false, .kv_heads = 4, .seed = 5},
    };
    specs[5] = {"qwen3_bf16", {.family = tiny_family::qwen3, .type = tiny_type::bf16, .seed = 6}};
    specs[0].greedy = specs[4].greedy = true;
    return specs;
}

inline constexpr std::size_t golden_prompt = 100;  // tokens before `golden::answer`

struct golden {
    std::vector<token_id> tokens;
    std::string weights_digest;                        // SHA-256
    std::map<std::string, std::vector<float>> stages;  // by module, of the rows below
    std::vector<token_id> answer;                      // the likeliest token each time
};

// Rows of a stage that is told of every row, and of those after the last layer.
inline const std::vector<std::uint32_t> golden_rows = {0, 1, 63, 64, 255, 256, 299};
inline const std::vector<std::uint32_t> golden_logit_rows = {255, 256, 299};

inline golden read_golden(const std::string& name) {
    const std::string path =
        std::string(PENSTOCK_SOURCE_DIR) + "/tests/worker/models/goldens/" + name + ".safetensors";
    std::ifstream in(path, std::ios::binary);
    const std::string file{std::istreambuf_iterator<char>(in), {}};
    const auto prefix = std::as_bytes(std::span(file)).first(header_prefix_bytes);
    const std::uint64_t length = header_length(prefix, file.size()).value();
    const std::string_view all(file);
    const std::string_view data = all.substr(header_prefix_bytes + length);
    golden made;
    const auto tensors = parse_header(all.substr(header_prefix_bytes, length), data.size());
    for (const stored_tensor& tensor : tensors.value()) {
        const std::string_view bytes = data.substr(tensor.begin, tensor.end - tensor.begin);
        if (tensor.name == "weights.sha256") {
            made.weights_digest = bytes;
        } else if (tensor.name == "tokens" || tensor.name == "greedy") {
            std::vector<token_id>& ids = tensor.name == "tokens" ? made.tokens : made.answer;
            ids.resize(bytes.size() / sizeof(token_id));
            std::memcpy(ids.data(), bytes.data(), bytes.size());
        } else {
            std::vector<float>& numbers = made.stages[tensor.name];
            numbers.resize(bytes.size() / sizeof(float));
            std::memcpy(numbers.data(), bytes.data(), bytes.size());
        }
    }
    if (made.stages.empty()) throw std::runtime_error("no golden at " + path);
    return made;
}

inline std::string digest_of(const std::vector<test::tiny_tensor>& tensors) {
    std::string all;
    for (const test::tiny_tensor& tensor : tensors)
        all += tensor.bytes;
    std::string digest(32, '\0');
    auto* out = reinterpret_cast<unsigned char*>(digest.data());
    if (EVP_Digest(all.data(), all.size(), out, nullptr, EVP_sha256(), nullptr) != 1)
        throw std::runtime_error("EVP_Digest");
    return digest;
}

// How far numbers are from what they should be, in standard deviations of the latter.
struct deviation {
    double largest = 0, mean = 0, cosine = 0;
};

inline deviation deviation_of(std::span<const float> is, std::span<const float> should) {
    double sum = 0, squares = 0, dot = 0, is_squares = 0;
    deviation made;
    for (std::size_t i = 0; i < should.size(); ++i) {
        sum += should[i];
        squares += double(should[i]) * should[i];
        is_squares += double(is[i]) * is[i];
        dot += double(is[i]) * should[i];
        const double difference = std::fabs(double(is[i]) - should[i]);
        if (!(difference <= made.largest)) made.largest = difference;  // NaN, too
        made.mean += difference;
    }
    const auto n = static_cast<double>(should.size());
    const double deviation = std::sqrt(squares / n - sum / n * (sum / n));
    made.largest /= deviation;
    made.mean /= n * deviation;
    made.cosine = dot / std::sqrt(squares * is_squares);
    return made;
}

}  // namespace penstock::worker
