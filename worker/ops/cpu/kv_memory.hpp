// Keys and values of the CPU backend: one stretch of memory for each layer.
#pragma once

#include "worker/ops/backend.hpp"
#include "worker/ops/cpu/kv_pages.hpp"

#include <utility>

namespace penstock::worker {

class kv_memory final : public kv_store {
 public:
    kv_memory(
        std::uint32_t num_layers,
        std::uint32_t num_pages,
        const attention_shape& shape,
        dtype type,
        std::size_t lanes,
        device_memory memory
    )
        : kv_store(num_layers, num_pages, shape),
          type_(type),
          layout_(layout_of(shape, lanes)),
          memory_(std::move(memory)) {}

    static kv_layout layout_of(const attention_shape& shape, std::size_t lanes) noexcept {
        return {lanes, shape.head_dim, shape.num_kv_heads};
    }

    dtype type() const noexcept { return type_; }
    const kv_layout& layout() const noexcept { return layout_; }
    void* layer(std::uint32_t i) const noexcept {
        const std::size_t bytes = num_pages() * layout_.numbers_of_page() * size_of(type_);
        return static_cast<char*>(memory_.data()) + i * bytes;
    }

 private:
    dtype type_;
    kv_layout layout_;
    device_memory memory_;
};

}  // namespace penstock::worker
