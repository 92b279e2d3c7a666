// What the settings say of every model's domain alike: classes, breaker, outliers, slow start.
#pragma once

#include "gateway/settings/settings.hpp"
#include "penstock/contracts/admission.hpp"

#include <string>

namespace penstock::settings {

// `id` is the model's name; the pools are its own and left to the caller.
domain_spec domain_without_pools(const std::string& id, const root& settings);

}  // namespace penstock::settings
