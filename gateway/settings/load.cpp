// Reads, binds, validates, resolves: in this order, so that mistakes speak of what was written.
#include "gateway/settings/load.hpp"

#include "gateway/settings/bind.hpp"
#include "gateway/settings/document.hpp"
#include "gateway/settings/resolve.hpp"
#include "gateway/settings/validate.hpp"

#include <fstream>

namespace penstock::settings {

namespace {

constexpr std::uintmax_t file_bytes_max = 16 << 20;

std::vector<mistake> unreadable(std::string why) {
    return {{0, 0, "", std::move(why)}};
}

}  // namespace

load_result load_text(std::string_view yaml, const load_options& options) {
    findings found;
    loaded made;
    if (const auto document = parse_document(yaml, found)) {
        bind(*document, made.settings, options, found);
        validate(made.settings, options, found);
    }
    if (!found.mistakes().empty()) return std::move(found.mistakes());
    fit_slots_to_batches(made.settings, found);
    resolve(made.settings);
    made.warnings = std::move(found.warnings());
    return made;
}

load_result load_file(const std::filesystem::path& file, load_options options) {
    std::error_code code;
    const auto status = std::filesystem::status(file, code);
    if (code || !exists(status)) return unreadable("there is no such file");
    if (is_directory(status)) return unreadable("is a folder, not a file");
    if (is_regular_file(status) && std::filesystem::file_size(file, code) > file_bytes_max)
        return unreadable("is above 16 MiB");
    std::ifstream in(file, std::ios::binary);
    const std::string yaml(std::istreambuf_iterator<char>(in), {});
    if (!in) return unreadable("cannot be read");
    options.folder = file.has_parent_path() ? file.parent_path() : ".";
    return load_text(yaml, options);
}

}  // namespace penstock::settings
