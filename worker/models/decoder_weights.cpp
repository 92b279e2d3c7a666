// Which tensors a decoder has, by Hugging Face's names, and how they are fused.
#include "worker/models/decoder_weights.hpp"

#include "worker/models/tensor_source.hpp"

#include <functional>
#include <set>
#include <string>
#include <string_view>

namespace penstock::worker {

namespace {

// Tensors of one matrix of a layer: `biases` is empty or as long as `parts`.
struct fused {
    std::unique_ptr<matrix> decoder_layer_weights::* to;
    std::vector<wanted_tensor> parts, biases;
};

wanted_tensor vector_of(std::string name, std::size_t columns) {
    return {std::move(name), 0, columns};
}

std::vector<fused> layer_tensors(const decoder_config& config, std::size_t index) {
    using layer = decoder_layer_weights;
    const std::string at = "model.layers." + std::to_string(index) + ".";
    const std::size_t q = config.q_columns(), kv = config.kv_columns(), hidden = config.hidden;
    fused qkv{
        &layer::qkv,
        {{at + "self_attn.q_proj.weight", q, hidden},
         {at + "self_attn.k_proj.weight", kv, hidden},
         {at + "self_attn.v_proj.weight", kv, hidden}},
        {},
    };
    if (config.family.qkv_bias)
        qkv.biases = {
            vector_of(at + "self_attn.q_proj.bias", q),
            vector_of(at + "self_attn.k_proj.bias", kv),
            vector_of(at + "self_attn.v_proj.bias", kv),
        };
    std::vector<fused> made;
    made.push_back({&layer::input_norm, {vector_of(at + "input_layernorm.weight", hidden)}, {}});
    made.push_back(std::move(qkv));
    if (config.family.head_norms) {
        const std::size_t width = config.head_dim;
        made.push_back({&layer::q_norm, {vector_of(at + "self_attn.q_norm.weight", width)}, {}});
        made.push_back({&layer::k_norm, {vector_of(at + "self_attn.k_norm.weight", width)}, {}});
    }
    made.push_back({&layer::o, {{at + "self_attn.o_proj.weight", hidden, q}}, {}});
    made.push_back(
        {&layer::post_norm, {vector_of(at + "post_attention_layernorm.weight", hidden)}, {}}
    );
    made.push_back(
        {&layer::gate_up,
         {{at + "mlp.gate_proj.weight", config.intermediate, hidden},
          {at + "mlp.up_proj.weight", config.intermediate, hidden}},
         {}}
    );
    made.push_back({&layer::down, {{at + "mlp.down_proj.weight", hidden, config.intermediate}}, {}}
    );
    return made;
}

// What is found before anything is read.
struct survey {
    const tensor_source& source;
    std::string first_matrix;
    dtype type = dtype::f32;
    std::uint64_t bytes = 0, num_parameters = 0, layer_numbers = 0;
    std::set<std::string, std::less<>> names;

    result<void> add(const wanted_tensor& wanted) {
        TRY(const tensor_place* place, source.find(wanted));
        names.insert(wanted.name);
        bytes += place->bytes;
        num_parameters += place->bytes / size_of(place->type);
        if (wanted.rows == 0) return success();
        if (first_matrix.empty()) {
            first_matrix = wanted.name;
            type = place->type;
        }
        if (place->type != type)
            return error(
                errc::invalid_value,
                "tensors '" + first_matrix + "' and '" + wanted.name +
                    "' are of different types: all matrices must be of one"
            );
        return success();
    }
};

struct ends {
    wanted_tensor embedding, output, final_norm;
};

ends ends_of(const decoder_config& config) {
    return {
        {"model.embed_tokens.weight", config.vocabulary, config.hidden},
        {"lm_head.weight", config.vocabulary, config.hidden},
        vector_of("model.norm.weight", config.hidden),
    };
}

// A tied checkpoint may hold the output's weight as well, if it is the same.
result<void> check_duplicate(const ends& names, const tensor_source& source) {
    TRY(const tensor_place* embedding, source.find(names.embedding));
    TRY(const tensor_place* output, source.find(names.output));
    TRY(const bool equal, source.are_equal(*embedding, *output));
    if (!equal)
        return error(
            errc::invalid_value,
            "config.json: `tie_word_embeddings` is true, but tensor '" + names.output.name +
                "' differs from '" + names.embedding.name + "'"
        );
    return success();
}

bool is_spare(std::string_view name, const decoder_config& config, const ends& names) {
    constexpr std::string_view frequencies = "rotary_emb.inv_freq";
    if (config.tied && name == names.output.name) return true;
    return name == frequencies || name.ends_with("." + std::string(frequencies));
}

// Nothing but what was looked for, and what may stand beside it.
result<void> check_nothing_else(
    const decoder_config& config, const ends& names, const survey& found, const checkpoint& from
) {
    const auto check = [&](const std::string& name) -> result<void> {
        if (found.names.contains(name) || is_spare(name, config, names)) return success();
        return error(
            errc::invalid_value,
            "tensor '" + name + "' is unexpected: the model of config.json, of " +
                std::to_string(config.num_layers) + " layers (num_hidden_layers), has none such"
        );
    };
    for (const auto& [name, place] : from.tensors()) {
        CHECK(check(name));
    }
    for (const auto& [name, type] : from.other_types()) {
        CHECK(check(name));
    }
    return success();
}

result<survey> look_for_all(
    const decoder_config& config, const ends& names, const tensor_source& source
) {
    survey found{source};
    CHECK(found.add(names.embedding));
    const std::uint64_t embedding = found.num_parameters;
    for (std::size_t i = 0; i < config.num_layers; ++i)
        for (const fused& one : layer_tensors(config, i)) {
            for (const wanted_tensor& part : one.parts) {
                CHECK(found.add(part));
            }
            for (const wanted_tensor& part : one.biases) {
                CHECK(found.add(part));
            }
        }
    CHECK(found.add(names.final_norm));
    if (!config.tied) {
        CHECK(found.add(names.output));
    }
    // One row of the embedding is not worth counting; tied, the whole of it is the output's weight.
    found.layer_numbers = found.num_parameters - (config.tied ? 0 : embedding);
    return found;
}

}  // namespace

result<decoder_weights> load_decoder_weights(
    const decoder_config& config, std::uint32_t positions, checkpoint& from, backend& device
) {
    const tensor_source source(from, device);
    const ends names = ends_of(config);
    TRY(const survey found, look_for_all(config, names, source));
    CHECK(check_nothing_else(config, names, found, from));
    const tensor_place* twice = config.tied ? from.find(names.output.name) : nullptr;
    from.expect_bytes(found.bytes + (twice ? 2 * twice->bytes : 0));
    if (twice) {
        CHECK(check_duplicate(names, source));
    }
    decoder_weights made;
    made.type = found.type == dtype::bf16 ? dtype::bf16 : dtype::f32;
    made.num_parameters = found.num_parameters;
    made.bytes_per_token = found.layer_numbers * size_of(made.type);

    TRY(made.embedding, source.load_one(names.embedding));
    for (std::size_t i = 0; i < config.num_layers; ++i) {
        decoder_layer_weights& layer = made.layers.emplace_back();
        for (const fused& one : layer_tensors(config, i)) {
            TRY(layer.*one.to, source.load(one.parts, one.biases));
        }
    }
    TRY(made.final_norm, source.load_one(names.final_norm));
    if (!config.tied) {
        TRY(made.output, source.load_one(names.output));
    }
    const rotation_tables tables =
        tabulate(frequencies_of(config.rotations, config.head_dim), positions);
    TRY(made.rotations, device.load_rotations(tables.cosines, tables.sines, positions));
    return made;
}

}  // namespace penstock::worker
