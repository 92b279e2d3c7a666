// No bytes make a trace whose requests are out of order, out of bounds or of a tenant that is not
// there; and a mistake always says its line.
#include "fuzz/property.hpp"
#include "simulator/trace.hpp"

#include <cctype>

namespace penstock::simulator {
namespace {

void check(std::string_view text) {
    const auto lines = read_trace(text);
    if (lines.has_error()) {
        ALWAYS(std::isdigit(static_cast<unsigned char>(lines.error().detail.front())));
        return;
    }
    const auto made = trace_of(lines.value());
    if (made.has_error()) return;
    const trace& t = made.value();
    ALWAYS(t.requests.size() + t.left_out == lines.value().size());
    time_point before{};
    for (const request& each : t.requests) {
        ALWAYS(each.arrived >= before);
        ALWAYS(each.tenant < t.tenants.size());
        ALWAYS(each.prompt >= 1 && each.prompt <= trace_tokens_max);
        ALWAYS(each.output >= 1 && each.output <= trace_tokens_max);
        before = each.arrived;
    }
    ALWAYS(t.requests.empty() || t.requests.front().arrived == time_point{});
}

}  // namespace
}  // namespace penstock::simulator

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    penstock::simulator::check({reinterpret_cast<const char*>(data), size});
    return 0;
}
