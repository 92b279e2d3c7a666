// What clients do by themselves: they lose patience, and some come again when told to.
#pragma once

#include "penstock/contracts/admission.hpp"
#include "simulator/load.hpp"

#include <chrono>

namespace penstock::simulator {

// Both count from the first arrival: to the person who waits a second attempt is no fresh start.
class client_habits {
 public:
    explicit client_habits(const load_spec& load) : load_(load) {}

    // `never`: it waits for ever.
    time_point gives_up_at(request_class klass, time_point arrived) const {
        const duration patience = load_.classes[static_cast<std::size_t>(klass)].patience;
        return patience > duration::zero() ? after(arrived, patience) : never;
    }

    // When it comes again after a refusal; `never`: it does not. Retry-After is whole seconds.
    time_point returns_at(const record& who, const refused& told, time_point now) const {
        if (!who.obeys || who.attempts > load_.retries || told.retry_after <= duration::zero())
            return never;
        const time_point back =
            after(now, std::chrono::ceil<std::chrono::seconds>(told.retry_after));
        return back < gives_up_at(who.klass, who.arrived) ? back : never;
    }

 private:
    const load_spec& load_;
};

}  // namespace penstock::simulator
