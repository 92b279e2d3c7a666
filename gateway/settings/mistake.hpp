// What is wrong with a settings file, and where.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace penstock::settings {

// Lines and columns count from 1; 0: of the file as a whole.
struct position {
    int line = 0;
    int column = 0;
};

struct mistake {
    int line = 0;
    int column = 0;
    std::string path;     // "models.chat.replicas[0].slots"; empty: of the file as a whole
    std::string message;  // never contains a secret
};

// "penstock.yaml:12:5: models.chat.replicas[0].slots: must be between 1 and 65536", one a line, in
// the order of the file.
std::string to_text(std::string_view file, std::vector<mistake> mistakes);

// Collects every mistake of one load, so that a file is corrected once and not mistake by mistake.
class findings {
 public:
    // Later mistakes of this setting, and of settings in it that were not written, stand here.
    void wrote(const std::string& path, position at);

    bool was_written(const std::string& path) const { return written_.contains(path); }

    // While reading the file: the value is not what it must be.
    void misread(position at, const std::string& path, std::string message);
    // While comparing settings. Left out when the setting could not be read in the first place.
    void fault(const std::string& path, std::string message);
    void warn(const std::string& path, const std::string& message);
    // Whether this setting, or one that holds it, could not be read.
    bool was_misread(std::string_view path) const;

    std::vector<mistake>& mistakes() noexcept { return mistakes_; }
    std::vector<std::string>& warnings() noexcept { return warnings_; }

 private:
    position find(std::string_view path) const;
    std::unordered_map<std::string, position> written_;
    std::unordered_set<std::string> misread_;
    std::vector<mistake> mistakes_;
    std::vector<std::string> warnings_;
};

}  // namespace penstock::settings
