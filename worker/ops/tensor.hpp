// Rows of numbers in the memory of a device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace penstock::worker {

using token_id = std::int32_t;

enum class dtype : std::uint8_t { f32, bf16, f16 };

constexpr std::size_t size_of(dtype type) noexcept {
    return type == dtype::f32 ? 4 : 2;
}

// Memory of a device, given back on destruction. `data` is an address of the device: only its
// backend may read or write there.
class device_memory {
 public:
    using release = void (*)(void* data, std::size_t bytes) noexcept;

    device_memory() noexcept : data_(nullptr, deleter{nullptr, 0}) {}
    device_memory(void* data, std::size_t bytes, release give_back) noexcept
        : data_(data, deleter{give_back, bytes}) {}

    void* data() const noexcept { return data_.get(); }
    std::size_t bytes() const noexcept { return data_.get_deleter().bytes; }

 private:
    struct deleter {
        release give_back = nullptr;
        std::size_t bytes = 0;
        void operator()(void* data) const noexcept { give_back(data, bytes); }
    };
    std::unique_ptr<void, deleter> data_;
};

// A view of activations: `rows` of `columns` numbers of the backend's activation type, one row
// after another without gaps. Owns nothing.
struct tensor {
    void* data = nullptr;
    std::size_t rows = 0;
    std::size_t columns = 0;

    // For backends that compute in fp32 on the host.
    float* row(std::size_t i) const noexcept { return static_cast<float*>(data) + i * columns; }
    tensor first(std::size_t n) const noexcept { return {data, n, columns}; }
};

}  // namespace penstock::worker
