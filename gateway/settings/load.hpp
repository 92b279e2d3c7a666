// From the text of penstock.yaml to settings that are complete and checked, or to all its mistakes.
#pragma once

#include "gateway/settings/load_options.hpp"
#include "gateway/settings/mistake.hpp"
#include "gateway/settings/settings.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace penstock::settings {

// After loading everything that may be left out stands written (resolve.hpp): every model has its
// `versions`, every replica its id, every key its tenant.
struct loaded {
    root settings;
    std::vector<std::string> warnings;  // for a person; none of them stops the gateway
};

// Never empty when it holds mistakes. Does not throw for any text or file.
using load_result = std::variant<loaded, std::vector<mistake>>;

load_result load_text(std::string_view yaml, const load_options& options = {});

// Relative file names in it start at the file's own folder, whatever `options.folder` says.
load_result load_file(const std::filesystem::path& file, load_options options = {});

}  // namespace penstock::settings
