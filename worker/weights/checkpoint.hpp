// The weights of a Hugging Face folder: model.safetensors, or the files that
// model.safetensors.index.json names.
//
// Headers are validated whole before a byte of a tensor is read: lengths, nesting, names, types,
// shapes against sizes, and that tensors neither overlap nor leave gaps or the file.
#pragma once

#include "penstock/result.hpp"
#include "worker/ops/tensor.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::worker {

struct tensor_place {
    dtype type = dtype::f32;
    std::vector<std::uint64_t> shape;
    std::size_t file = 0;      // index into the files of the checkpoint
    std::uint64_t offset = 0;  // in bytes, from the start of the file
    std::uint64_t bytes = 0;
};

struct load_progress {
    std::uint64_t bytes_read = 0, bytes_total = 0;
};

class checkpoint {
 public:
    // Errors: invalid_value, with the file and what is wrong with it; io_failed.
    static result<checkpoint> open(const std::filesystem::path& folder);
    checkpoint(checkpoint&&) noexcept;
    checkpoint& operator=(checkpoint&&) noexcept;
    ~checkpoint();

    const std::map<std::string, tensor_place, std::less<>>& tensors() const noexcept {
        return tensors_;
    }
    const tensor_place* find(std::string_view name) const noexcept;
    std::uint64_t total_bytes() const noexcept { return total_bytes_; }

    // Reads one tensor, in parallel pieces, into memory of its size. Errors: io_failed.
    result<void> read(const tensor_place& place, std::span<std::byte> out) const;

    // Told after every tensor read; on the thread that reads.
    void on_progress(std::function<void(load_progress)> tell) { tell_ = std::move(tell); }
    // Threads of one read; 1 by default.
    void set_readers(unsigned n) noexcept { readers_ = n; }

 private:
    checkpoint() = default;
    std::vector<int> files_;  // descriptors
    std::vector<std::string> names_;
    std::map<std::string, tensor_place, std::less<>> tensors_;
    std::uint64_t total_bytes_ = 0;
    mutable std::uint64_t bytes_read_ = 0;
    std::function<void(load_progress)> tell_;
    unsigned readers_ = 1;
};

}  // namespace penstock::worker
