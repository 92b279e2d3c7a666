// Values that stand elsewhere: ${NAME} and {file: PATH}.
#pragma once

#include "gateway/settings/load_options.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::settings {

struct substituted {
    std::string text;
    std::vector<std::string> mistakes;  // never contain what was substituted
    bool from_outside = false;          // whether anything was
};

// Every ${NAME} replaced by the environment's value, which is not looked into again; `$${` stands
// for a literal `${`.
substituted expand(std::string_view text, const load_options& options);

// The content of a file of at most 1 MiB, without its last line end.
substituted content_of(const std::filesystem::path& file);

// Escapes `${`, so that `expand` gives back `text`.
std::string unexpand(std::string_view text);

}  // namespace penstock::settings
