// What a request reserves while it goes from one model to the next.
#include "gateway/still_parts.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace penstock::gateway {
namespace {

// Grants everything, and remembers what is held.
class counting_limits final : public limiting_policy {
 public:
    struct told {
        int held = 0, most = 0, num = 0;
        std::uint64_t charged = 0;  // tokens
    };
    explicit counting_limits(told& what) : told_(what) {}

    std::variant<reserved, limit_refusal> reserve(
        const scope_list& scopes, const cost& asked, time_point
    ) override {
        ++told_.num;
        told_.most = std::max(told_.most, ++told_.held);
        return reserved{scopes, asked};
    }
    void settle(const reserved&, const cost& actual, time_point) noexcept override {
        --told_.held;
        told_.charged += actual.tokens + actual.requests;
    }

 private:
    told& told_;
};

TEST(fall_back_limits, hold_one_reservation_at_a_time_and_charge_none_that_was_left) {
    const std::string out = "{replicas: [{url: \"http://127.0.0.1:9\", state: drained}]";
    counting_limits::told seen;
    still_parts parts(
        "models: {chat: " + out + ", fallbacks: [b, c]}, b: " + out + "}, c: " + out + "}}\n",
        std::make_unique<counting_limits>(seen)
    );
    const auto told = parts.explain_at(R"({"model":"chat","bytes":100})", parts.begin);
    ASSERT_TRUE(told.has_value());
    EXPECT_EQ(seen.num, 3);
    EXPECT_EQ(seen.most, 1);
    EXPECT_EQ(seen.held, 0);
    EXPECT_EQ(seen.charged, 0u);
}

}  // namespace
}  // namespace penstock::gateway
