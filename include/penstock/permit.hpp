// A receipt: something counted that is given back exactly once, as failed unless success was said.
#pragma once

#include <utility>

namespace penstock {

// `Owner::give_back(Token, Outcome) noexcept` is called once: by `settle`, or by the destructor
// with a default Outcome, which must mean failure.
template <class Owner, class Token, class Outcome>
class receipt {
 public:
    receipt() = default;
    receipt(Owner& owner, Token token) : owner_(&owner), token_(std::move(token)) {}
    receipt(receipt&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)), token_(std::move(other.token_)) {}
    receipt& operator=(receipt&& other) noexcept {
        if (this != &other) {
            settle(Outcome{});
            owner_ = std::exchange(other.owner_, nullptr);
            token_ = std::move(other.token_);
        }
        return *this;
    }
    ~receipt() { settle(Outcome{}); }

    void settle(const Outcome& outcome) noexcept {
        if (Owner* owner = std::exchange(owner_, nullptr)) owner->give_back(token_, outcome);
    }
    explicit operator bool() const noexcept { return owner_ != nullptr; }
    const Token& token() const noexcept { return token_; }

 private:
    Owner* owner_ = nullptr;
    Token token_{};
};

}  // namespace penstock
