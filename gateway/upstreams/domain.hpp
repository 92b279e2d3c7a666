// One model's admission: the policy behind its one mutex, those who wait for its verdicts, and its
// one timer. Any thread.
#pragma once

#include "gateway/upstreams/operator_word.hpp"
#include "penstock/contracts/admission.hpp"
#include "penstock/io/loop.hpp"
#include "penstock/observe/cells.hpp"
#include "penstock/refusal.hpp"
#include "policies/retry/budget.hpp"

#include <array>
#include <atomic>
#include <coroutine>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace penstock::gateway {

class domain;

// The right to one slot of one replica and to a connection to it. Move-only; destroyed without a
// word it reports failure. Never destroyed under the domain's mutex.
class permit {
 public:
    permit() = default;
    permit(domain& owner, const granted& given) noexcept : owner_(&owner), given_(given) {}
    permit(permit&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)), given_(other.given_) {}
    permit& operator=(permit&& other) noexcept {
        std::swap(owner_, other.owner_);
        std::swap(given_, other.given_);
        return *this;
    }
    ~permit() {
        if (owner_) end(event::completed{}, io::loop::exact_now());
    }

    explicit operator bool() const noexcept { return owner_ != nullptr; }
    replica_index replica() const noexcept { return given_.replica; }

    void tell(const ticket_event& what, time_point now) noexcept;  // first_byte, progress
    void end(const event::completed& how, time_point now) noexcept { give_back(how, now); }
    void end(const event::engine_refused& how, time_point now) noexcept { give_back(how, now); }

 private:
    void give_back(const ticket_event& how, time_point now) noexcept;
    domain* owner_ = nullptr;
    granted given_;
};

// Somebody who waits for a verdict on its own loop. Lives in the request's context and must outlive
// the wait.
class admission_wait {
 public:
    explicit admission_wait(io::loop& home) noexcept : home_(home) {}
    admission_wait(const admission_wait&) = delete;
    admission_wait& operator=(const admission_wait&) = delete;

    bool is_waiting() const noexcept { return waiter_ != nullptr; }

    // Awaits the verdict of an `arrive`.
    bool await_ready() const noexcept { return decided_; }
    void await_suspend(std::coroutine_handle<> h) noexcept { waiter_ = h; }
    const verdict& await_resume() noexcept {
        decided_ = false;
        return verdict_;
    }

 private:
    friend class domain;
    void deliver(const verdict& what) noexcept;  // any thread

    io::loop& home_;
    std::coroutine_handle<> waiter_;
    ticket ticket_;
    request_class klass_ = request_class::realtime;
    verdict verdict_;
    bool decided_ = false;
};

class domain {
 public:
    // `timekeeper` runs the domain's timer. A domain lives until all loops have stopped.
    domain(std::string id, std::unique_ptr<admission_policy> policy, io::loop& timekeeper);
    ~domain();
    domain(const domain&) = delete;
    domain& operator=(const domain&) = delete;

    const std::string& id() const noexcept { return id_; }

    // The verdict is delivered to `who` on its own loop; at once when it is known at once.
    void arrive(const work& work, admission_wait& who, time_point now);
    // True: it waited and is now out of the queue; its wait is over with `refused{client_gone}`.
    // False: a verdict is under way, which must be awaited; a permit in it is then dropped.
    bool cancel(admission_wait& who, time_point now);

    void on(ticket who, const ticket_event& what, time_point now);
    void on(replica_index who, const replica_fact& what, time_point now);
    // `words` are the settings' own, in the shape of the spec's replicas; left out: all ready. The
    // first word of a replica is the settings'; after that the newest holds, an operator's or that
    // of settings which say another than those before. Other reloads leave it as it is, and it is
    // kept by the replica's id.
    using replica_words = std::vector<std::vector<operator_word>>;
    admission_policy::indices settings_changed(
        const domain_spec& spec,
        const retry::budget_settings& budget,
        time_point now,
        const replica_words& words = {}
    );

    // Drained replicas are `draining` to the policy.
    void say(replica_index who, operator_word word, time_point now);
    operator_word word_of(replica_index who) const;

    // False: nobody of this class was refused since the policy last said that it sheds none. Costs
    // one relaxed load.
    bool may_shed(request_class klass) const noexcept {
        return sheds_[static_cast<std::size_t>(klass)].load(std::memory_order_relaxed);
    }
    std::optional<refused> sheds(
        request_class klass, tenant_index tenant, const pool_list& pools, time_point now
    );

    // Takes one retry from the model's budget.
    bool may_retry(time_point now);

    // Verdicts that are due are delivered first, as when the work itself comes.
    prediction explain(const work& work, time_point now);
    std::vector<replica_view> replicas(time_point now) const;
    std::uint32_t in_flight() const;
    std::uint32_t waiting() const;
    observe::histogram_values lock_wait() const;
    observe::histogram_values lock_hold() const;

 private:
    class timer;
    class locked;
    friend class locked;

    // Delivers verdicts until the policy has no more, then sees to the timer. Own ones at once,
    // those of other loops by post. Called with the mutex held, which it releases.
    void advance(locked held, time_point now);
    admission_wait* take_waiter(ticket who);
    void note(const verdict& what, const admission_wait& who);
    void heed(replica_index who, operator_word configured, time_point now);
    void tell_word(replica_index who, time_point now);

    struct told {
        operator_word configured = operator_word::ready, word = operator_word::ready;
    };

    const std::string id_;
    mutable std::mutex mutex_;
    std::unique_ptr<admission_policy> policy_;
    retry::budget budget_;
    std::vector<admission_wait*> waiters_;  // by ticket slot
    std::vector<told> told_;                // by replica
    std::array<std::atomic<bool>, num_classes> sheds_{};
    mutable observe::histogram lock_wait_, lock_hold_;
    std::unique_ptr<timer> timer_;
};

}  // namespace penstock::gateway
