// Fills described structs from a document.
#pragma once

#include "gateway/settings/document.hpp"
#include "gateway/settings/load_options.hpp"
#include "gateway/settings/reflect.hpp"

namespace penstock::settings {

// Settings that are not written keep the value they have. Every key that is not a setting, every
// value of a wrong type or out of its range and every missing required one becomes a mistake; what
// is right is filled all the same.
void bind(const node& document, root& settings, const load_options& options, findings& out);

}  // namespace penstock::settings
