// The domain of one model as the settings describe it.
#pragma once

#include "gateway/settings/settings.hpp"
#include "penstock/contracts/admission.hpp"

#include <string>

namespace penstock::simulator {

// What gateway/fold.cpp tells the policy, but for routes: every simulated request asks for one that
// every replica serves. Of several versions the first by name gets all of them. No replica needs a
// warm-up: a run begins with all of them up.
domain_spec domain_of(const std::string& name, const settings::root& settings);

}  // namespace penstock::simulator
