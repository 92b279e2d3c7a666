// Any form either is refused or has its model where the scan says, also after the model's edit. The
// boundary is the input's first line.
#include "fuzz/property.hpp"
#include "penstock/openai/edits.hpp"

#include <string>

namespace penstock::openai {
namespace {

void check(std::string_view input) {
    const std::size_t line = std::min(input.find('\n'), input.size());
    const std::string type = "multipart/form-data; boundary=" + std::string(input.substr(0, line));
    const std::string_view body = input.substr(std::min(line + 1, input.size()));
    const auto facts = scan_multipart(body, type, dialect::none, true);
    if (facts.has_error()) {
        ALWAYS(!facts.error().message.empty());
        return;
    }
    const byte_range where = facts.value().model_value;
    ALWAYS(where.begin <= where.end && where.end <= body.size());
    ALWAYS(body.substr(where.begin, where.size()) == facts.value().model);

    const auto edits = edits_for(facts.value(), {.upstream_model = "\x01model\x02"});
    std::vector<std::string_view> pieces;
    pieces_of(body, edits, pieces);
    std::string upstream;
    for (std::string_view piece : pieces)
        upstream += piece;
    ALWAYS(upstream.size() == edited_size(body, edits));
    const auto again = scan_multipart(upstream, type, dialect::none, true);
    if (again.has_error()) return;  // one part too many
    ALWAYS(again.value().model == "\x01model\x02");
    ALWAYS(again.value().stream == facts.value().stream);
}

}  // namespace
}  // namespace penstock::openai

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    penstock::openai::check({reinterpret_cast<const char*>(data), size});
    return 0;
}
