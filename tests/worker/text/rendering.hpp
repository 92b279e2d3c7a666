// Templates rendered in one line.
#pragma once

#include "worker/text/chat_template.hpp"
#include "worker/text/jinja/program.hpp"

#include <string>
#include <string_view>

namespace penstock::worker {

// The text, or "error: …".
inline std::string render(
    std::string_view source, std::string_view values = "{}", const jinja::limits& most = {}
) {
    const auto parsed = jinja::program::parse(source, {{"bos_token", "<s>"}}, most);
    if (parsed.has_error()) return "error: " + parsed.error().detail;
    const auto given = boost::json::parse(values).as_object();
    const auto rendered = parsed.value().render(given, {});
    if (rendered.has_error()) return "error: " + rendered.error().detail;
    return rendered.value().bytes;
}

// The text with the users' stretches in ‹…›.
inline std::string marked(const std::string& text, const std::vector<user_range>& users) {
    std::string out;
    std::size_t at = 0;
    for (const user_range& range : users) {
        out += text.substr(at, range.begin - at) + "‹";
        out += text.substr(range.begin, range.end - range.begin) + "›";
        at = range.end;
    }
    return out + text.substr(at);
}

inline std::string render_marked(std::string_view source, std::string_view values) {
    const auto parsed = jinja::program::parse(source, {{"bos_token", "<s>"}}, {});
    if (parsed.has_error()) return "error: " + parsed.error().detail;
    const auto rendered = parsed.value().render(boost::json::parse(values).as_object(), {});
    if (rendered.has_error()) return "error: " + rendered.error().detail;
    return marked(rendered.value().bytes, rendered.value().users);
}

}  // namespace penstock::worker
