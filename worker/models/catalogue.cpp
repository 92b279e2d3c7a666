// The table of model families, and the way from a folder to a model.
#include "worker/models/catalogue.hpp"

#include "worker/models/config_fields.hpp"
#include "worker/models/decoder.hpp"
#include "worker/weights/json_file.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <array>

namespace penstock::worker {

namespace {

struct model_row {
    std::string_view architecture;  // as config.json names it
    decoder_family family;
};

constexpr std::array models = {
    model_row{"Qwen2ForCausalLM", {.qkv_bias = true}},
    model_row{"Qwen3ForCausalLM", {.head_norms = true, .default_head_dim = 128}},
};

result<const model_row*> find_row(const boost::json::object& config) {
    const config_fields fields(config);
    const boost::json::value* list = fields.find("architectures");
    const bool is_list = list && list->is_array() && list->get_array().size() == 1 &&
                         list->get_array()[0].is_string();
    if (!is_list) return fields.must("architectures", "a list of one name");
    const std::string_view name = list->get_array()[0].get_string();
    const auto found = std::ranges::find(models, name, &model_row::architecture);
    if (found == models.end()) {
        constexpr std::size_t shown = 100;
        return error(
            errc::invalid_value,
            "the architecture '" + std::string(name.substr(0, shown)) +
                "' is not supported; supported are " + supported_architectures()
        );
    }
    return &*found;
}

}  // namespace

std::string supported_architectures() {
    std::string names;
    for (const model_row& row : models)
        names += (names.empty() ? "" : ", ") + std::string(row.architecture);
    return names;
}

result<std::unique_ptr<language_model>> load_model(
    const std::filesystem::path& folder,
    checkpoint& weights,
    backend& device,
    const load_options& options
) {
    TRY(const boost::json::object config, read_json_object(folder / "config.json"));
    TRY(const model_row* row, find_row(config));
    TRY(const decoder_config parsed, parse_decoder_config(config, row->family));
    if (options.max_positions > parsed.max_positions)
        return error(
            errc::invalid_value,
            "the model has " + std::to_string(parsed.max_positions) + " positions, " +
                std::to_string(options.max_positions) + " are asked for"
        );
    const std::uint32_t positions =
        options.max_positions != 0 ? options.max_positions : parsed.max_positions;
    TRY(decoder_weights loaded, load_decoder_weights(parsed, positions, weights, device));
    std::unique_ptr<language_model> made =
        std::make_unique<decoder>(parsed, positions, std::move(loaded), device);
    return made;
}

}  // namespace penstock::worker
