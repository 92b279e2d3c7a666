// Any body is accepted only when simdjson accepts it too, every range that the scan reports lies in
// it, and what its edits make of it is JSON again, with the same members but for those wished for.
// The first byte of an input chooses dialect and wishes; the rest is the body.
#include "fuzz/property.hpp"
#include "penstock/openai/edits.hpp"

#include <simdjson.h>

#include <string>

namespace penstock::openai {
namespace {

void check_range(byte_range where, std::string_view body) {
    ALWAYS(where.begin <= where.end && where.end <= body.size());
}

void check_ranges(const request_facts& facts, std::string_view body) {
    for (byte_range where :
         {facts.model_value, facts.stream_options, facts.include_usage_value, facts.max_tokens_null
         })
        check_range(where, body);
    for (byte_range where : facts.max_tokens_values)
        check_range(where, body);
    for (const member& each : facts.strip) {
        check_range(each.value, body);
        check_range(each.whole, body);
        ALWAYS(each.whole.begin <= each.value.begin && each.value.end <= each.whole.end);
    }
    ALWAYS(facts.max_tokens_values.size() <= facts.max_tokens_said.size());
    ALWAYS(facts.object_begin <= body.size());
    ALWAYS(facts.text.total() <= body.size());
}

std::string joined(std::string_view body, const std::vector<edit>& edits) {
    std::uint32_t last = 0;
    for (const edit& each : edits) {
        ALWAYS(last <= each.begin && each.begin <= each.end && each.end <= body.size());
        last = each.end;
    }
    std::vector<std::string_view> pieces;
    pieces_of(body, edits, pieces);
    std::string out;
    for (std::string_view piece : pieces)
        out += piece;
    ALWAYS(out.size() == edited_size(body, edits));
    return out;
}

void check_edits(
    const request_facts& facts, std::string_view body, const edit_wishes& wishes, dialect spoken
) {
    const std::string upstream = joined(body, edits_for(facts, wishes));
    const auto again = scan_json(upstream, spoken, true, {});
    // Three more members may be one too many for the limit.
    if (facts.num_members > 1000) return;
    ALWAYS(again.has_value());
    ALWAYS(again.value().strip.empty());
    ALWAYS(again.value().model == (wishes.upstream_model.empty() ? facts.model : "up\"stream"));
    ALWAYS(again.value().prefix_hash == facts.prefix_hash);
    if (wishes.inject_usage) ALWAYS(again.value().include_usage == true);
    if (wishes.clamp_max_tokens)
        for (std::uint64_t said : again.value().max_tokens_said)
            ALWAYS(said <= 100);
    static simdjson::dom::parser oracle;
    ALWAYS(oracle.parse(simdjson::padded_string(upstream)).error() == simdjson::SUCCESS);
    ALWAYS(joined(upstream, edits_for(again.value(), wishes)) == upstream);
}

void check(std::uint8_t choice, std::string_view body) {
    const auto spoken = static_cast<dialect>(choice % num_dialects);
    const auto facts = scan_json(body, spoken, true, {});
    static simdjson::dom::parser oracle;
    const bool valid = oracle.parse(simdjson::padded_string(body)).error() == simdjson::SUCCESS;
    if (facts.has_error()) {
        ALWAYS(!facts.error().message.empty());
        return;
    }
    ALWAYS(valid);
    check_ranges(facts.value(), body);
    edit_wishes wishes;
    if (choice & 0x10) wishes.upstream_model = "up\"stream";
    if (choice & 0x20) wishes.clamp_max_tokens = 100;
    wishes.inject_usage = (choice & 0x40) != 0;
    check_edits(facts.value(), body, wishes, spoken);
}

// The verdict on plain JSON, with no field in the way of it.
void check_verdict(std::string_view body) {
    const auto facts =
        scan_json(body, dialect::tokenize, true, {.depth = 200, .members = 1u << 30});
    if (facts.has_value() || facts.error().code != errc::invalid_json) return;
    const std::size_t first = body.find_first_not_of(" \t\r\n");
    const bool object = first != body.npos && body[first] == '{';
    // simdjson lets a lone low surrogate pass.
    if (!object || facts.error().message.find("surrogate") != std::string::npos) return;
    static simdjson::dom::parser oracle;
    ALWAYS(oracle.parse(simdjson::padded_string(body)).error() != simdjson::SUCCESS);
}

}  // namespace
}  // namespace penstock::openai

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
    penstock::openai::check(data[0], body);
    penstock::openai::check_verdict(body);
    return 0;
}
