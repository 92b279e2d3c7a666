// config.json of a decoder, field by field.
#include "worker/models/decoder_config.hpp"

#include "worker/models/config_fields.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace penstock::worker {

namespace {

constexpr std::uint32_t width_max = 1u << 20;
constexpr std::uint32_t layers_max = 1024;
constexpr std::uint32_t head_dim_max = 1024;
constexpr std::uint32_t vocabulary_max = 1u << 24;
constexpr std::uint32_t positions_max = 1u << 24;  // fp32 holds every whole number up to here

constexpr std::array<std::string_view, 12> rotation_names = {
    "type",
    "rope_type",
    "rope_theta",
    "factor",
    "original_max_position_embeddings",
    "beta_fast",
    "beta_slow",
    "mscale",
    "mscale_all_dim",
    "attention_factor",
    "truncate",
    "partial_rotary_factor",
};

// What would change every result, and is not done.
result<void> check_unsupported(const config_fields& fields) {
    TRY(const std::optional<std::string> activation, fields.text("hidden_act"));
    if (activation && *activation != "silu")
        return fields.must("hidden_act", "\"silu\", the only activation that is done here");
    TRY(const bool windows, fields.flag_or("use_sliding_window", false));
    if (windows)
        return fields.refuse(
            "use_sliding_window", "is true: attention over a window of positions is not supported"
        );
    if (const boost::json::value* types = fields.find("layer_types")) {
        if (!types->is_array()) return fields.must("layer_types", "a list");
        for (const boost::json::value& type : types->get_array())
            if (!type.is_string() || type.get_string() != "full_attention")
                return fields.refuse(
                    "layer_types",
                    "must say \"full_attention\" of every layer: nothing else is "
                    "supported"
                );
    }
    TRY(const bool biases, fields.flag_or("attention_bias", false));
    if (biases)
        return fields.refuse("attention_bias", "is true: biases of this family are not supported");
    if (fields.has("quantization_config"))
        return fields.refuse(
            "quantization_config",
            "is set: quantised weights are not supported, only F32, BF16 "
            "and F16"
        );
    return success();
}

result<yarn_config> parse_yarn(const config_fields& fields, std::uint32_t trained_positions) {
    yarn_config yarn;
    TRY(const std::optional<double> factor, fields.number("factor"));
    if (!factor || *factor < 1) return fields.must("factor", "a number of at least 1");
    yarn.factor = *factor;
    TRY(yarn.original_positions,
        fields.whole_or("original_max_position_embeddings", {1, positions_max}, trained_positions));
    TRY(yarn.beta_fast, fields.positive_or("beta_fast", yarn.beta_fast));
    TRY(yarn.beta_slow, fields.positive_or("beta_slow", yarn.beta_slow));
    TRY(yarn.attention_factor, fields.number("attention_factor"));
    if (yarn.attention_factor && *yarn.attention_factor <= 0)
        return fields.must("attention_factor", "a number above 0");
    TRY(yarn.mscale, fields.number("mscale"));
    TRY(yarn.mscale_all_dim, fields.number("mscale_all_dim"));
    TRY(yarn.truncate, fields.flag_or("truncate", true));
    if (yarn.original_positions * yarn.factor > positions_max)
        return fields.refuse(
            "factor", "makes a context of more than " + std::to_string(positions_max) + " positions"
        );
    return yarn;
}

result<std::string> rotation_type(const config_fields& fields) {
    TRY(const std::optional<std::string> older, fields.text("type"));
    TRY(const std::optional<std::string> newer, fields.text("rope_type"));
    if (older && newer && *older != *newer)
        return fields.refuse("type", "and `rope_type` say different things");
    return newer ? *newer : older.value_or("default");
}

// `rope_scaling`, or `rope_parameters` as transformers 5 calls it.
result<rotation_config> parse_rotations(
    const boost::json::object& config, std::uint32_t trained_positions
) {
    const config_fields top(config);
    rotation_config made;
    TRY(const std::optional<double> top_base, top.number("rope_theta"));
    TRY(const boost::json::object* older, top.object("rope_scaling"));
    TRY(const boost::json::object* newer, top.object("rope_parameters"));
    if (older && newer && *older != *newer)
        return top.refuse("rope_scaling", "and `rope_parameters` say different things");
    const boost::json::object nothing;
    const boost::json::object& inner = newer ? *newer : older ? *older : nothing;
    const config_fields fields(inner, newer ? "rope_parameters." : "rope_scaling.");
    for (const auto& [key, value] : inner)
        if (std::ranges::find(rotation_names, std::string_view(key)) == rotation_names.end())
            return fields.refuse(std::string_view(key), "is not known here");

    TRY(const std::optional<double> inner_base, fields.number("rope_theta"));
    if (top_base && inner_base && *top_base != *inner_base)
        return fields.refuse("rope_theta", "and `rope_theta` outside of it differ");
    made.base = inner_base.value_or(top_base.value_or(made.base));
    if (made.base <= 1) return (inner_base ? fields : top).must("rope_theta", "a number above 1");
    for (const config_fields* at : {&top, &fields}) {
        TRY(const double share, at->positive_or("partial_rotary_factor", 1));
        if (share != 1)
            return at->must("partial_rotary_factor", "1: rotating a part is not supported");
    }
    TRY(const std::string type, rotation_type(fields));
    if (type == "yarn") {
        TRY(made.yarn, parse_yarn(fields, trained_positions));
    } else if (type != "default") {
        return fields.must(
            fields.has("rope_type") ? "rope_type" : "type", "\"default\" or \"yarn\""
        );
    }
    return made;
}

result<void> parse_heads(const config_fields& fields, decoder_config& made) {
    TRY(made.num_heads, fields.needed_whole("num_attention_heads", {1, width_max}));
    TRY(made.num_kv_heads, fields.whole_or("num_key_value_heads", {1, width_max}, made.num_heads));
    if (made.num_heads % made.num_kv_heads != 0)
        return fields.must(
            "num_key_value_heads",
            "a divisor of `num_attention_heads`, " + std::to_string(made.num_heads)
        );
    std::uint32_t otherwise = made.family.default_head_dim;
    if (otherwise == 0) {
        if (made.hidden % made.num_heads != 0 && !fields.has("head_dim"))
            return fields.must("hidden_size", "a multiple of `num_attention_heads`");
        otherwise = made.hidden / made.num_heads;
    }
    TRY(made.head_dim, fields.whole_or("head_dim", {2, head_dim_max}, otherwise));
    if (made.head_dim % 2 != 0 || made.head_dim == 0 || made.head_dim > head_dim_max)
        return fields.refuse(
            "head_dim",
            "is " + std::to_string(made.head_dim) + "; it must be even and at most " +
                std::to_string(head_dim_max)
        );
    if (std::uint64_t(made.num_heads) * made.head_dim > width_max)
        return fields.refuse(
            "num_attention_heads", "times `head_dim` is more than " + std::to_string(width_max)
        );
    return success();
}

}  // namespace

result<decoder_config> parse_decoder_config(
    const boost::json::object& config, const decoder_family& family
) {
    const config_fields fields(config);
    CHECK(check_unsupported(fields));
    decoder_config made;
    made.family = family;
    TRY(made.hidden, fields.needed_whole("hidden_size", {1, width_max}));
    TRY(made.intermediate, fields.needed_whole("intermediate_size", {1, width_max}));
    TRY(made.num_layers, fields.needed_whole("num_hidden_layers", {1, layers_max}));
    TRY(made.vocabulary, fields.needed_whole("vocab_size", {1, vocabulary_max}));
    CHECK(parse_heads(fields, made));
    TRY(made.max_positions, fields.needed_whole("max_position_embeddings", {1, positions_max}));
    TRY(made.rotations, parse_rotations(config, made.max_positions));
    // Never a multiple of max_position_embeddings, which some configurations have scaled already.
    if (const auto& yarn = made.rotations.yarn)
        made.max_positions =
            static_cast<std::uint32_t>(std::floor(yarn->original_positions * yarn->factor));
    TRY(const double epsilon, fields.positive_or("rms_norm_eps", 1e-6));
    made.rms_epsilon = static_cast<float>(epsilon);
    TRY(made.tied, fields.flag_or("tie_word_embeddings", false));
    return made;
}

}  // namespace penstock::worker
