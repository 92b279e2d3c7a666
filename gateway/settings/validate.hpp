// What no single setting can say about itself.
#pragma once

#include "gateway/settings/load_options.hpp"
#include "gateway/settings/mistake.hpp"
#include "gateway/settings/settings.hpp"

namespace penstock::settings {

// Works on settings as written and as resolved. Reads the files that settings name, and nothing
// else.
void validate(const root& settings, const load_options& options, findings& out);

// Its part that is about models, versions, pools and replicas.
void validate_models(const root& settings, const load_options& options, findings& out);

// Of a name that is no model: what to write in its place where it is an alias, else nothing.
std::string alias_hint(const std::map<std::string, model>& models, const std::string& alias);

// Its part that is about a bundled worker, and what all of them have in common.
void validate_worker(const bundled_worker& worker, const std::string& path, findings& out);
void validate_worker_program(const worker& all, findings& out);

// Routes a key or replica may name.
void validate_routes(
    const std::vector<std::string>& routes,
    const std::string& path,
    const load_options& options,
    findings& out
);

// Classes that a key or pool may name, each once.
void validate_classes(
    const std::vector<std::string>& classes, const std::string& path, findings& out
);

// Letters, digits, '.', '_' and '-', and those in `more`; 1 to 128 of them.
// Printable ASCII without spaces, as a header can carry it; may be empty.
bool is_one_word(std::string_view text);
bool is_id(std::string_view text, std::string_view more = "");

}  // namespace penstock::settings
