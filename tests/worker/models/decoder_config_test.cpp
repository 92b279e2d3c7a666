// config.json of decoders: what is read, and the messages for what is refused.
#include "worker/models/decoder_config.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <gtest/gtest.h>

namespace penstock::worker {
namespace {

boost::json::object qwen(std::string_view changes = "{}") {
    auto config = boost::json::parse(R"({
        "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 320,
        "max_position_embeddings": 32768, "rms_norm_eps": 1e-06, "rope_theta": 1000000.0,
        "hidden_act": "silu", "sliding_window": 131072, "use_sliding_window": false,
        "max_window_layers": 21, "tie_word_embeddings": true
    })");
    const boost::json::value changed = boost::json::parse(changes);
    for (const auto& [key, value] : changed.get_object())
        config.get_object()[key] = value;
    return config.get_object();
}

decoder_config parsed(std::string_view changes = "{}", const decoder_family& family = {}) {
    const auto made = parse_decoder_config(qwen(changes), family);
    EXPECT_TRUE(made) << (made ? "" : made.error().detail);
    return made ? made.value() : decoder_config{};
}

std::string fault(std::string_view changes) {
    const auto made = parse_decoder_config(qwen(changes), {});
    if (made) return "";
    EXPECT_EQ(made.error().code, errc::invalid_value);
    return made.error().detail;
}

TEST(decoder_config, is_read) {
    const decoder_config config = parsed();
    EXPECT_EQ(config.hidden, 64u);
    EXPECT_EQ(config.intermediate, 96u);
    EXPECT_EQ(config.num_layers, 2u);
    EXPECT_EQ(config.num_heads, 4u);
    EXPECT_EQ(config.num_kv_heads, 2u);
    EXPECT_EQ(config.head_dim, 16u);
    EXPECT_EQ(config.vocabulary, 320u);
    EXPECT_EQ(config.max_positions, 32768u);
    EXPECT_EQ(config.rms_epsilon, 1e-6f);
    EXPECT_EQ(config.rotations.base, 1e6);
    EXPECT_FALSE(config.rotations.yarn);
    EXPECT_TRUE(config.tied);
}

TEST(decoder_config, has_hugging_faces_defaults) {
    const decoder_config config = parsed(R"({
        "num_key_value_heads": null, "rms_norm_eps": null, "rope_theta": null,
        "tie_word_embeddings": null, "hidden_act": null, "rope_scaling": null
    })");
    EXPECT_EQ(config.num_kv_heads, 4u);
    EXPECT_EQ(config.rms_epsilon, 1e-6f);
    EXPECT_EQ(config.rotations.base, 10000.0);
    EXPECT_FALSE(config.tied);
}

TEST(decoder_config, has_heads_of_the_width_that_it_says) {
    EXPECT_EQ(parsed(R"({"head_dim": 32})").head_dim, 32u);
    EXPECT_EQ(parsed(R"({"head_dim": 32})").q_columns(), 128u);
    EXPECT_EQ(parsed("{}", {.default_head_dim = 128}).head_dim, 128u);
    EXPECT_EQ(parsed(R"({"head_dim": 32})", {.default_head_dim = 128}).head_dim, 32u);
    EXPECT_EQ(parsed(R"({"head_dim": 32, "hidden_size": 63})").head_dim, 32u);
}

TEST(decoder_config, reads_yarn_by_its_older_and_its_newer_name) {
    for (const char* changes :
         {R"({"rope_scaling": {"type": "yarn", "factor": 4.0,
              "original_max_position_embeddings": 32768}})",
          R"({"rope_scaling": {"rope_type": "yarn", "type": "yarn", "factor": 4,
              "original_max_position_embeddings": 32768}})",
          R"({"rope_theta": null, "rope_parameters": {"rope_type": "yarn", "factor": 4.0,
              "rope_theta": 1000000, "original_max_position_embeddings": 32768}})"}) {
        const decoder_config config = parsed(changes);
        ASSERT_TRUE(config.rotations.yarn) << changes;
        EXPECT_EQ(config.rotations.base, 1e6);
        EXPECT_EQ(config.rotations.yarn->factor, 4.0);
        EXPECT_EQ(config.rotations.yarn->original_positions, 32768u);
        EXPECT_EQ(config.rotations.yarn->beta_fast, 32.0);
        EXPECT_EQ(config.max_positions, 131072u);
    }
    const decoder_config plain =
        parsed(R"({"rope_parameters": {"rope_type": "default", "rope_theta": 1000000}})");
    EXPECT_FALSE(plain.rotations.yarn);
    EXPECT_EQ(plain.max_positions, 32768u);
}

TEST(decoder_config, reads_every_field_of_yarn) {
    const auto yarn = parsed(R"({"rope_scaling": {
        "type": "yarn", "factor": 2.5, "beta_fast": 16, "beta_slow": 2.0,
        "attention_factor": 1.25, "mscale": 1.0, "mscale_all_dim": 0.5, "truncate": false
    }})")
                          .rotations.yarn;
    ASSERT_TRUE(yarn);
    EXPECT_EQ(yarn->factor, 2.5);
    EXPECT_EQ(yarn->beta_fast, 16.0);
    EXPECT_EQ(yarn->beta_slow, 2.0);
    EXPECT_EQ(yarn->attention_factor, 1.25);
    EXPECT_EQ(yarn->mscale, 1.0);
    EXPECT_EQ(yarn->mscale_all_dim, 0.5);
    EXPECT_FALSE(yarn->truncate);
}

TEST(decoder_config, never_scales_a_context_twice) {
    const auto positions = [](std::string_view scaling, std::uint32_t trained) {
        return parsed(
                   R"({"max_position_embeddings": )" + std::to_string(trained) +
                   R"(, "rope_scaling": {"type": "yarn", )" + std::string(scaling) + "}}"
        )
            .max_positions;
    };
    const std::string original = R"("factor": 4.0, "original_max_position_embeddings": 32768)";
    EXPECT_EQ(positions(original, 32768), 131072u);
    EXPECT_EQ(positions(original, 40960), 131072u);   // Qwen3
    EXPECT_EQ(positions(original, 131072), 131072u);  // scaled by whoever wrote it
    EXPECT_EQ(positions(R"("factor": 4.0)", 32768), 131072u);
    EXPECT_EQ(positions(R"("factor": 1.5)", 1001), 1501u);
}

TEST(decoder_config, names_the_field_that_is_missing_or_of_another_type) {
    const std::string at = "config.json: ";
    EXPECT_EQ(fault(R"({"hidden_size": null})"), at + "`hidden_size` is missing");
    EXPECT_EQ(
        fault(R"({"hidden_size": "64"})"),
        at + "`hidden_size` must be a whole number from 1 to 1048576, not \"64\""
    );
    EXPECT_EQ(
        fault(R"({"num_hidden_layers": 0})"),
        at + "`num_hidden_layers` must be a whole number from 1 to 1024, not 0"
    );
    EXPECT_EQ(
        fault(R"({"intermediate_size": 96.0})"),
        at + "`intermediate_size` must be a whole number from 1 to 1048576, not 96.0"
    );
    EXPECT_EQ(
        fault(R"({"vocab_size": -1})"),
        at + "`vocab_size` must be a whole number from 1 to 16777216, not -1"
    );
    EXPECT_EQ(
        fault(R"({"max_position_embeddings": [1]})"),
        at + "`max_position_embeddings` must be a whole number from 1 to 16777216, not a list"
    );
    EXPECT_EQ(
        fault(R"({"rms_norm_eps": "1e-6"})"), at + "`rms_norm_eps` must be a number, not \"1e-6\""
    );
    EXPECT_EQ(
        fault(R"({"rms_norm_eps": 0})"), at + "`rms_norm_eps` must be a number above 0, not 0"
    );
    EXPECT_EQ(
        fault(R"({"tie_word_embeddings": 1})"),
        at + "`tie_word_embeddings` must be true or false, not 1"
    );
    EXPECT_EQ(fault(R"({"hidden_act": {}})"), at + "`hidden_act` must be a text, not an object");
    EXPECT_EQ(
        fault(R"({"rope_scaling": "yarn"})"), at + "`rope_scaling` must be an object, not \"yarn\""
    );
    EXPECT_EQ(fault(R"({"rope_theta": 1})"), at + "`rope_theta` must be a number above 1, not 1");
}

TEST(decoder_config, refuses_heads_that_do_not_fit) {
    const std::string at = "config.json: ";
    EXPECT_EQ(
        fault(R"({"num_key_value_heads": 3})"),
        at + "`num_key_value_heads` must be a divisor of `num_attention_heads`, 4, not 3"
    );
    EXPECT_EQ(
        fault(R"({"hidden_size": 66})"),
        at + "`hidden_size` must be a multiple of `num_attention_heads`, not 66"
    );
    EXPECT_EQ(
        fault(R"({"hidden_size": 60})"), at + "`head_dim` is 15; it must be even and at most 1024"
    );
    EXPECT_EQ(
        fault(R"({"head_dim": 17})"), at + "`head_dim` is 17; it must be even and at most 1024"
    );
    EXPECT_EQ(
        fault(R"({"num_attention_heads": 65536, "head_dim": 128})"),
        at + "`num_attention_heads` times `head_dim` is more than 1048576"
    );
}

TEST(decoder_config, refuses_what_would_change_the_result) {
    const std::string at = "config.json: ";
    EXPECT_EQ(
        fault(R"({"use_sliding_window": true})"),
        at + "`use_sliding_window` is true: attention over a window of positions is not supported"
    );
    EXPECT_EQ(
        fault(R"({"layer_types": ["full_attention", "sliding_attention"]})"),
        at + "`layer_types` must say \"full_attention\" of every layer: nothing else is supported"
    );
    EXPECT_EQ(fault(R"({"layer_types": ["full_attention", "full_attention"]})"), "");
    EXPECT_EQ(
        fault(R"({"hidden_act": "gelu"})"),
        at + "`hidden_act` must be \"silu\", the only activation that is done here, not \"gelu\""
    );
    EXPECT_EQ(
        fault(R"({"attention_bias": true})"),
        at + "`attention_bias` is true: biases of this family are not supported"
    );
    EXPECT_EQ(
        fault(R"({"quantization_config": {"quant_method": "fp8"}})"),
        at + "`quantization_config` is set: quantised weights are not supported, only F32, BF16 "
             "and F16"
    );
    EXPECT_EQ(
        fault(R"({"partial_rotary_factor": 0.5})"),
        at + "`partial_rotary_factor` must be 1: rotating a part is not supported, not 0.5"
    );
}

TEST(decoder_config, refuses_rotations_that_it_does_not_know) {
    const std::string at = "config.json: ";
    EXPECT_EQ(
        fault(R"({"rope_scaling": {"type": "linear", "factor": 2}})"),
        at + "`rope_scaling.type` must be \"default\" or \"yarn\", not \"linear\""
    );
    EXPECT_EQ(
        fault(R"({"rope_parameters": {"rope_type": "llama3"}})"),
        at + "`rope_parameters.rope_type` must be \"default\" or \"yarn\", not \"llama3\""
    );
    EXPECT_EQ(
        fault(R"({"rope_scaling": {"type": "yarn", "rope_type": "default"}})"),
        at + "`rope_scaling.type` and `rope_type` say different things"
    );
    EXPECT_EQ(
        fault(R"({"rope_scaling": {"type": "yarn"}})"),
        at + "`rope_scaling.factor` must be a number of at least 1, not absent"
    );
    EXPECT_EQ(
        fault(R"({"rope_scaling": {"type": "yarn", "factor": 0.5}})"),
        at + "`rope_scaling.factor` must be a number of at least 1, not 0.5"
    );
    EXPECT_EQ(
        fault(R"({"rope_scaling": {"type": "yarn", "factor": 1e9}})"),
        at + "`rope_scaling.factor` makes a context of more than 16777216 positions"
    );
    EXPECT_EQ(
        fault(R"({"rope_scaling": {"mrope_section": [1, 2]}})"),
        at + "`rope_scaling.mrope_section` is not known here"
    );
    EXPECT_EQ(
        fault(R"({"rope_scaling": {"type": "default"}, "rope_parameters": {"rope_type": "yarn"}})"),
        at + "`rope_scaling` and `rope_parameters` say different things"
    );
    EXPECT_EQ(
        fault(R"({"rope_parameters": {"rope_theta": 10000}})"),
        at + "`rope_parameters.rope_theta` and `rope_theta` outside of it differ"
    );
}

}  // namespace
}  // namespace penstock::worker
