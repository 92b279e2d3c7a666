// Limits of requests, tokens, money and parallel slots over every scope of a request: all or none.
#pragma once

#include "penstock/contracts/work.hpp"

#include <cstdint>
#include <variant>

namespace penstock {

enum class scope_kind : std::uint8_t { key, user, team, organization, tenant, model };

struct scope {
    scope_kind kind = scope_kind::key;
    std::uint64_t id = 0;
    friend bool operator==(scope, scope) = default;
};
using scope_list = inline_list<scope, 8>;

// Money in 1e-12 currency units, an integer: doubles drift.
__extension__ using money = __int128;

struct cost {
    std::uint32_t requests = 1;
    std::uint64_t tokens = 0;
    money price = 0;
    std::uint32_t slots = 1;
};

struct limit_refusal {
    scope which;
    std::uint64_t limit = 0, spent = 0;
    duration reset{};           // until the same reservation would pass
    bool can_ever_pass = true;  // false: the limit is smaller than the request
};

// What was reserved, kept for `settle`.
struct reserved {
    scope_list scopes;
    cost what;
};

// Not thread-safe; deterministic.
class limiting_policy {
 public:
    virtual ~limiting_policy() = default;
    // Checks all scopes, then commits all; a refusal changes nothing.
    virtual std::variant<reserved, limit_refusal> reserve(
        const scope_list& scopes, const cost& cost, time_point now
    ) = 0;
    // Exactly once per reservation. `actual` of a request that was never dispatched is all zero.
    virtual void settle(const reserved& what, const cost& actual, time_point now) noexcept = 0;
};

}  // namespace penstock
