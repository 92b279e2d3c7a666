// Whatever an engine says, what is understood of it is a number that can be counted with, and a
// line that nobody knows changes nothing.
#include "fuzz/property.hpp"
#include "penstock/observe/engine_metrics.hpp"

#include <cmath>
#include <string>

namespace penstock::observe {
namespace {

bool is_usable(double number, double most) {
    return number == -1 || (std::isfinite(number) && number >= 0 && number <= most);
}

bool same(const fact::scraped& a, const fact::scraped& b) {
    return a.running == b.running && a.waiting == b.waiting && a.kv_used == b.kv_used &&
           a.preemptions == b.preemptions && a.kv_tokens == b.kv_tokens;
}

void check(std::string_view text) {
    const fact::scraped got = read_engine_metrics(text);
    constexpr double most = 1e24;
    ALWAYS(is_usable(got.running, most) && is_usable(got.waiting, most));
    ALWAYS(is_usable(got.kv_used, 1));
    ALWAYS(is_usable(got.preemptions, most) && is_usable(got.kv_tokens, most));
    ALWAYS(got.max_running == -1);
    const std::string more = "unknown{a=\"b\"} 1\n" + std::string(text) + "\nunknown 2";
    ALWAYS(same(read_engine_metrics(more), got));
}

}  // namespace
}  // namespace penstock::observe

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    penstock::observe::check({reinterpret_cast<const char*>(data), size});
    return 0;
}
