// Environment variables and files as values.
#include "gateway/settings/substitute.hpp"

#include <cstdlib>
#include <fstream>
#include <system_error>

namespace penstock::settings {

namespace {

constexpr std::uintmax_t content_bytes_max = 1 << 20;

bool is_name(std::string_view name) {
    if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
    for (const char c : name)
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'
            ))
            return false;
    return true;
}

std::optional<std::string> look_up(const std::string& name, const load_options& options) {
    if (options.environment) return options.environment(name);
    const char* found = std::getenv(name.c_str());
    return found ? std::optional<std::string>(found) : std::nullopt;
}

}  // namespace

substituted expand(std::string_view text, const load_options& options) {
    substituted out;
    while (!text.empty()) {
        const std::size_t at = text.find("${");
        if (at != std::string_view::npos && at > 0 && text[at - 1] == '$') {
            out.text.append(text.substr(0, at - 1)).append("${");
            text.remove_prefix(at + 2);
            continue;
        }
        out.text += text.substr(0, at);
        if (at == std::string_view::npos) break;
        text.remove_prefix(at + 2);
        out.from_outside = true;
        const std::size_t end = text.find('}');
        const std::string name(text.substr(0, end));
        if (end == std::string_view::npos || !is_name(name)) {
            out.mistakes.emplace_back("`${` must begin ${NAME}; a literal one is written `$${`");
            break;
        }
        if (const auto found = look_up(name, options))
            out.text += *found;
        else
            out.mistakes.push_back("${" + name + "} is not set in the environment");
        text.remove_prefix(end + 1);
    }
    return out;
}

substituted content_of(const std::filesystem::path& file) {
    substituted out;
    out.from_outside = true;
    std::error_code code;
    const auto fail = [&](const std::string& why) {
        out.mistakes.push_back("the file " + file.string() + " " + why);
        return out;
    };
    // Secrets are mounted as plain files and links to them; a pipe would block the reload.
    if (!std::filesystem::is_regular_file(file, code)) return fail("is not there, or not a file");
    if (std::filesystem::file_size(file, code) > content_bytes_max) return fail("is above 1 MiB");
    std::ifstream in(file, std::ios::binary);
    out.text.assign(std::istreambuf_iterator<char>(in), {});
    if (!in) return fail("cannot be read");
    if (out.text.ends_with('\n')) out.text.pop_back();
    if (out.text.ends_with('\r')) out.text.pop_back();
    return out;
}

std::string unexpand(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text.substr(i, 2) == "${") out += '$';
        out += text[i];
    }
    return out;
}

}  // namespace penstock::settings
