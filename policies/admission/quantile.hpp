// A quantile of a stream of numbers that changes with time, in one number.
#pragma once

namespace penstock::admission {

// Stochastic approximation in the logarithm: a larger number moves the estimate up by
// `step` · share, a smaller one down by `step` · (1 − share), so that it rests where `share` of
// them are smaller. Follows a change by e in about 1 / step numbers of the far side.
class quantile {
 public:
    explicit constexpr quantile(double share, double step = 0.05) noexcept
        : up_(1 + step * share), down_(1 - step * (1 - share)) {}

    // Only numbers above zero.
    constexpr void see(double number) noexcept {
        if (value_ == 0)
            value_ = number;
        else
            value_ *= number > value_ ? up_ : down_;
    }
    constexpr double value() const noexcept { return value_; }  // 0: nothing seen

 private:
    double value_ = 0;
    double up_, down_;
};

}  // namespace penstock::admission
