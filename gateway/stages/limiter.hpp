// Reservations: what a request may use, taken before it is dispatched and settled once.
#pragma once

#include "penstock/contracts/limiting.hpp"
#include "penstock/io/loop.hpp"

#include <memory>
#include <mutex>
#include <utility>

namespace penstock::gateway {

class limiter;

// Move-only. Destroyed unsettled it costs what was reserved when the request was dispatched, and
// nothing when it was not.
class reservation {
 public:
    reservation() = default;
    reservation(limiter& owner, const reserved& what) noexcept : owner_(&owner), what_(what) {}
    reservation(reservation&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)),
          what_(other.what_),
          dispatched_(other.dispatched_) {}
    reservation& operator=(reservation&& other) noexcept {
        std::swap(owner_, other.owner_);
        std::swap(what_, other.what_);
        std::swap(dispatched_, other.dispatched_);
        return *this;
    }
    ~reservation() {
        if (owner_) settle(dispatched_ ? what_.what : cost{0, 0, 0, 0}, io::loop::exact_now());
    }

    void dispatched() noexcept { dispatched_ = true; }
    bool was_dispatched() const noexcept { return dispatched_; }
    void settle(const cost& actual, time_point now) noexcept;

 private:
    limiter* owner_ = nullptr;
    reserved what_;
    bool dispatched_ = false;
};

// The limiting policy behind its mutex. Any thread.
class limiter {
 public:
    explicit limiter(std::unique_ptr<limiting_policy> policy) : policy_(std::move(policy)) {}

    std::variant<reserved, limit_refusal> reserve(
        const scope_list& scopes, const cost& asked, time_point now
    ) {
        const std::lock_guard held(mutex_);
        return policy_->reserve(scopes, asked, now);
    }
    void settle(const reserved& what, const cost& actual, time_point now) noexcept;

 private:
    std::mutex mutex_;
    std::unique_ptr<limiting_policy> policy_;
};

}  // namespace penstock::gateway
