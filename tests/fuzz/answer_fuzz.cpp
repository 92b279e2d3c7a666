// Any answer of an upstream is watched without harm, and its usage does not depend on how its bytes
// were cut. The first byte chooses the dialect.
#include "fuzz/property.hpp"
#include "penstock/openai/answer.hpp"

#include <string>

namespace penstock::openai {
namespace {

bool same(const usage& a, const usage& b) {
    return a.known == b.known && a.prompt == b.prompt && a.output == b.output &&
           a.cached == b.cached;
}

void check_watch(dialect spoken, std::string_view answer) {
    answer_watch whole(spoken), pieces(spoken);
    whole.feed(answer);
    piece_sizes next(answer);
    for (std::size_t at = 0; at < answer.size();) {
        const std::string piece(answer.substr(at, next()));
        pieces.feed(piece);
        at += piece.size();
    }
    ALWAYS(same(whole.found(), pieces.found()));
}

void check_event(dialect spoken, std::string_view event) {
    usage used, again;
    const auto first = read_event(spoken, event, used);
    ALWAYS(read_event(spoken, event, again).what == first.what);
    ALWAYS(same(used, again));
    if (spoken == dialect::chat && first.what == event_facts::kind::comment) ALWAYS(!used.known);
    (void)cannot_be_usage_only(event);
}

}  // namespace
}  // namespace penstock::openai

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace penstock::openai;
    if (size == 0) return 0;
    const auto spoken = static_cast<dialect>(data[0] % num_dialects);
    const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
    check_watch(spoken, text);
    check_event(spoken, text);
    return 0;
}
