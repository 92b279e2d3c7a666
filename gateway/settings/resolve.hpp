// Writes out what an operator may leave out.
#pragma once

#include "gateway/settings/mistake.hpp"
#include "gateway/settings/settings.hpp"

namespace penstock::settings {

// For settings that `validate` found right. Short forms become version "default" (pool "default");
// names of upstream models, replica ids and tenants are filled from what they are inherited from;
// addresses and digests get their one spelling. Doing it twice changes nothing.
void resolve(root& settings);

// Before it, of settings as written: a worker's slots, where none were, become its largest batch.
void fit_slots_to_batches(root& settings, const findings& written);

// The id of a replica that was given none.
std::string default_id(const replica& of);

}  // namespace penstock::settings
