// Settings as the operator would have to write them to leave nothing to defaults.
#pragma once

#include "gateway/settings/reflect.hpp"

#include <string>

namespace penstock::settings {

// Of loaded settings: YAML with every default written out. Secrets that are set read `<set>`; with
// them put back, loading the text gives equal settings.
std::string effective(const root& settings);

// Twelve hex digits that change with anything in `effective`; not with a secret alone.
std::string digest(const root& settings);

// One setting in one line, as documentation quotes defaults. `key`: rules.hpp.
std::string inline_text(const tree::value& of, std::string_view key);

}  // namespace penstock::settings
