// The JSON schema of penstock.yaml, for editors.
#pragma once

#include <string>

namespace penstock::settings {

// Draft 2020-12, generated from the settings' types, ranges and defaults; ends with a line end.
// config/schema.json is this text. Looser than the loader: it knows nothing that spans settings.
std::string json_schema();

}  // namespace penstock::settings
