// Any template over a conversation ends within its limits, and its ranges are those of its text.
// The input is a template; behind a NUL byte may stand the values, as JSON.
#include "fuzz/property.hpp"
#include "worker/text/jinja/program.hpp"

namespace penstock::worker {
namespace {

constexpr std::string_view conversation = R"({"messages": [{"role": "user", "content": "ü <|x|>"},
    {"role": "assistant", "content": null, "tool_calls": [{"function": {"name": "f",
    "arguments": {"a": [1, 2.5, null, true]}}}]}], "tools": [{"type": "function"}], "s": " a,B\n",
    "n": 7, "f": -0.5, "b": false, "d": {"k": "v"}, "l": [3, "x", [1]], "none": null})";

boost::json::object values_of(std::string_view text) {
    boost::system::error_code failed;
    boost::json::value read = boost::json::parse(text, failed);
    if (failed || !read.is_object()) return boost::json::parse(conversation).as_object();
    return std::move(read).as_object();
}

void check_ranges(const jinja::text& text) {
    std::size_t at = 0;
    bool is_first = true;
    for (const user_range& range : text.users) {
        ALWAYS(is_first ? range.begin >= at : range.begin > at);
        ALWAYS(range.end > range.begin && range.end <= text.size());
        at = range.end;
        is_first = false;
    }
}

void check(std::string_view input) {
    const std::size_t end = std::min(input.find('\0'), input.size());
    const jinja::limits most{.output_bytes = 64 * 1024, .steps = 50'000, .depth = 64};
    const auto parsed = jinja::program::parse(input.substr(0, end), {{"bos_token", "<s>"}}, most);
    if (parsed.has_error()) {
        ALWAYS(parsed.error().detail.starts_with("line "));
        return;
    }
    const auto values = values_of(input.substr(std::min(end + 1, input.size())));
    const auto once = parsed.value().render(values, {});
    const auto again = parsed.value().render(values, {});
    ALWAYS(once.has_value() == again.has_value());
    if (once.has_error()) return;
    ALWAYS(once.value().bytes == again.value().bytes);
    ALWAYS(once.value().size() <= most.output_bytes);
    check_ranges(once.value());
}

}  // namespace
}  // namespace penstock::worker

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    penstock::worker::check({reinterpret_cast<const char*>(data), size});
    return 0;
}
