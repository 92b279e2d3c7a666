// Client keys: how they are made, and the digest that stands in the settings.
#pragma once

#include <string>
#include <string_view>

namespace penstock::settings {

// 64 lower-case hex digits.
std::string sha256_hex(std::string_view text);

struct new_key {
    std::string key;  // "sk-" and 32 URL-safe characters: 192 random bits
    std::string sha256;
};

// Randomness of the operating system; throws std::runtime_error when there is none.
new_key make_key();

}  // namespace penstock::settings
