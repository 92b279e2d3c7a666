// Whether certificates and keys are what they must be, before a listener needs them.
#pragma once

#include <string>

namespace penstock::settings {

// What is wrong, "must …" or "cannot …"; empty: nothing. Never contains a key.
std::string certificate_fault(const std::string& file);
std::string private_key_fault(const std::string& pem);
std::string pair_fault(const std::string& certificate_file, const std::string& key_pem);

}  // namespace penstock::settings
