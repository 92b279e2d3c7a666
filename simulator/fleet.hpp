// The engines of one domain, under the numbers that the policy gave its replicas.
#pragma once

#include "penstock/contracts/admission.hpp"
#include "simulator/engine.hpp"

#include <optional>
#include <span>
#include <vector>

namespace penstock::simulator {

class fleet {
 public:
    struct member {
        replica_index name;
        engine works;
        bool lost = false;
        time_point next_event = never;  // as last asked
        std::optional<fact::scraped> said;
    };

    // One model for each replica of the spec, in its order, or one for all. `numbers` is what the
    // policy said of the spec.
    fleet(
        const domain_spec& spec,
        const admission_policy::indices& numbers,
        std::span<const engine_model> models,
        bool jumps
    ) {
        for (std::size_t p = 0; p < spec.pools.size(); ++p) {
            for (std::size_t r = 0; r < spec.pools[p].replicas.size(); ++r) {
                const std::size_t model = std::min(members_.size(), models.size() - 1);
                const replica_index name = numbers.replicas[p][r];
                if (name.value >= member_of_.size()) member_of_.resize(name.value + 1);
                member_of_[name.value] = static_cast<std::uint32_t>(members_.size());
                members_.push_back({.name = name, .works = engine(models[model], jumps)});
            }
        }
    }

    std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(members_.size()); }
    member& operator[](std::uint32_t i) noexcept { return members_[i]; }
    std::uint32_t number_of(replica_index who) const noexcept { return member_of_[who.value]; }

    // Time that all of them have spent in iterations until now.
    duration busy(time_point now, std::vector<engine_news>& news) {
        duration sum{};
        for (member& each : members_) {
            each.works.advance(now, news);
            sum += each.works.busy();
        }
        return sum;
    }

    // What an engine's own metrics would say.
    static fact::scraped scraped(const engine& e) {
        const engine_model& model = e.model();
        return {
            .running = double(e.running()),
            .waiting = double(e.waiting()),
            .kv_used = double(e.kv_used()) / double(model.kv_tokens),
            .preemptions = 0,
            .max_running = double(model.sequences),
            .kv_tokens = double(model.kv_tokens)
        };
    }

 private:
    std::vector<member> members_;
    std::vector<std::uint32_t> member_of_;  // by replica index
};

}  // namespace penstock::simulator
