// Digests and random keys, from OpenSSL.
#include "gateway/settings/keys.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <array>
#include <stdexcept>

namespace penstock::settings {

std::string sha256_hex(std::string_view text) {
    constexpr std::string_view hex = "0123456789abcdef";
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
    std::string written;
    for (const unsigned char byte : digest) {
        written += hex[byte >> 4];
        written += hex[byte & 15];
    }
    return written;
}

new_key make_key() {
    constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    static_assert(alphabet.size() == 64, "six bits of a random byte choose evenly");
    std::array<unsigned char, 32> random{};
    if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1)
        throw std::runtime_error("no randomness for a key");
    new_key made{"sk-", ""};
    for (const unsigned char byte : random)
        made.key += alphabet[byte & 63];
    made.sha256 = sha256_hex(made.key);
    return made;
}

}  // namespace penstock::settings
