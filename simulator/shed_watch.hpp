// How often a policy changes its mind about refusing a class and tenant before it looks at them.
#pragma once

#include "penstock/contracts/admission.hpp"

#include <algorithm>
#include <vector>

namespace penstock::simulator {

class shed_watch {
 public:
    explicit shed_watch(std::size_t num_tenants) : seen_(num_tenants * num_classes) {}

    void saw(request_class klass, std::uint32_t tenant, bool sheds) {
        entry& e = seen_[tenant * num_classes + static_cast<std::size_t>(klass)];
        if (e.sheds != sheds) ++e.flips;
        e.sheds = sheds;
    }
    // Forgets the flips so far, not the state.
    void start_counting() {
        for (entry& e : seen_)
            e.flips = 0;
    }
    // Of the class and tenant with the most.
    std::uint32_t most_flips() const {
        std::uint32_t most = 0;
        for (const entry& e : seen_)
            most = std::max(most, e.flips);
        return most;
    }

 private:
    struct entry {
        bool sheds = false;
        std::uint32_t flips = 0;
    };
    std::vector<entry> seen_;  // [tenant][class]
};

}  // namespace penstock::simulator
