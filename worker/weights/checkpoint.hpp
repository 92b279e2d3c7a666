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
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace penstock::worker {

struct tensor_place {
    dtype type = dtype::f32;
    std::vector<std::uint64_t> shape;
    std::size_t file = 0;      // index into the files of the checkpoint
    std::uint64_t offset = 0;  // in bytes, from the start of the file
    std::uint64_t bytes = 0;
};

struct stored_tensor;  // of safetensors_header.hpp

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
    // The type ("F8_E4M3") of a tensor that is there, but not in `tensors`, since nothing here
    // reads that type. Empty: there is no such tensor.
    std::string_view other_type(std::string_view name) const noexcept;
    // Name to type of all such.
    const std::map<std::string, std::string, std::less<>>& other_types() const noexcept {
        return other_types_;
    }
    std::uint64_t total_bytes() const noexcept { return total_bytes_; }

    // Reads one tensor, in parallel pieces, into memory of its size. Errors: io_failed.
    result<void> read(const tensor_place& place, std::span<std::byte> out) const;
    // Of all bytes of a tensor that was read whole (content_hash.hpp), whatever number of readers
    // read it; nothing of another.
    std::optional<std::uint64_t> content_of(const tensor_place& place) const noexcept;

    // Told after every tensor read; on the thread that reads.
    void on_progress(std::function<void(load_progress)> tell) { tell_ = std::move(tell); }
    // What progress counts up to; all tensors by default.
    void expect_bytes(std::uint64_t n) noexcept { expected_bytes_ = n; }
    // Threads of one read; 1 by default.
    void set_readers(unsigned n) noexcept { readers_ = n; }

 private:
    checkpoint() = default;
    void add(stored_tensor&& tensor, std::size_t file, std::uint64_t data_begin);

    using stretch = std::tuple<std::size_t, std::uint64_t, std::uint64_t>;  // file, offset, bytes

    std::vector<int> files_;  // descriptors
    std::vector<std::string> names_;
    std::map<std::string, tensor_place, std::less<>> tensors_;
    std::map<std::string, std::string, std::less<>> other_types_;
    std::uint64_t total_bytes_ = 0, expected_bytes_ = 0;
    mutable std::uint64_t bytes_read_ = 0;
    mutable std::map<stretch, std::uint64_t> contents_;  // of what was read
    std::function<void(load_progress)> tell_;
    unsigned readers_ = 1;
};

}  // namespace penstock::worker
