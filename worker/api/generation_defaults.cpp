// generation_config.json, and the ends of answers.
#include "worker/api/generation_defaults.hpp"

#include "worker/api/fields.hpp"
#include "worker/api/read_json.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <limits>

namespace penstock::worker {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

constexpr std::uintmax_t file_bytes_max = 64 * 1024 * 1024;
constexpr std::size_t depth_max = 64;

error wrong(const fs::path& file, const std::string& what) {
    return {errc::invalid_value, file.filename().string() + ": " + what};
}

// An empty object where there is no such file.
result<json::object> read_file(const fs::path& file) {
    std::error_code failed;
    if (!fs::exists(file, failed)) return json::object();
    const auto size = fs::file_size(file, failed);
    if (failed) return wrong(file, "cannot be read: " + failed.message());
    if (size > file_bytes_max)
        return wrong(file, "has more than " + std::to_string(file_bytes_max) + " bytes");
    std::ifstream in(file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (!in.is_open() || in.bad()) return wrong(file, "cannot be read");
    auto parsed = read_json(text, depth_max);
    if (parsed.has_error() && parsed.error().code == errc::json_too_deep)
        return wrong(file, "is nested deeper than " + std::to_string(depth_max) + " levels");
    if (parsed.has_error()) return wrong(file, "is not valid JSON: " + parsed.error().detail);
    json::value whole = std::move(parsed).value();
    if (!whole.is_object())
        return wrong(file, "must hold a JSON object, not " + std::string(kind_of(whole)));
    return std::move(whole.get_object());
}

void read_sampling(field_reader& file, sampling_params& out) {
    const auto read = [&](std::string_view name, double least, double most, float& into) {
        if (const auto value = file.number(name, least, most)) into = static_cast<float>(*value);
    };
    read("temperature", 0, 2, out.temperature);
    read("top_p", 1e-6, 1, out.top_p);
    read("min_p", 0, 1, out.min_p);
    read("repetition_penalty", 0.01, 10, out.repetition_penalty);
    constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
    if (const auto top_k = file.integer("top_k", -1, most))
        out.top_k = static_cast<std::uint32_t>(std::max<std::int64_t>(*top_k, 0));
}

// One id, or a list of ids.
void read_end_ids(field_reader& file, std::vector<token_id>& out) {
    constexpr std::int64_t most = std::numeric_limits<token_id>::max();
    const json::value* ids = file.find("eos_token_id");
    if (!ids) return;
    if (ids->is_number()) {
        if (const auto id = file.integer("eos_token_id", 0, most))
            out.push_back(static_cast<token_id>(*id));
        return;
    }
    if (!ids->is_array())
        return file.refuse_type("eos_token_id", "a token id or an array of token ids");
    const json::array& list = ids->get_array();
    for (std::size_t i = 0; i < list.size(); ++i) {
        const auto* id = list[i].if_int64();
        if (!id || *id < 0 || *id > most)
            return file.refuse(
                errc::invalid_value,
                "eos_token_id",
                "'eos_token_id[" + std::to_string(i) + "]' must be a token id, not " +
                    json::serialize(list[i]) + "."
            );
        out.push_back(static_cast<token_id>(*id));
    }
}

// `eos_token` is a text, or an added token as an object with its `content`.
void read_end_text(field_reader& file, const tokenizer& tokens, std::vector<token_id>& out) {
    const json::value* end = file.find("eos_token");
    if (!end) return;
    const json::value* text = end->is_object() ? end->get_object().if_contains("content") : end;
    if (!text || !text->is_string())
        return file.refuse_type("eos_token", "a string, or an object with the string `content`");
    if (const auto id = tokens.find(text->get_string())) out.push_back(*id);
}

}  // namespace

result<generation_defaults> load_generation_defaults(
    const fs::path& folder, const tokenizer& tokens
) {
    generation_defaults out;
    for (const char* name : {"config.json", "generation_config.json", "tokenizer_config.json"}) {
        const fs::path file = folder / name;
        TRY(const json::object read, read_file(file));
        first_fault fault;
        field_reader reader(read, fault);
        read_end_ids(reader, out.stop_ids);
        read_end_text(reader, tokens, out.stop_ids);
        if (name == std::string_view("generation_config.json")) read_sampling(reader, out.sampling);
        if (fault) return wrong(file, fault->message);
    }
    std::sort(out.stop_ids.begin(), out.stop_ids.end());
    out.stop_ids.erase(std::unique(out.stop_ids.begin(), out.stop_ids.end()), out.stop_ids.end());
    // Ids without a token are never chosen: nothing can end with them.
    std::erase_if(out.stop_ids, [&](token_id id) {
        return static_cast<std::uint32_t>(id) >= tokens.size();
    });
    return out;
}

}  // namespace penstock::worker
