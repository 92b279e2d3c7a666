// The baseline of no gateway at all: everything goes to the least loaded replica at once, and the
// queue is the engine's.
#pragma once

#include "simulator/baselines/gate.hpp"

namespace penstock::simulator {

class forward_everything final : public gate {
 public:
    forward_everything() : gate({}) {}

 private:
    bool takes(const replica&) const override { return true; }
};

}  // namespace penstock::simulator
