// What loading takes from outside the file.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace penstock::settings {

struct load_options {
    std::filesystem::path folder = ".";  // where relative file names start
    // ${NAME}; nothing: not set. Left out: the process's environment.
    std::function<std::optional<std::string>(const std::string& name)> environment;
    // The canonical routes that `routes` and `serves` may name; empty: any that begins with "/".
    std::vector<std::string> routes;
};

}  // namespace penstock::settings
