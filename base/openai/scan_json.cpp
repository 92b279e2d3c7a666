// One pass over a request body: what its top-level members say.
#include "body_scan.hpp"
#include "json_text.hpp"

#include <simdjson.h>

#include <limits>

namespace penstock::openai {
namespace {

constexpr std::size_t model_bytes_max = 512;

work_kind work_of(dialect spoken) noexcept {
    switch (spoken) {
        case dialect::chat:
        case dialect::completions:
        case dialect::fim:
        case dialect::responses:
        case dialect::messages:
            return work_kind::generative;
        case dialect::none:
            return work_kind::none;
        default:
            return work_kind::one_shot;
    }
}

std::string_view text_of(json_fault fault) noexcept {
    switch (fault) {
        case json_fault::incomplete:
            return "it ends too early, at byte ";
        case json_fault::control:
            return "a control character stands in a string at byte ";
        case json_fault::escape:
            return "there is no such escape at byte ";
        case json_fault::surrogate:
            return "half of a surrogate pair ends at byte ";
        case json_fault::big_integer:
            return "an integer beyond 64 bits ends at byte ";
        case json_fault::big_double:
            return "a number beyond a 64-bit float ends at byte ";
        case json_fault::trailing:
            return "something follows its end at byte ";
        case json_fault::depth:
        case json_fault::unexpected:
        case json_fault::none:
            break;
    }
    return "unexpected character at byte ";
}

refusal invalid(std::string_view what) {
    return {errc::invalid_json, "The request's body is not valid JSON: " + std::string(what)};
}

}  // namespace

stage_result<request_facts> scan_json(
    std::string_view body, dialect spoken, bool model_from_path, const scan_limits& limits
) {
    if (body.empty())
        return refusal(
            errc::invalid_json, "The request's body is empty; it must be a JSON object."
        );
    if (body.size() >= std::numeric_limits<std::uint32_t>::max())
        return refusal(errc::body_too_large);
    const bool ascii = is_ascii(body);
    if (!ascii && !simdjson::validate_utf8(body.data(), body.size()))
        return invalid("it is not UTF-8.");
    return body_scan(body, ascii, spoken, limits).run(model_from_path);
}

body_scan::body_scan(std::string_view body, bool ascii, dialect spoken, const scan_limits& limits)
    : ascii_(ascii), cursor_(body, limits.depth), limits_(limits) {
    facts_.spoken = spoken;
    facts_.work = work_of(spoken);
}

stage_result<request_facts> body_scan::run(bool model_from_path) {
    const json_type type = cursor_.peek();
    if (type != json_type::object) {
        if (type == json_type::none || !cursor_.skip()) return why();
        return refusal(errc::invalid_json, "The request's body must be a JSON object.");
    }
    facts_.object_begin = cursor_.offset() + 1;
    if (!cursor_.members([this](const json_string& key) { return member(key); })) return why();
    if (!cursor_.finish()) return why();

    const auto missing = [](std::string_view field) {
        return refusal(
            errc::missing_field, "'" + std::string(field) + "' is required.", std::string(field)
        );
    };
    if (!model_from_path && !facts_.model_value.present()) return missing("model");
    for (std::string_view field : required_fields(facts_.spoken))
        if (!field.empty() && (given_ >> find_field(field) & 1) == 0) return missing(field);
    finish_facts();
    return std::move(facts_);
}

void body_scan::finish_facts() {
    facts_.object_empty = facts_.num_members == 0;
    if (facts_.session_hash == 0) facts_.session_hash = cache_key_hash_;
    facts_.prefix_hash = hash_of({prefix_.data(), prefix_size_});
}

bool body_scan::member(const json_string& key) {
    if (facts_.num_members++ == limits_.members)
        return refuse(errc::invalid_value, {}, "The request's body has too many members.");
    if (strip_takes_comma_) {
        facts_.strip.back().whole.end = cursor_.comma() + 1;
        strip_takes_comma_ = false;
    }
    const std::string_view name = name_of(key);
    const int found = find_field(name);
    if (found < 0) {
        kept_member_ = true;
        return cursor_.skip();
    }
    const field_row& row = field_at(found);
    const std::uint64_t bit = std::uint64_t{1} << found;
    if (key.escaped()) return refuse(errc::ambiguous_field, row.name, "must be spelled plainly.");
    if (seen_ & bit) return refuse(errc::ambiguous_field, row.name, "is given twice.");
    seen_ |= bit;

    // Taken before the value is read: its own commas come after.
    const std::uint32_t cut_begin = kept_member_ ? cursor_.comma() : key.begin - 1;
    const json_type type = cursor_.peek();
    const std::uint32_t begin = cursor_.offset();
    if (type == json_type::none) return cursor_.skip();
    if ((row.types & bit_of(type)) == 0)
        return refuse(errc::wrong_type, row.name, "must be " + std::string(row.expected) + ".");
    if (type != json_type::null) given_ |= bit;
    if (!read_field(row, type)) return false;
    if (row.strip)
        note_strip({begin, cursor_.offset()}, cut_begin);
    else
        kept_member_ = true;
    return true;
}

// Of neighbours that are cut out, those before the first kept member take the comma behind them and
// all others the comma before them, so that no two take the same.
void body_scan::note_strip(byte_range value, std::uint32_t cut_begin) {
    facts_.strip.push_back({value, {cut_begin, value.end}});
    strip_takes_comma_ = !kept_member_;
}

bool body_scan::read_field(const field_row& row, json_type type) {
    const std::uint32_t begin = cursor_.offset();
    const bool null = type == json_type::null;
    if (null && row.role == field_role::max_tokens && !facts_.max_tokens_null.present())
        facts_.max_tokens_null = {begin, begin + 4};
    if (null && row.role == field_role::stream_options) facts_.stream_options = {begin, begin + 4};
    if (null) return cursor_.skip();

    switch (row.role) {
        case field_role::model:
            return read_model();
        case field_role::stream:
            return cursor_.read(facts_.stream);
        case field_role::stream_options:
            return read_stream_options();
        case field_role::copies:
            return read_copies(row);
        case field_role::max_tokens:
            return read_max_tokens(row);
        case field_role::messages:
            return read_messages();
        case field_role::prompt:
            if (type != json_type::object) return read_inputs();
            if (facts_.spoken == dialect::responses) return read_content();
            return refuse(errc::wrong_type, row.name, "must be " + std::string(row.expected) + ".");
        case field_role::inputs:
            return read_inputs();
        case field_role::content:
            return read_content();
        case field_role::documents:
            return read_documents();
        case field_role::tools:
            return read_tools();
        case field_role::user:
            if (facts_.spoken == dialect::messages) return cursor_.skip();
            return read_hash(facts_.user_hash);
        case field_role::session:
            return read_hash(row.strip ? facts_.session_hash : cache_key_hash_);
        case field_role::metadata:
            if (facts_.spoken != dialect::messages || type != json_type::object)
                return cursor_.skip();
            return read_metadata();
        case field_role::extra:
            return cursor_.skip();
    }
    return cursor_.skip();
}

bool body_scan::read_model() {
    json_string value;
    if (!cursor_.read(value)) return false;
    facts_.model_value = {value.begin - 1, value.end + 1};
    if (value.size() == 0) return refuse(errc::invalid_value, "model", "must not be empty.");
    if (value.size() > model_bytes_max)
        return refuse(errc::invalid_value, "model", "is longer than any model's name.");
    facts_.model = decoded_string(cursor_.text(value));
    return true;
}

bool body_scan::read_stream_options() {
    const std::uint32_t begin = cursor_.offset();
    const bool whole = cursor_.members([this](const json_string& key) {
        facts_.stream_options_filled = true;
        if (name_of(key) != "include_usage") return cursor_.skip();
        if (key.escaped())
            return refuse(
                errc::ambiguous_field, "stream_options.include_usage", "must be spelled plainly."
            );
        return read_include_usage();
    });
    facts_.stream_options = {begin, cursor_.offset()};
    return whole;
}

bool body_scan::read_include_usage() {
    constexpr std::string_view field = "stream_options.include_usage";
    if (facts_.include_usage_value.present())
        return refuse(errc::ambiguous_field, field, "is given twice.");
    const json_type type = cursor_.peek();
    const std::uint32_t begin = cursor_.offset();
    bool value = false;
    if (type == json_type::boolean) {
        if (!cursor_.read(value)) return false;
        facts_.include_usage = value;
    } else if (type == json_type::null || type == json_type::none) {
        if (!cursor_.skip()) return false;
    } else {
        return refuse(errc::wrong_type, field, "must be true or false.");
    }
    facts_.include_usage_value = {begin, cursor_.offset()};
    return true;
}

bool body_scan::read_count(const field_row& row, std::uint64_t least, std::uint64_t& count) {
    json_number value;
    if (!cursor_.read(value)) return false;
    if (!value.integer)
        return refuse(errc::wrong_type, row.name, "must be " + std::string(row.expected) + ".");
    if ((value.negative && value.magnitude != 0) || value.magnitude < least)
        return refuse(
            errc::invalid_value, row.name, "must be at least " + std::to_string(least) + "."
        );
    count = value.magnitude;
    return true;
}

bool body_scan::read_copies(const field_row& row) {
    constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
    std::uint64_t count = 0;
    if (!read_count(row, 1, count)) return false;
    if (count > most) return refuse(errc::invalid_value, row.name, "is too large.");
    if (count > facts_.n) facts_.n = static_cast<std::uint32_t>(count);
    return true;
}

bool body_scan::read_max_tokens(const field_row& row) {
    const std::uint32_t begin = cursor_.offset();
    std::uint64_t count = 0;
    if (!read_count(row, 0, count)) return false;
    facts_.max_tokens_said[facts_.max_tokens_values.size()] = count;
    facts_.max_tokens_values.push_back({begin, cursor_.offset()});
    if (!facts_.max_tokens || count < *facts_.max_tokens) facts_.max_tokens = count;
    return true;
}

bool body_scan::read_metadata() {
    bool seen = false;
    return cursor_.members([&](const json_string& key) {
        constexpr std::string_view field = "metadata.user_id";
        if (name_of(key) != "user_id") return cursor_.skip();
        if (key.escaped()) return refuse(errc::ambiguous_field, field, "must be spelled plainly.");
        if (seen) return refuse(errc::ambiguous_field, field, "is given twice.");
        seen = true;
        const json_type type = cursor_.peek();
        if (type == json_type::null || type == json_type::none) return cursor_.skip();
        if (type != json_type::string) return refuse(errc::wrong_type, field, "must be a string.");
        return read_hash(facts_.user_hash);
    });
}

bool body_scan::read_hash(std::uint64_t& hash) {
    json_string value;
    if (!cursor_.read(value)) return false;
    const std::string_view raw = cursor_.text(value);
    hash = value.escaped() ? hash_of(decoded_string(raw)) : hash_of(raw);
    return true;
}

std::string_view body_scan::name_of(const json_string& key) {
    const std::string_view raw = cursor_.text(key);
    if (!key.escaped()) return raw;
    return {name_.data(), decode_string(raw, name_.data(), name_.size())};
}

bool body_scan::refuse(errc code, std::string_view field, std::string_view what) {
    std::string message = field.empty() ? std::string() : "'" + std::string(field) + "' ";
    message += what;
    refused_.emplace(code, std::move(message), std::string(field));
    return false;
}

refusal body_scan::why() const {
    if (refused_) return *refused_;
    if (cursor_.fault() == json_fault::depth) {
        return {
            errc::json_too_deep,
            "The request's JSON is nested more than " + std::to_string(limits_.depth) +
                " levels deep."
        };
    }
    return invalid(std::string(text_of(cursor_.fault())) + std::to_string(cursor_.offset()) + ".");
}

}  // namespace penstock::openai
