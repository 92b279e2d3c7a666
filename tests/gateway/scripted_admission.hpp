// Admission by fixed slots that remembers what it is told, and sheds when it is told to.
#pragma once

#include "gateway/upstreams/registry.hpp"
#include "policies/admission/fixed_slots.hpp"

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace penstock::gateway {

// What all domains of one gateway share; any thread.
class admission_script {
 public:
    using key = std::pair<std::string, request_class>;  // model and class

    void shed(const std::string& model, request_class klass, refused why) {
        const std::lock_guard held(mutex_);
        sheds_[{model, klass}] = why;
    }
    void shed_nothing() {
        const std::lock_guard held(mutex_);
        sheds_.clear();
    }
    std::size_t num_asked() const {
        const std::lock_guard held(mutex_);
        return num_asked_;
    }
    // How many pools the last question was about.
    std::size_t num_pools() const {
        const std::lock_guard held(mutex_);
        return num_pools_;
    }
    std::vector<work> arrived() const {
        const std::lock_guard held(mutex_);
        return arrived_;
    }
    std::vector<fact::scraped> scraped() const {
        const std::lock_guard held(mutex_);
        return scraped_;
    }

 private:
    friend class scripted_admission;
    mutable std::mutex mutex_;
    std::map<key, refused> sheds_;
    std::size_t num_asked_ = 0, num_pools_ = 0;
    std::vector<work> arrived_;
    std::vector<fact::scraped> scraped_;
};

class scripted_admission final : public admission_policy {
 public:
    explicit scripted_admission(admission_script& script)
        : script_(script), slots_(domain_spec{}, io::loop::exact_now()) {}

    ticket arrive(const work& work, time_point now) override {
        const std::lock_guard held(script_.mutex_);
        script_.arrived_.push_back(work);
        return slots_.arrive(work, now);
    }
    cancel_result cancel(ticket who, time_point now) override { return slots_.cancel(who, now); }
    void on(ticket who, const ticket_event& what, time_point now) override {
        slots_.on(who, what, now);
    }
    void on(replica_index who, const replica_fact& what, time_point now) override {
        if (const auto* said = std::get_if<fact::scraped>(&what)) {
            const std::lock_guard held(script_.mutex_);
            script_.scraped_.push_back(*said);
        }
        slots_.on(who, what, now);
    }
    indices settings_changed(const domain_spec& spec, time_point now) override {
        model_ = spec.id;
        return slots_.settings_changed(spec, now);
    }
    bool advance(time_point now, verdict_batch& out) override { return slots_.advance(now, out); }
    time_point next_wakeup() const override { return slots_.next_wakeup(); }
    std::optional<refused> sheds(
        request_class klass, tenant_index, const pool_list& pools, time_point
    ) const override {
        const std::lock_guard held(script_.mutex_);
        ++script_.num_asked_;
        script_.num_pools_ = pools.size;
        const auto found = script_.sheds_.find({model_, klass});
        return found == script_.sheds_.end() ? std::nullopt : std::optional(found->second);
    }
    prediction explain(const work& work, time_point now) const override {
        return slots_.explain(work, now);
    }
    std::vector<replica_view> replicas(time_point now) const override {
        return slots_.replicas(now);
    }
    std::vector<queue_view> queues(time_point now) const override { return slots_.queues(now); }
    std::uint32_t in_flight() const override { return slots_.in_flight(); }
    std::uint32_t waiting() const override { return slots_.waiting(); }

 private:
    admission_script& script_;
    admission::fixed_slots slots_;
    std::string model_;
};

inline make_admission scripted_by(admission_script& script) {
    return [&script] { return std::make_unique<scripted_admission>(script); };
}

}  // namespace penstock::gateway
