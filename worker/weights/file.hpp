// A regular file that is open for reading.
#pragma once

#include "penstock/result.hpp"

#include <cstdint>
#include <filesystem>
#include <utility>

namespace penstock::worker {

class input_file {
 public:
    // Never waits, whatever stands there. Errors: io_failed, with the path and why.
    static result<input_file> open(const std::filesystem::path& path);
    input_file(input_file&& other) noexcept
        : descriptor_(std::exchange(other.descriptor_, -1)), bytes_(other.bytes_) {}
    input_file& operator=(input_file&& other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    ~input_file();

    int descriptor() const noexcept { return descriptor_; }
    std::uint64_t bytes() const noexcept { return bytes_; }
    // The caller closes it.
    int release() noexcept { return std::exchange(descriptor_, -1); }

 private:
    explicit input_file(int descriptor) noexcept : descriptor_(descriptor) {}
    int descriptor_ = -1;
    std::uint64_t bytes_ = 0;
};

}  // namespace penstock::worker
