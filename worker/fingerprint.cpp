// A name for the bits that a worker promises.
#include "worker/fingerprint.hpp"

#include "worker/weights/checkpoint.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <vector>

namespace penstock::worker {
namespace {

constexpr std::uint64_t sample_bytes = 4096;

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
        std::string text;
        for (unsigned i = 0; i < size; ++i) {
            text += "0123456789abcdef"[digest[i] >> 4];
            text += "0123456789abcdef"[digest[i] & 15];
        }
        return text;
    }

 private:
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace

result<std::string> weights_identity(const std::filesystem::path& folder) {
    // A second look at the headers: what is sampled here is no progress of loading.
    TRY(const checkpoint weights, checkpoint::open(folder));
    sha256 hash;
    std::ifstream config(folder / "config.json", std::ios::binary);
    hash.add(std::string(std::istreambuf_iterator<char>(config), {}));
    std::vector<std::byte> sample;
    for (const auto& [name, place] : weights.tensors()) {
        hash.add(name);
        hash.add(static_cast<std::uint64_t>(place.type));
        for (const std::uint64_t side : place.shape)
            hash.add(side);
        tensor_place first = place;
        first.bytes = std::min(first.bytes, sample_bytes);
        sample.resize(first.bytes);
        CHECK(weights.read(first, sample));
        hash.add(sample);
    }
    return hash.hex();
}

std::string system_fingerprint(
    std::string_view weights, std::string_view version, std::string_view kernels
) {
    constexpr std::size_t digits = 16;
    sha256 hash;
    hash.add(weights);
    hash.add(version);
    hash.add(kernels);
    return "fp_" + hash.hex().substr(0, digits);
}

}  // namespace penstock::worker
