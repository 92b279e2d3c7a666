// The baseline of a proxy with connection limits: a replica takes its slots, a hundred more wait in
// order of arrival for at most a minute, whatever their class.
#pragma once

#include "simulator/baselines/gate.hpp"

namespace penstock::simulator {

class fifo final : public gate {
 public:
    fifo() : gate({.pending = 100}) {}

 private:
    bool takes(const replica& r) const override { return r.in_flight < r.slots; }
};

}  // namespace penstock::simulator
