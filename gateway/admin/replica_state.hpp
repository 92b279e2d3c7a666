// The word for how a replica is, as health, metrics and /admin say it.
#pragma once

#include "gateway/upstreams/operator_word.hpp"
#include "penstock/contracts/admission.hpp"

#include <string_view>

namespace penstock::gateway {

constexpr std::string_view text_of(replica_state state) noexcept {
    switch (state) {
        case replica_state::starting:
            return "starting";
        case replica_state::ready:
            return "ready";
        case replica_state::draining:
            return "draining";
        case replica_state::ejected:
            return "ejected";
        case replica_state::dead:
            return "dead";
    }
    return "unknown";
}

// Beside those: `cordoned`, and `drained` once a draining one has nothing in flight any more.
constexpr std::string_view shown_state(const replica_view& view, operator_word word) noexcept {
    if (view.state != replica_state::draining) return text_of(view.state);
    if (word == operator_word::cordoned) return "cordoned";
    return view.in_flight == 0 ? "drained" : "draining";
}

}  // namespace penstock::gateway
