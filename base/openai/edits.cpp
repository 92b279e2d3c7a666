// From facts and wishes to the few bytes that change on the way upstream.
#include "penstock/openai/edits.hpp"

#include "json_text.hpp"

#include <algorithm>

namespace penstock::openai {
namespace {

// The member that carries a maximum when the client gave none; empty where answers have no length.
std::string_view max_tokens_name(dialect spoken) noexcept {
    switch (spoken) {
        case dialect::chat:
        case dialect::completions:
        case dialect::fim:
        case dialect::messages:
            return "max_tokens";
        case dialect::responses:
            return "max_output_tokens";
        default:
            return {};
    }
}

class edit_list {
 public:
    explicit edit_list(const request_facts& facts) : facts_(facts) {
        for (const member& extra : facts.strip)
            replace(extra.whole, {});
    }

    void model(std::string_view name);
    void max_tokens(std::uint64_t cap);
    void usage();
    std::vector<edit> finish();

 private:
    void replace(byte_range where, std::string text) {
        edits_.push_back({where.begin, where.end, std::move(text)});
    }
    void insert_member(std::string_view name, std::string_view value) {
        if (!inserted_.empty()) inserted_ += ',';
        append_json_string(inserted_, name);
        inserted_ += ':';
        inserted_ += value;
    }

    const request_facts& facts_;
    std::vector<edit> edits_;
    std::string inserted_;  // members, or a part, that go to object_begin
};

void edit_list::model(std::string_view name) {
    const bool multipart = facts_.body == body_kind::multipart;
    std::string value;
    if (multipart)
        value = name;
    else
        append_json_string(value, name);

    if (facts_.model_value.present()) {
        if (name != facts_.model) replace(facts_.model_value, std::move(value));
    } else if (multipart) {
        inserted_ = "--" + facts_.boundary +
                    "\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n" + value + "\r\n";
    } else {
        insert_member("model", value);
    }
}

void edit_list::max_tokens(std::uint64_t cap) {
    const std::string value = std::to_string(cap);
    for (std::size_t i = 0; i < facts_.max_tokens_values.size(); ++i)
        if (facts_.max_tokens_said[i] > cap) replace(facts_.max_tokens_values[i], value);
    if (facts_.max_tokens) return;
    const std::string_view name = max_tokens_name(facts_.spoken);
    if (name.empty()) return;
    if (facts_.max_tokens_null.present())
        replace(facts_.max_tokens_null, value);
    else
        insert_member(name, value);
}

void edit_list::usage() {
    constexpr std::string_view asked = R"("include_usage":true)";
    if (facts_.include_usage == true) return;
    const byte_range& options = facts_.stream_options;
    if (facts_.include_usage_value.present())
        replace(facts_.include_usage_value, "true");
    else if (!options.present())
        insert_member("stream_options", "{" + std::string(asked) + "}");
    else if (facts_.stream_options_filled)
        replace({options.begin + 1, options.begin + 1}, std::string(asked) + ",");
    else
        replace(options, "{" + std::string(asked) + "}");
}

std::vector<edit> edit_list::finish() {
    const bool members_stay = facts_.num_members > facts_.strip.size();
    if (!inserted_.empty()) {
        if (facts_.body == body_kind::json && members_stay) inserted_ += ',';
        edits_.insert(
            edits_.begin(), {facts_.object_begin, facts_.object_begin, std::move(inserted_)}
        );
    }
    // Where one is inserted and one cut out at the same place, the insertion comes first.
    std::sort(edits_.begin(), edits_.end(), [](const edit& a, const edit& b) {
        return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
    });
    return std::move(edits_);
}

}  // namespace

std::vector<edit> edits_for(const request_facts& facts, const edit_wishes& wishes) {
    edit_list edits(facts);
    if (!wishes.upstream_model.empty()) edits.model(wishes.upstream_model);
    if (facts.body == body_kind::json) {
        if (wishes.clamp_max_tokens) edits.max_tokens(*wishes.clamp_max_tokens);
        if (wishes.inject_usage) edits.usage();
    }
    return edits.finish();
}

void pieces_of(
    std::string_view original, const std::vector<edit>& edits, std::vector<std::string_view>& out
) {
    const auto add = [&](std::string_view piece) {
        if (!piece.empty()) out.push_back(piece);
    };
    std::size_t at = 0;
    for (const edit& each : edits) {
        add(original.substr(at, each.begin - at));
        add(each.text);
        at = each.end;
    }
    add(original.substr(at));
}

std::uint64_t edited_size(std::string_view original, const std::vector<edit>& edits) noexcept {
    std::uint64_t size = original.size();
    for (const edit& each : edits)
        size += each.text.size() - (each.end - each.begin);
    return size;
}

}  // namespace penstock::openai
