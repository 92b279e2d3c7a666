// From a folder to a model: what it says of itself, and what is wrong with those refused.
#include "running_model.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>

namespace penstock::worker {
namespace {

using test::tiny_family;
using test::tiny_tensor;
using test::tiny_type;

using tensor_list = std::vector<tiny_tensor>;

class model_folder : public testing::Test {
 protected:
    using change = std::function<void(tensor_list&)>;

    // Writes a folder whose tensors were changed, and opens it.
    checkpoint open(const test::tiny_spec& spec, const change& changed = [](tensor_list&) {}) {
        test::write_text(path() / "config.json", test::tiny_config(spec));
        tensor_list tensors = test::tiny_tensors(spec);
        changed(tensors);
        test::write_weights(path(), tensors, 1);
        return must(checkpoint::open(path()));
    }
    std::string fault(checkpoint weights, const load_options& options = {}) {
        const auto loaded = load_model(path(), weights, device, options);
        return loaded ? "" : loaded.error().detail;
    }
    std::string fault_of_config(std::string_view text) {
        checkpoint weights = open({});
        test::write_text(path() / "config.json", text);
        return fault(std::move(weights));
    }
    const std::filesystem::path& path() const { return folder_.path(); }

    reference::reference_backend device;

 private:
    test::temporary_folder folder_;
};

tiny_tensor& named(tensor_list& tensors, std::string_view name) {
    return *std::ranges::find(tensors, name, &tiny_tensor::name);
}

void drop(tensor_list& tensors, std::string_view name) {
    std::erase_if(tensors, [&](const tiny_tensor& tensor) { return tensor.name == name; });
}

TEST_F(model_folder, gives_a_model_that_knows_its_shape) {
    const test::tiny_spec spec{
        .family = tiny_family::qwen3, .type = tiny_type::bf16, .tied = false
    };
    checkpoint weights = open(spec);
    const auto model = must(load_model(path(), weights, device, {}));
    const model_shape& shape = model->shape();
    EXPECT_EQ(shape.vocabulary, 320u);
    EXPECT_EQ(shape.num_layers, 2u);
    EXPECT_EQ(shape.attention.num_heads, 4u);
    EXPECT_EQ(shape.attention.num_kv_heads, 2u);
    EXPECT_EQ(shape.attention.head_dim, 32u);
    EXPECT_FLOAT_EQ(shape.attention.scale, 0.17677669f);
    EXPECT_EQ(shape.max_positions, 512u);
    EXPECT_EQ(shape.type, dtype::bf16);
    EXPECT_EQ(shape.num_parameters, weights.total_bytes() / 2);
    // The embedding is not read for a token, but for one row.
    EXPECT_EQ(shape.weight_bytes, weights.total_bytes() - 320 * 64 * 2);
}

TEST_F(model_folder, reads_the_embedding_for_every_token_when_tied) {
    checkpoint weights = open({.tied = true});
    const auto model = must(load_model(path(), weights, device, {}));
    EXPECT_EQ(model->shape().weight_bytes, weights.total_bytes());
    EXPECT_EQ(model->shape().type, dtype::f32);
}

TEST_F(model_folder, widens_fp16) {
    checkpoint weights = open({.type = tiny_type::f16});
    const auto model = must(load_model(path(), weights, device, {}));
    EXPECT_EQ(model->shape().type, dtype::f32);
    EXPECT_EQ(model->shape().weight_bytes, 2 * weights.total_bytes());
}

TEST_F(model_folder, has_as_many_positions_as_asked_for_and_no_more) {
    const test::tiny_spec stretched{.yarn = true};
    checkpoint weights = open(stretched);
    EXPECT_EQ(must(load_model(path(), weights, device, {}))->shape().max_positions, 512u);
    EXPECT_EQ(must(load_model(path(), weights, device, {100}))->shape().max_positions, 100u);
    EXPECT_EQ(must(load_model(path(), weights, device, {512}))->shape().max_positions, 512u);
    EXPECT_EQ(fault(open(stretched), {513}), "the model has 512 positions, 513 are asked for");
}

TEST_F(model_folder, tells_progress_up_to_what_is_read) {
    const auto last_told = [&](checkpoint weights) {
        load_progress last;
        std::uint64_t before = 0;
        weights.on_progress([&](load_progress progress) {
            EXPECT_GE(progress.bytes_read, before);
            EXPECT_LE(progress.bytes_read, progress.bytes_total);
            before = progress.bytes_read;
            last = progress;
        });
        EXPECT_TRUE(load_model(path(), weights, device, {}));
        return last;
    };
    const test::tiny_spec spec;
    std::uint64_t needed = 0;
    for (const tiny_tensor& tensor : test::tiny_tensors(spec))
        needed += tensor.bytes.size();
    const load_progress plain = last_told(open(spec, [](tensor_list& tensors) {
        tensors.push_back({"rotary_emb.inv_freq", "F32", {3}, std::string(12, 'x')});
    }));
    EXPECT_EQ(plain.bytes_read, needed);
    EXPECT_EQ(plain.bytes_total, needed);
    const load_progress doubled = last_told(open(spec, [](tensor_list& tensors) {
        tiny_tensor copy = named(tensors, "model.embed_tokens.weight");
        copy.name = "lm_head.weight";
        tensors.push_back(copy);
    }));
    EXPECT_EQ(doubled.bytes_read, doubled.bytes_total);
}

TEST_F(model_folder, may_hold_its_tied_output_twice_if_it_is_the_same) {
    const auto with_output = [](char changed) {
        return [changed](tensor_list& tensors) {
            tiny_tensor copy = named(tensors, "model.embed_tokens.weight");
            copy.name = "lm_head.weight";
            copy.bytes.back() = static_cast<char>(copy.bytes.back() ^ changed);
            tensors.push_back(copy);
        };
    };
    EXPECT_EQ(fault(open({}, with_output(0))), "");
    EXPECT_EQ(
        fault(open({}, with_output(1))),
        "config.json: `tie_word_embeddings` is true, but tensor 'lm_head.weight' differs from "
        "'model.embed_tokens.weight'"
    );
    EXPECT_EQ(
        fault(open(
            {},
            [](tensor_list& tensors) { tensors.push_back({"lm_head.weight", "F32", {1}, "1234"}); }
        )),
        "tensor 'lm_head.weight' has shape [1]; config.json asks for [320, 64]"
    );
}

TEST_F(model_folder, without_a_tensor_is_refused_by_its_name) {
    for (const auto& [family, name, shape] : std::vector<std::array<std::string, 3>>{
             {"qwen2", "model.embed_tokens.weight", "[320, 64]"},
             {"qwen2", "model.layers.1.self_attn.k_proj.bias", "[32]"},
             {"qwen2", "model.layers.0.mlp.down_proj.weight", "[64, 96]"},
             {"qwen2", "model.norm.weight", "[64]"},
             {"qwen2", "lm_head.weight", "[320, 64]"},
             {"qwen3", "model.layers.1.self_attn.q_norm.weight", "[32]"},
             {"qwen3", "model.layers.1.self_attn.o_proj.weight", "[64, 128]"},
         }) {
        test::tiny_spec spec{.tied = false};
        if (family == "qwen3") spec.family = tiny_family::qwen3;
        EXPECT_EQ(
            fault(open(spec, [&](tensor_list& tensors) { drop(tensors, name); })),
            "tensor '" + name + "' of shape " + shape + " is missing from the weights"
        );
    }
}

TEST_F(model_folder, with_a_tensor_that_its_configuration_does_not_have_is_refused) {
    const auto with = [&](const std::string& name, const char* type = "F32") {
        return fault(open({}, [&](tensor_list& tensors) {
            tensors.push_back({name, type, {1}, std::string(type[0] == 'I' ? 8 : 4, 'x')});
        }));
    };
    const auto unexpected = [](const std::string& name) {
        return "tensor '" + name +
               "' is unexpected: the model of config.json, of 2 layers (num_hidden_layers), has "
               "none such";
    };
    for (const char* name :
         {"model.layers.2.mlp.up_proj.weight",
          "model.layers.0.self_attn.o_proj.bias",
          "model.layers.0.self_attn.q_norm.weight",
          "score.weight",
          "rotary_emb.inv_freq.more"})
        EXPECT_EQ(with(name), unexpected(name));
    EXPECT_EQ(with("position_ids", "I64"), unexpected("position_ids"));
}

TEST_F(model_folder, with_more_layers_than_its_configuration_says_is_refused) {
    checkpoint three = open({.layers = 3});
    test::write_text(path() / "config.json", test::tiny_config({.layers = 2}));
    EXPECT_TRUE(fault(std::move(three)).starts_with("tensor 'model.layers.2."));
}

// As older versions of transformers have saved them.
TEST_F(model_folder, may_hold_the_frequencies_of_its_rotations) {
    for (const char* name :
         {"rotary_emb.inv_freq",
          "model.rotary_emb.inv_freq",
          "model.layers.1.self_attn.rotary_emb.inv_freq"})
        EXPECT_EQ(
            fault(open(
                {}, [&](tensor_list& tensors) { tensors.push_back({name, "F32", {1}, "1234"}); }
            )),
            ""
        );
}

TEST_F(model_folder, with_a_tensor_of_another_shape_is_refused) {
    const auto reshaped = [&](std::string_view name, std::vector<std::uint64_t> shape) {
        return fault(open({}, [&](tensor_list& tensors) { named(tensors, name).shape = shape; }));
    };
    EXPECT_EQ(
        reshaped("model.layers.0.self_attn.k_proj.weight", {64, 32}),
        "tensor 'model.layers.0.self_attn.k_proj.weight' has shape [64, 32]; config.json asks for "
        "[32, 64]"
    );
    EXPECT_EQ(
        reshaped("model.norm.weight", {1, 64}),
        "tensor 'model.norm.weight' has shape [1, 64]; config.json asks for [64]"
    );
    EXPECT_EQ(
        reshaped("model.embed_tokens.weight", {20480}),
        "tensor 'model.embed_tokens.weight' has shape [20480]; config.json asks for [320, 64]"
    );
}

TEST_F(model_folder, with_tensors_of_types_that_do_not_go_is_refused) {
    EXPECT_EQ(
        fault(
            open({}, [](tensor_list& tensors) { named(tensors, "model.norm.weight").type = "I32"; })
        ),
        "tensor 'model.norm.weight' is of type I32; F32, BF16 and F16 are read"
    );
    EXPECT_EQ(
        fault(open(
            {},
            [](tensor_list& tensors) {
                tiny_tensor& one = named(tensors, "model.layers.1.mlp.up_proj.weight");
                one.type = "BF16";
                one.bytes.resize(one.bytes.size() / 2);
            }
        )),
        "tensors 'model.embed_tokens.weight' and 'model.layers.1.mlp.up_proj.weight' are of "
        "different types: all matrices must be of one"
    );
}

TEST_F(model_folder, may_have_norms_and_biases_of_another_type_than_its_matrices) {
    const test::tiny_spec half{.type = tiny_type::bf16}, whole{.type = tiny_type::f32};
    EXPECT_EQ(
        fault(open(
            half,
            [&](tensor_list& tensors) {
                for (const tiny_tensor& other : test::tiny_tensors(whole))
                    if (other.shape.size() == 1) named(tensors, other.name) = other;
            }
        )),
        ""
    );
}

TEST_F(model_folder, of_an_unknown_family_is_refused_with_the_list_of_what_is_supported) {
    EXPECT_EQ(
        fault_of_config(R"({"architectures": ["MistralForCausalLM"]})"),
        "the architecture 'MistralForCausalLM' is not supported; supported are Qwen2ForCausalLM, "
        "Qwen3ForCausalLM"
    );
    EXPECT_EQ(supported_architectures(), "Qwen2ForCausalLM, Qwen3ForCausalLM");
    const std::string must_be = "config.json: `architectures` must be a list of one name, not ";
    EXPECT_EQ(fault_of_config("{}"), must_be + "absent");
    EXPECT_EQ(
        fault_of_config(R"({"architectures": "Qwen2ForCausalLM"})"),
        must_be + "\"Qwen2ForCausalLM\""
    );
    EXPECT_EQ(fault_of_config(R"({"architectures": []})"), must_be + "a list");
    EXPECT_EQ(fault_of_config(R"({"architectures": [1]})"), must_be + "a list");
}

TEST_F(model_folder, with_a_broken_config_is_refused) {
    EXPECT_TRUE(fault_of_config("{").starts_with("config.json: it is not JSON"));
    EXPECT_EQ(fault_of_config("[]"), "config.json: it is no JSON object");
    EXPECT_EQ(
        fault_of_config(R"({"architectures": ["Qwen2ForCausalLM"]})"),
        "config.json: `hidden_size` is missing"
    );
    checkpoint weights = open({});
    std::filesystem::remove(path() / "config.json");
    EXPECT_TRUE(fault(std::move(weights)).ends_with("config.json: No such file or directory"));
}

TEST_F(model_folder, reads_nothing_before_everything_is_found) {
    checkpoint weights = open({}, [](tensor_list& tensors) { drop(tensors, "model.norm.weight"); });
    weights.on_progress([](load_progress) { ADD_FAILURE() << "a tensor was read"; });
    EXPECT_FALSE(load_model(path(), weights, device, {}));
}

TEST_F(model_folder, says_when_the_device_has_no_room_for_steps) {
    checkpoint weights = open({});
    const auto model = must(load_model(path(), weights, device, {}));
    device.bytes_left = 1 << 20;
    const auto reserved = model->reserve(1 << 20, 64);
    ASSERT_FALSE(reserved);
    EXPECT_EQ(reserved.error().code, errc::internal);
    EXPECT_TRUE(model->reserve(8, 8));
}

}  // namespace
}  // namespace penstock::worker
