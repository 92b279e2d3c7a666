// Loading settings in tests, and finding the repository's own files.
#pragma once

#include "gateway/settings/load.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

namespace penstock::settings {

inline const std::string some_digest(64, 'a');
inline const std::string other_digest(64, 'b');

// An environment of exactly these variables.
inline load_options with_environment(std::map<std::string, std::string> variables) {
    load_options options;
    options.environment = [variables](const std::string& name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
    return options;
}

inline loaded load_right(const std::string& yaml, const load_options& options = {}) {
    load_result result = load_text(yaml, options);
    if (auto* right = std::get_if<loaded>(&result)) return std::move(*right);
    ADD_FAILURE() << to_text("test.yaml", std::get<std::vector<mistake>>(result));
    return {};
}

inline root settings_of(const std::string& yaml, const load_options& options = {}) {
    return load_right(yaml, options).settings;
}

// As printed; empty: the text was loaded.
inline std::string mistakes_of(const std::string& yaml, const load_options& options = {}) {
    const load_result result = load_text(yaml, options);
    const auto* wrong = std::get_if<std::vector<mistake>>(&result);
    return wrong ? to_text("test.yaml", *wrong) : "";
}

// A model, for tests of everything else.
inline const std::string demo = "models: {demo: {replicas: [http://127.0.0.1:8000]}}\n";

inline std::string text_of(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    EXPECT_TRUE(in) << file;
    return std::string(std::istreambuf_iterator<char>(in), {});
}

// ccache may compile with paths relative to the build folder, in whose tests/ this program stands.
inline std::filesystem::path repository() {
    std::filesystem::path here = __FILE__;
    if (here.is_relative())
        here = std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / here;
    return std::filesystem::canonical(here).parent_path().parent_path().parent_path().parent_path();
}

// A folder that is gone after the test.
class scratch_folder {
 public:
    scratch_folder() {
        std::string name = (std::filesystem::temp_directory_path() / "penstock-XXXXXX").string();
        path_ = mkdtemp(name.data());
    }
    ~scratch_folder() { std::filesystem::remove_all(path_); }
    scratch_folder(const scratch_folder&) = delete;
    scratch_folder& operator=(const scratch_folder&) = delete;

    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path write(const std::string& name, const std::string& text) const {
        std::ofstream(path_ / name, std::ios::binary) << text;
        return path_ / name;
    }

 private:
    std::filesystem::path path_;
};

}  // namespace penstock::settings
