// SHA-256 through OpenSSL, with one context for all.
#include "worker/cache/prefix_hash.hpp"

#include <openssl/evp.h>

namespace penstock::worker {
namespace {

// What is hashed, so that a root can never be read as a page.
enum class kind : std::uint8_t { root = 1, page = 2 };

}  // namespace

struct prefix_hasher::digest {
    std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> type{
        EVP_MD_fetch(nullptr, "SHA256", nullptr), &EVP_MD_free
    };
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{
        EVP_MD_CTX_new(), &EVP_MD_CTX_free
    };
    bool good = false;

    void begin(kind what) {
        good = type && context && EVP_DigestInit_ex2(context.get(), type.get(), nullptr) == 1;
        add(&what, sizeof what);
    }
    void add(const void* bytes, std::size_t size) {
        good = good && EVP_DigestUpdate(context.get(), bytes, size) == 1;
    }
    void add(std::string_view text) {
        const std::uint64_t size = text.size();
        add(&size, sizeof size);
        add(text.data(), text.size());
    }
    std::optional<prefix_hash> end() {
        prefix_hash hash;
        if (!good || EVP_DigestFinal_ex(context.get(), hash.data(), nullptr) != 1) return {};
        return hash;
    }
};

prefix_hasher::prefix_hasher() : digest_(std::make_unique<digest>()) {}

prefix_hasher::~prefix_hasher() = default;

std::optional<prefix_hash> prefix_hasher::root(std::string_view domain, std::string_view salt) {
    digest_->begin(kind::root);
    digest_->add(domain);
    digest_->add(salt);
    return digest_->end();
}

std::optional<prefix_hash> prefix_hasher::next(
    const prefix_hash& parent, std::span<const token_id> tokens
) {
    digest_->begin(kind::page);
    digest_->add(parent.data(), parent.size());
    digest_->add(tokens.data(), tokens.size_bytes());
    return digest_->end();
}

}  // namespace penstock::worker
