// Which policies there are, by kind. With gateway/gateway.cpp the only place that names concrete
// ones.
#pragma once

#include "penstock/contracts/admission.hpp"
#include "penstock/contracts/limiting.hpp"
#include "policies/admission/fixed_slots.hpp"
#include "policies/admission/little.hpp"
#include "policies/admission/tuning.hpp"
#include "policies/limiting/unlimited.hpp"

#include <array>
#include <memory>
#include <string_view>

namespace penstock::policies {

// One row a policy. The first of a kind is the default. `how` is what no operator sets: who wants
// the built-in numbers says `{}`, and everybody does but tests.
struct admission_row {
    std::string_view name;
    std::unique_ptr<admission_policy> (*make)(
        const domain_spec& spec, time_point now, const admission::tuning& how
    );
};
inline constexpr std::array admission_policies{
    admission_row{
        "little",
        [](const domain_spec& spec, time_point now, const admission::tuning& how
        ) -> std::unique_ptr<admission_policy> {
            return std::make_unique<admission::little>(spec, now, how);
        }
    },
    admission_row{
        "fixed_slots",
        [](const domain_spec& spec, time_point now, const admission::tuning&)
            -> std::unique_ptr<admission_policy> {
            return std::make_unique<admission::fixed_slots>(spec, now);
        }
    },
};

struct limiting_row {
    std::string_view name;
    std::unique_ptr<limiting_policy> (*make)();
};
inline constexpr std::array limiting_policies{
    limiting_row{
        "unlimited",
        []() -> std::unique_ptr<limiting_policy> { return std::make_unique<limiting::unlimited>(); }
    },
};

// Null when there is no policy of that name. The indices of the spec's pools and replicas come from
// `settings_changed` with the same spec, which changes nothing else then.
inline std::unique_ptr<admission_policy> make_admission(
    std::string_view name,
    const domain_spec& spec,
    time_point now,
    const admission::tuning& how = {}
) {
    for (const admission_row& row : admission_policies)
        if (row.name == name) return row.make(spec, now, how);
    return nullptr;
}

inline std::unique_ptr<limiting_policy> make_limiting(std::string_view name) {
    for (const limiting_row& row : limiting_policies)
        if (row.name == name) return row.make();
    return nullptr;
}

}  // namespace penstock::policies
