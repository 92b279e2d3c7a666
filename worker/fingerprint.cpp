// A name for the bits that a worker promises.
#include "worker/fingerprint.hpp"

#include "penstock/hex.hpp"
#include "worker/weights/checkpoint.hpp"

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <system_error>

namespace penstock::worker {
namespace {

constexpr const char* text_files[] = {
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "generation_config.json",
};

class sha256 {
 public:
    sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
        EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
    }
    // The length goes in first, so that no two lists of parts are one text.
    void add(std::span<const std::byte> part) {
        const std::uint64_t size = part.size();
        EVP_DigestUpdate(context_.get(), &size, sizeof size);
        EVP_DigestUpdate(context_.get(), part.data(), part.size());
    }
    void add(std::string_view part) { add(std::as_bytes(std::span(part))); }
    void add(std::uint64_t number) { add(std::as_bytes(std::span(&number, 1))); }

    std::string hex() {
        std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
        unsigned size = 0;
        EVP_DigestFinal_ex(context_.get(), digest.data(), &size);
        return hex_of(std::span(digest).first(size));
    }

 private:
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

result<void> add_file(sha256& hash, const std::filesystem::path& file) {
    std::error_code failed;
    const bool is_there = std::filesystem::exists(file, failed);
    hash.add(std::uint64_t{is_there});
    if (!is_there) return success();
    std::ifstream in(file, std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(in), {});
    if (!in.is_open() || in.bad())
        return error(errc::io_failed, file.filename().string() + " cannot be read");
    hash.add(bytes);
    return success();
}

}  // namespace

result<std::string> weights_identity(
    const std::filesystem::path& folder, const checkpoint& weights
) {
    sha256 hash;
    CHECK(add_file(hash, folder / "config.json"));
    for (const auto& [name, place] : weights.tensors()) {
        const auto content = weights.content_of(place);
        if (!content) continue;
        hash.add(name);
        hash.add(static_cast<std::uint64_t>(place.type));
        for (const std::uint64_t side : place.shape)
            hash.add(side);
        hash.add(*content);
    }
    return hash.hex();
}

result<std::string> text_identity(const std::filesystem::path& folder) {
    sha256 hash;
    for (const char* name : text_files) {
        CHECK(add_file(hash, folder / name));
    }
    return hash.hex();
}

std::string system_fingerprint(
    std::string_view weights,
    std::string_view text,
    std::string_view version,
    std::string_view kernels
) {
    constexpr std::size_t digits = 16;
    sha256 hash;
    for (const std::string_view part : {weights, text, version, kernels})
        hash.add(part);
    return "fp_" + hash.hex().substr(0, digits);
}

}  // namespace penstock::worker
