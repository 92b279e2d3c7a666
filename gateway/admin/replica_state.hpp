// The word for how a replica is, as health, metrics and /admin say it.
#pragma once

#include "penstock/contracts/admission.hpp"

#include <string_view>

namespace penstock::gateway {

constexpr std::string_view text_of(replica_state state) noexcept {
    switch (state) {
        case replica_state::starting:
            return "starting";
        case replica_state::ready:
            return "ready";
        case replica_state::cordoned:
            return "cordoned";
        case replica_state::draining:
            return "draining";
        case replica_state::ejected:
            return "ejected";
        case replica_state::dead:
            return "dead";
    }
    return "unknown";
}

// Beside those: `drained` once a draining one has nothing in flight any more.
constexpr std::string_view shown_state(const replica_view& view) noexcept {
    const bool is_drained = view.state == replica_state::draining && view.in_flight == 0;
    return is_drained ? "drained" : text_of(view.state);
}

}  // namespace penstock::gateway
