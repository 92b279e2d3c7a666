// Where a mistake stands, and how it is printed.
#include "gateway/settings/mistake.hpp"

#include <algorithm>
#include <tuple>

namespace penstock::settings {

namespace {

// "a.b[0].c" -> "a.b[0]" -> "a.b" -> "a" -> "".
std::string_view holder_of(std::string_view path) {
    const std::size_t cut = path.find_last_of(".[");
    return cut == std::string_view::npos ? std::string_view{} : path.substr(0, cut);
}

}  // namespace

std::string to_text(std::string_view file, std::vector<mistake> mistakes) {
    std::stable_sort(mistakes.begin(), mistakes.end(), [](const mistake& a, const mistake& b) {
        return std::tie(a.line, a.column) < std::tie(b.line, b.column);
    });
    std::string text;
    for (const mistake& each : mistakes) {
        text += file;
        if (each.line > 0)
            text += ':' + std::to_string(each.line) + ':' + std::to_string(each.column);
        text += ": ";
        if (!each.path.empty()) text += each.path + ": ";
        text += each.message + '\n';
    }
    return text;
}

void findings::wrote(const std::string& path, position at) {
    written_.emplace(path, at);
}

void findings::misread(position at, const std::string& path, std::string message) {
    misread_.insert(path);
    mistakes_.push_back({at.line, at.column, path, std::move(message)});
}

void findings::fault(const std::string& path, std::string message) {
    if (was_misread(path)) return;
    const position at = find(path);
    mistakes_.push_back({at.line, at.column, path, std::move(message)});
}

void findings::warn(const std::string& path, const std::string& message) {
    warnings_.push_back(path.empty() ? message : path + ": " + message);
}

bool findings::was_misread(std::string_view path) const {
    for (; !path.empty(); path = holder_of(path))
        if (misread_.contains(std::string(path))) return true;
    return false;
}

position findings::find(std::string_view path) const {
    for (; !path.empty(); path = holder_of(path))
        if (const auto found = written_.find(std::string(path)); found != written_.end())
            return found->second;
    return {};
}

}  // namespace penstock::settings
