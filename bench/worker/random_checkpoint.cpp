// Writes a checkpoint of random weights.
#include "bench/worker/random_checkpoint.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <bit>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace penstock::bench {
namespace {

struct entry {
    std::string name;
    std::vector<std::uint64_t> shape;
    float deviation = 0;  // of values around `mean`
    float mean = 0;
};

std::vector<entry> entries_of(const decoder_dimensions& d) {
    const std::uint64_t q = d.heads * d.head_dim, kv = d.kv_heads * d.head_dim;
    const float small = 0.02F;
    std::vector<entry> all{
        {"model.embed_tokens.weight", {d.vocabulary, d.hidden}, small},
        {"model.norm.weight", {d.hidden}, 0, 1}
    };
    for (std::uint32_t i = 0; i < d.layers; ++i) {
        const std::string layer = "model.layers." + std::to_string(i) + ".";
        const std::string attention = layer + "self_attn.", mlp = layer + "mlp.";
        for (const auto& [name, rows] : {std::pair{"q", q}, {"k", kv}, {"v", kv}}) {
            all.push_back({attention + name + "_proj.weight", {rows, d.hidden}, small});
            all.push_back({attention + name + "_proj.bias", {rows}, small});
        }
        all.push_back({attention + "o_proj.weight", {d.hidden, q}, small});
        all.push_back({mlp + "gate_proj.weight", {d.mlp, d.hidden}, small});
        all.push_back({mlp + "up_proj.weight", {d.mlp, d.hidden}, small});
        all.push_back({mlp + "down_proj.weight", {d.hidden, d.mlp}, small});
        all.push_back({layer + "input_layernorm.weight", {d.hidden}, 0, 1});
        all.push_back({layer + "post_attention_layernorm.weight", {d.hidden}, 0, 1});
    }
    return all;
}

std::uint64_t count(const entry& e) {
    std::uint64_t n = 1;
    for (const auto side : e.shape)
        n *= side;
    return n;
}

std::string header_of(const std::vector<entry>& all) {
    boost::json::object header;
    std::uint64_t at = 0;
    for (const auto& e : all) {
        const auto bytes = count(e) * 2;
        header[e.name] = {
            {"dtype", "BF16"},
            {"shape", boost::json::value_from(e.shape)},
            {"data_offsets", {at, at + bytes}}
        };
        at += bytes;
    }
    std::string text = boost::json::serialize(header);
    text.append(8 - text.size() % 8, ' ');
    return text;
}

// splitmix64
std::uint64_t next(std::uint64_t& state) {
    std::uint64_t z = (state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

void write_values(std::ofstream& out, const entry& e, std::uint64_t& random) {
    std::vector<std::uint16_t> piece;
    for (std::uint64_t left = count(e); left > 0; left -= piece.size()) {
        piece.resize(std::min<std::uint64_t>(left, 1 << 20));
        for (auto& value : piece) {
            const float uniform = float(next(random) >> 40) * 0x1p-23F - 1;  // [-1, 1)
            const float x = e.mean + e.deviation * 1.732F * uniform;
            value = std::uint16_t(std::bit_cast<std::uint32_t>(x) >> 16);
        }
        out.write(reinterpret_cast<const char*>(piece.data()), std::streamsize(piece.size() * 2));
    }
}

}  // namespace

result<void> write_random_checkpoint(
    const std::filesystem::path& folder, const decoder_dimensions& d
) {
    std::error_code failed;
    std::filesystem::create_directories(folder, failed);
    const auto weights = folder / "model.safetensors";
    if (std::filesystem::exists(weights)) return success();
    const boost::json::object config{
        {"architectures", boost::json::array{"Qwen2ForCausalLM"}},
        {"model_type", "qwen2"},
        {"hidden_size", d.hidden},
        {"num_hidden_layers", d.layers},
        {"num_attention_heads", d.heads},
        {"num_key_value_heads", d.kv_heads},
        {"intermediate_size", d.mlp},
        {"vocab_size", d.vocabulary},
        {"max_position_embeddings", d.positions},
        {"rms_norm_eps", 1e-6},
        {"rope_theta", 1e6},
        {"hidden_act", "silu"},
        {"tie_word_embeddings", true},
        {"torch_dtype", "bfloat16"}
    };
    std::ofstream(folder / "config.json") << boost::json::serialize(config) << '\n';

    const auto all = entries_of(d);
    const std::string header = header_of(all);
    auto part = weights;
    part += ".part";
    std::ofstream out(part, std::ios::binary);
    const std::uint64_t length = header.size();
    out.write(reinterpret_cast<const char*>(&length), sizeof length);
    out << header;
    std::uint64_t random = 1;
    for (const auto& e : all)
        write_values(out, e, random);
    out.close();
    if (!out) return error{errc::io_failed, "cannot write " + part.string()};
    std::filesystem::rename(part, weights);
    return success();
}

}  // namespace penstock::bench
