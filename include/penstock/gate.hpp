// "No new work" and "all old work has ended". Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace penstock {

class gate {
 public:
    // Held by one piece of work; leaving is its destructor.
    class pass {
     public:
        pass() = default;
        explicit pass(gate& entered) noexcept : entered_(&entered) {}
        pass(pass&& other) noexcept : entered_(std::exchange(other.entered_, nullptr)) {}
        pass& operator=(pass&& other) noexcept {
            std::swap(entered_, other.entered_);
            return *this;
        }
        ~pass() {
            if (entered_) entered_->inside_.fetch_sub(1, std::memory_order_acq_rel);
        }
        explicit operator bool() const noexcept { return entered_ != nullptr; }

     private:
        gate* entered_ = nullptr;
    };

    // An empty pass when the gate is closed or `limit` are inside already.
    pass enter(std::uint64_t limit) noexcept {
        if (inside_.fetch_add(1, std::memory_order_acq_rel) < limit && !is_closed())
            return pass(*this);
        inside_.fetch_sub(1, std::memory_order_acq_rel);
        return {};
    }
    void close() noexcept { closed_.store(true, std::memory_order_release); }
    bool is_closed() const noexcept { return closed_.load(std::memory_order_acquire); }
    std::uint64_t inside() const noexcept { return inside_.load(std::memory_order_acquire); }

 private:
    std::atomic<std::uint64_t> inside_{0};
    std::atomic<bool> closed_{false};
};

}  // namespace penstock
