// Drives admission by Little's law by hand in virtual time.
#pragma once

#include "policies/admission/little.hpp"
#include "policies/admission_driver.hpp"

#include <gmock/gmock.h>

namespace penstock::admission {

using little_driver = driver_of<little>;

// A stream of so many prompt tokens that wants its first token within `ttft`.
inline work stream(std::uint32_t prompt, duration ttft, time_point now = time_point{1000s}) {
    work w = work_for({0});
    w.streamed = true;
    w.prompt_tokens = prompt;
    w.output_expected = 100;
    w.arrived = now;
    w.ttft_deadline = now + ttft;
    return w;
}

inline work of_tenant(work w, std::uint32_t tenant) {
    w.tenant = {tenant};
    return w;
}

inline work no_queue(work w) {
    w.no_queue = true;
    return w;
}

// Teaches replica 0 a prefill rate: one prompt of `tokens`, read in `span`.
inline void teach(little_driver& d, std::uint32_t tokens, duration span) {
    const ticket t = d.arrive(stream(tokens - tuning{}.prompt_overhead, 1h, d.now));
    ASSERT_EQ(d.replica_of(t), 0);
    d.now += span;
    d.policy.on(t, event::first_byte{}, d.now);
    d.end(t);
}

}  // namespace penstock::admission
