// Waiting for what another thread does, by looking; and pacing what a test does itself.
#pragma once

#include "support/socket.hpp"

#include <thread>

namespace penstock::test {

inline void pace(milliseconds between) {
    std::this_thread::sleep_for(between);
}

// Looks until it is so; false when `at_most` ran out.
template <class Holds>
bool eventually(Holds holds, milliseconds at_most = patience) {
    const auto until = clock::now() + at_most;
    while (!holds()) {
        if (clock::now() > until) return false;
        pace(milliseconds(1));
    }
    return true;
}

}  // namespace penstock::test
