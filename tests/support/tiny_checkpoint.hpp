// Model folders small enough for a test: config.json and weights, rebuilt with the same bits
// everywhere.
//
// Numbers are such that mistakes show: every bias and every norm matters, logits are wide apart,
// and a few keys have the large biases of Qwen2.5. Each is a function of the seed, of its tensor's
// name and of its place, in whole numbers and one rounding of fp32; make_goldens.py has the same
// function.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::test {

enum class tiny_family : std::uint8_t { qwen2, qwen3 };
enum class tiny_type : std::uint8_t { f32, bf16, f16 };

struct tiny_spec {
    tiny_family family = tiny_family::qwen2;
    tiny_type type = tiny_type::f32;
    bool tied = true;
    bool yarn = false;    // a factor of 4 over `positions` / 4
    unsigned shards = 1;  // more than one: with an index
    std::uint32_t vocabulary = 320;
    std::uint32_t hidden = 64, intermediate = 96, layers = 2;
    std::uint32_t heads = 4, kv_heads = 2;
    std::uint32_t positions = 512;
    float key_bias = 150;  // of two channels of the keys of each layer
    std::uint64_t seed = 1;

    std::uint32_t head_dim() const { return family == tiny_family::qwen3 ? 32 : hidden / heads; }
};

struct tiny_tensor {
    std::string name;
    std::string type;  // "F32", as safetensors spells it
    std::vector<std::uint64_t> shape;
    std::string bytes;
};

// In order of name.
std::vector<tiny_tensor> tiny_tensors(const tiny_spec& spec);
std::string tiny_config(const tiny_spec& spec);

// One file with these tensors, one after another.
void write_safetensors(const std::filesystem::path& file, const std::vector<tiny_tensor>& tensors);
// A file of 8 bytes of length, this header and this data, whatever they say.
void write_safetensors(
    const std::filesystem::path& file, std::string_view header, std::string_view data
);
void write_text(const std::filesystem::path& file, std::string_view text);

// Files of these tensors: one, or `shards` and their index.
void write_weights(
    const std::filesystem::path& folder, const std::vector<tiny_tensor>& tensors, unsigned shards
);
// config.json and the weights; the folder is made.
void write_tiny_checkpoint(const std::filesystem::path& folder, const tiny_spec& spec);

// A folder that is gone with the test.
class temporary_folder {
 public:
    temporary_folder();
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;
    ~temporary_folder();
    const std::filesystem::path& path() const noexcept { return path_; }

 private:
    std::filesystem::path path_;
};

}  // namespace penstock::test
