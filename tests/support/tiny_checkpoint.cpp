// Numbers, shapes and files of a tiny checkpoint.
#include "support/tiny_checkpoint.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <stdexcept>

namespace penstock::test {

namespace {

// What a tensor is filled with.
enum class fill : std::uint8_t { linear, embedding, bias, key_bias, norm };

std::uint64_t hash_of(std::string_view text) {  // FNV-1a
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (const char c : text)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    return hash;
}

std::uint64_t mixed(std::uint64_t x) {  // the output function of SplitMix64
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

// [0, 1) in steps of 2^-24.
float drawn(std::uint64_t key, std::uint64_t index) {
    const std::uint64_t bits = mixed(key + (index + 1) * 0x9e3779b97f4a7c15u) >> 40;
    return static_cast<float>(bits) * 0x1p-24f;
}

float number(fill kind, float unit) {
    const float centred = 2 * unit - 1;
    switch (kind) {
        case fill::linear:
            return centred * 0.26f;
        case fill::embedding:
            return centred * 0.6f;
        case fill::bias:
        case fill::key_bias:
            return centred * 0.5f;
        case fill::norm:
            break;
    }
    return unit + 0.5f;
}

std::uint16_t to_bf16(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    return static_cast<std::uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

// Of the finite numbers that are drawn here: none is beyond the range of fp16.
std::uint16_t to_f16(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000u);
    const float magnitude = std::fabs(value);
    if (magnitude < 0x1p-14f)  // subnormal: in steps of 2^-24
        return sign | static_cast<std::uint16_t>(std::nearbyint(magnitude * 0x1p24f));
    const std::uint32_t of = bits & 0x7fffffffu;
    const std::uint32_t rounded = of + 0xfffu + (of >> 13 & 1u);
    return sign | static_cast<std::uint16_t>((rounded - (112u << 23)) >> 13);
}

void append(std::string& to, float value, tiny_type type) {
    if (type == tiny_type::f32) {
        to.append(reinterpret_cast<const char*>(&value), sizeof value);
        return;
    }
    const std::uint16_t half = type == tiny_type::bf16 ? to_bf16(value) : to_f16(value);
    to.append(reinterpret_cast<const char*>(&half), sizeof half);
}

class tensor_maker {
 public:
    explicit tensor_maker(const tiny_spec& spec) : spec_(spec) {}

    void add(std::string name, std::vector<std::uint64_t> shape, fill kind) {
        constexpr std::string_view types[] = {"F32", "BF16", "F16"};
        tiny_tensor made;
        made.type = types[static_cast<std::size_t>(spec_.type)];
        std::uint64_t count = 1;
        for (const std::uint64_t size : shape)
            count *= size;
        const std::uint64_t key = hash_of(name) ^ mixed(spec_.seed);
        for (std::uint64_t i = 0; i < count; ++i) {
            float value = number(kind, drawn(key, i));
            // Channels that turn slowest, as in Qwen2.5.
            if (kind == fill::key_bias && i == spec_.head_dim() / 2 - 1) value = spec_.key_bias;
            if (kind == fill::key_bias && i == count - 1) value = -spec_.key_bias / 2;
            append(made.bytes, value, spec_.type);
        }
        made.name = std::move(name);
        made.shape = std::move(shape);
        tensors.push_back(std::move(made));
    }

    std::vector<tiny_tensor> tensors;

 private:
    const tiny_spec& spec_;
};

void add_layer(tensor_maker& make, const tiny_spec& spec, unsigned layer) {
    const std::string at = "model.layers." + std::to_string(layer) + ".";
    const std::uint64_t q = std::uint64_t(spec.heads) * spec.head_dim();
    const std::uint64_t kv = std::uint64_t(spec.kv_heads) * spec.head_dim();
    make.add(at + "input_layernorm.weight", {spec.hidden}, fill::norm);
    make.add(at + "post_attention_layernorm.weight", {spec.hidden}, fill::norm);
    make.add(at + "self_attn.q_proj.weight", {q, spec.hidden}, fill::linear);
    make.add(at + "self_attn.k_proj.weight", {kv, spec.hidden}, fill::linear);
    make.add(at + "self_attn.v_proj.weight", {kv, spec.hidden}, fill::linear);
    make.add(at + "self_attn.o_proj.weight", {spec.hidden, q}, fill::linear);
    make.add(at + "mlp.gate_proj.weight", {spec.intermediate, spec.hidden}, fill::linear);
    make.add(at + "mlp.up_proj.weight", {spec.intermediate, spec.hidden}, fill::linear);
    make.add(at + "mlp.down_proj.weight", {spec.hidden, spec.intermediate}, fill::linear);
    if (spec.family == tiny_family::qwen2) {
        make.add(at + "self_attn.q_proj.bias", {q}, fill::bias);
        make.add(at + "self_attn.k_proj.bias", {kv}, fill::key_bias);
        make.add(at + "self_attn.v_proj.bias", {kv}, fill::bias);
    } else {
        make.add(at + "self_attn.q_norm.weight", {spec.head_dim()}, fill::norm);
        make.add(at + "self_attn.k_norm.weight", {spec.head_dim()}, fill::norm);
    }
}

std::string shard_name(unsigned index, unsigned count) {
    char text[64];
    std::snprintf(text, sizeof text, "model-%05u-of-%05u.safetensors", index + 1, count);
    return text;
}

}  // namespace

std::vector<tiny_tensor> tiny_tensors(const tiny_spec& spec) {
    tensor_maker make(spec);
    make.add("model.embed_tokens.weight", {spec.vocabulary, spec.hidden}, fill::embedding);
    for (unsigned layer = 0; layer < spec.layers; ++layer)
        add_layer(make, spec, layer);
    make.add("model.norm.weight", {spec.hidden}, fill::norm);
    if (!spec.tied) make.add("lm_head.weight", {spec.vocabulary, spec.hidden}, fill::embedding);
    std::ranges::sort(make.tensors, std::less<>(), &tiny_tensor::name);
    return std::move(make.tensors);
}

std::string tiny_config(const tiny_spec& spec) {
    const bool is_qwen2 = spec.family == tiny_family::qwen2;
    const auto whole = [](std::string_view name, std::uint64_t value) {
        return "  \"" + std::string(name) + "\": " + std::to_string(value) + ",\n";
    };
    const std::uint32_t trained = spec.yarn ? spec.positions / 4 : spec.positions;
    std::string text = "{\n";
    text += std::string("  \"architectures\": [\"") + (is_qwen2 ? "Qwen2" : "Qwen3") +
            "ForCausalLM\"],\n";
    text += std::string("  \"model_type\": \"") + (is_qwen2 ? "qwen2" : "qwen3") + "\",\n";
    text += whole("vocab_size", spec.vocabulary) + whole("hidden_size", spec.hidden) +
            whole("intermediate_size", spec.intermediate) +
            whole("num_hidden_layers", spec.layers) + whole("num_attention_heads", spec.heads) +
            whole("num_key_value_heads", spec.kv_heads) + whole("max_position_embeddings", trained);
    if (!is_qwen2) text += whole("head_dim", spec.head_dim());
    if (spec.yarn)
        text +=
            "  \"rope_scaling\": {\"type\": \"yarn\", \"factor\": 4.0, "
            "\"original_max_position_embeddings\": " +
            std::to_string(trained) + "},\n";
    text += std::string("  \"tie_word_embeddings\": ") + (spec.tied ? "true" : "false") + ",\n";
    text +=
        "  \"hidden_act\": \"silu\",\n  \"rms_norm_eps\": 1e-06,\n"
        "  \"rope_theta\": 1000000.0,\n  \"use_sliding_window\": false\n}\n";
    return text;
}

void write_text(const std::filesystem::path& file, std::string_view text) {
    std::ofstream out(file, std::ios::binary);
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    if (!out.flush()) throw std::runtime_error("cannot write " + file.string());
}

void write_safetensors(
    const std::filesystem::path& file, std::string_view header, std::string_view data
) {
    std::string text;
    for (int i = 0; i < 8; ++i)
        text += static_cast<char>(std::uint64_t(header.size()) >> 8 * i & 0xffu);
    text.append(header).append(data);
    write_text(file, text);
}

void write_safetensors(const std::filesystem::path& file, const std::vector<tiny_tensor>& tensors) {
    std::string header = "{", data;
    for (const tiny_tensor& tensor : tensors) {
        std::string shape;
        for (const std::uint64_t size : tensor.shape)
            shape += (shape.empty() ? "" : ",") + std::to_string(size);
        header += (header.size() > 1 ? ",\"" : "\"") + tensor.name + "\":{\"dtype\":\"" +
                  tensor.type + "\",\"shape\":[" + shape + "],\"data_offsets\":[" +
                  std::to_string(data.size()) + ",";
        data += tensor.bytes;
        header += std::to_string(data.size()) + "]}";
    }
    header += "}";
    header.resize((header.size() + 7) / 8 * 8, ' ');
    write_safetensors(file, header, data);
}

void write_weights(
    const std::filesystem::path& folder, const std::vector<tiny_tensor>& tensors, unsigned shards
) {
    if (shards == 1) {
        write_safetensors(folder / "model.safetensors", tensors);
        return;
    }
    // Dealt one by one, so that a layer's parts lie in different files.
    std::vector<std::vector<tiny_tensor>> dealt(shards);
    std::string map;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        const auto shard = static_cast<unsigned>(i % shards);
        dealt[shard].push_back(tensors[i]);
        bytes += tensors[i].bytes.size();
        map += (map.empty() ? "\n    \"" : ",\n    \"") + tensors[i].name + "\": \"" +
               shard_name(shard, shards) + "\"";
    }
    for (unsigned shard = 0; shard < shards; ++shard)
        write_safetensors(folder / shard_name(shard, shards), dealt[shard]);
    write_text(
        folder / "model.safetensors.index.json",
        "{\n  \"metadata\": {\"total_size\": " + std::to_string(bytes) + "},\n  \"weight_map\": {" +
            map + "\n  }\n}\n"
    );
}

void write_tiny_checkpoint(const std::filesystem::path& folder, const tiny_spec& spec) {
    std::filesystem::create_directories(folder);
    write_text(folder / "config.json", tiny_config(spec));
    write_weights(folder, tiny_tensors(spec), spec.shards);
}

temporary_folder::temporary_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "penstock-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
}

temporary_folder::~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

}  // namespace penstock::test
