// What the baselines have in common: tickets, queues by class and counts of replicas. A baseline
// says in a few small functions whom it lets through and whom it drops.
#pragma once

#include "penstock/contracts/admission.hpp"

#include <array>
#include <deque>
#include <unordered_map>
#include <vector>

namespace penstock::simulator {

class gate : public admission_policy {
 public:
    struct rules {
        std::uint32_t pending = 10'000;  // waiting at most, all classes together
        std::array<duration, num_classes> timeout{
            std::chrono::seconds(60), std::chrono::seconds(60)
        };
        bool realtime_first = false;  // else by arrival alone
    };

    explicit gate(const rules& how) : rules_(how) {}

    ticket arrive(const work& work, time_point now) final;
    cancel_result cancel(ticket who, time_point now) final;
    void on(ticket who, const ticket_event& what, time_point now) final;
    void on(replica_index who, const replica_fact& what, time_point now) final;
    indices settings_changed(const domain_spec& spec, time_point now) override;
    bool advance(time_point now, verdict_batch& out) final;
    time_point next_wakeup() const final;
    std::optional<refused> sheds(request_class, tenant_index, const pool_list&, time_point)
        const final {
        return {};
    }
    // Baselines are never asked for reasons: nothing.
    prediction explain(const work&, time_point) const final { return {}; }
    std::vector<replica_view> replicas(time_point now) const final;
    std::vector<queue_view> queues(time_point) const final { return {}; }
    std::uint32_t in_flight() const final { return in_flight_; }
    std::uint32_t waiting() const final { return waiting_; }

 protected:
    struct replica {
        pool_index pool;
        std::string id;
        std::uint32_t slots = 0, in_flight = 0;
        bool listed = false, up = true;
        fact::scraped scraped{0, 0, 0, 0, 0, 0};  // last time
    };

    // Whether it takes one more now.
    virtual bool takes(const replica& r) const = 0;
    // The lowest of those that take one is chosen; equals take turns.
    virtual double load(const replica& r) const { return r.in_flight; }
    virtual bool newest_first() const { return false; }
    // Asked of the one that would start now, after it waited so long; true drops it.
    virtual bool drops(duration waited, time_point now);
    virtual void answered(duration ttft, std::uint32_t in_flight, time_point now);

    rules& how() noexcept { return rules_; }
    const std::vector<replica>& all_replicas() const noexcept { return replicas_; }

 private:
    enum class phase : std::uint8_t { over, waiting, granted };
    struct entry {
        std::uint32_t generation = 0;
        phase now = phase::over;
        request_class klass{};
        time_point arrived{}, granted{};
        replica_index replica;
        pool_list pools;
        tried_list tried;
    };
    using queue = std::deque<ticket>;

    entry* find(ticket who) noexcept;
    bool expire(time_point now, verdict_batch& out);
    queue* next_queue();
    void drop_dead(queue& q);
    replica_index choose(const entry& e);
    void refuse(ticket who, errc reason, time_point now, verdict_batch& out);
    void remove(std::uint32_t slot);

    rules rules_;
    std::vector<replica> replicas_;
    std::vector<std::vector<replica_index>> members_;  // by pool
    std::unordered_map<std::string, replica_index> replica_of_;
    std::unordered_map<std::string, pool_index> pool_of_;
    std::vector<entry> entries_;
    std::vector<std::uint32_t> free_;
    std::array<queue, num_classes> queues_;  // cancelled ones stay in them until they come up
    std::size_t turn_ = 0;
    std::uint32_t in_flight_ = 0, waiting_ = 0;
};

}  // namespace penstock::simulator
