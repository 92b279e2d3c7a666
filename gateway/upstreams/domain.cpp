// One model's admission behind its mutex.
#include "gateway/upstreams/domain.hpp"

#include <atomic>

namespace penstock::gateway {
namespace {

ticket ticket_of(const verdict& what) noexcept {
    return std::visit([](const auto& each) { return each.who; }, what);
}

constexpr std::uint32_t measured_every = 64;

constexpr replica_state meant_by(operator_word word) noexcept {
    switch (word) {
        case operator_word::ready:
            break;
        case operator_word::cordoned:
            return replica_state::cordoned;
        case operator_word::drained:
            return replica_state::draining;
    }
    return replica_state::ready;
}

}  // namespace

// ── the mutex, measured ─────────────────────────────────────────────────────────────────────────

// Every 64th is measured, of each thread: two clock reads cost as much as the lock itself.
class domain::locked {
 public:
    explicit locked(const domain& of) : of_(of), lock_(of.mutex_, std::defer_lock) {
        thread_local std::uint32_t locks = 0;
        if (++locks % measured_every != 0) {
            lock_.lock();
            return;
        }
        const time_point began = io::loop::exact_now();
        lock_.lock();
        taken_ = io::loop::exact_now();
        of_.lock_wait_.record(taken_ - began);
    }
    locked(locked&&) noexcept = default;
    ~locked() {
        if (lock_.owns_lock()) unlock();
    }
    void unlock() {
        if (taken_ != time_point{}) of_.lock_hold_.record(io::loop::exact_now() - taken_);
        lock_.unlock();
    }
    void lock() {
        taken_ = {};
        lock_.lock();
    }

 private:
    const domain& of_;
    std::unique_lock<std::mutex> lock_;
    time_point taken_{};
};

// ── the timer ───────────────────────────────────────────────────────────────────────────────────

// Lives on the timekeeper's loop; told from any thread when something is due earlier than known.
class domain::timer final : public io::timed {
 public:
    timer(domain& owner, io::loop& home) : owner_(owner), home_(home) {}
    ~timer() override { home_.clear_deadline(*this); }

    void due_at(time_point when) {
        std::int64_t known = armed_.load(std::memory_order_relaxed);
        const std::int64_t asked = when.time_since_epoch().count();
        while (asked < known)
            if (armed_.compare_exchange_weak(known, asked)) return home_.post([this] { arm(); });
    }

 private:
    void arm() { home_.set_deadline(*this, time_point(duration(armed_.load()))); }
    void on_time() noexcept override {
        armed_.store(never.time_since_epoch().count());
        owner_.advance(locked(owner_), io::loop::exact_now());
    }

    domain& owner_;
    io::loop& home_;
    std::atomic<std::int64_t> armed_{never.time_since_epoch().count()};
};

// ── the domain ──────────────────────────────────────────────────────────────────────────────────

domain::domain(std::string id, std::unique_ptr<admission_policy> policy, io::loop& timekeeper)
    : id_(std::move(id)),
      policy_(std::move(policy)),
      budget_(retry::budget_settings{}),
      lock_wait_(observe::buckets::lock),
      lock_hold_(observe::buckets::lock),
      timer_(std::make_unique<timer>(*this, timekeeper)) {}

domain::~domain() = default;

void domain::arrive(const work& work, admission_wait& who, time_point now) {
    locked held(*this);
    if (work.tried.empty()) budget_.request_came();
    who.ticket_ = policy_->arrive(work, now);
    who.klass_ = work.klass;
    if (who.ticket_.slot >= waiters_.size()) waiters_.resize(who.ticket_.slot + 1);
    waiters_[who.ticket_.slot] = &who;
    advance(std::move(held), now);
}

bool domain::cancel(admission_wait& who, time_point now) {
    locked held(*this);
    const ticket asked = who.ticket_;
    const cancel_result was = policy_->cancel(asked, now);
    if (was.was != cancel_result::state::waiting) return false;
    waiters_[asked.slot] = nullptr;
    advance(std::move(held), now);
    who.deliver(refused{asked, errc::client_gone, {}, {}});
    return true;
}

void domain::on(ticket who, const ticket_event& what, time_point now) {
    locked held(*this);
    policy_->on(who, what, now);
    advance(std::move(held), now);
}

void domain::on(replica_index who, const replica_fact& what, time_point now) {
    locked held(*this);
    policy_->on(who, what, now);
    advance(std::move(held), now);
}

admission_policy::indices domain::settings_changed(
    const domain_spec& spec,
    const retry::budget_settings& budget,
    time_point now,
    const replica_words& words
) {
    locked held(*this);
    budget_.settings_changed(budget);
    auto indices = policy_->settings_changed(spec, now);
    for (std::size_t pool = 0; pool < indices.replicas.size(); ++pool)
        for (std::size_t i = 0; i < indices.replicas[pool].size(); ++i)
            heed(
                indices.replicas[pool][i],
                words.empty() ? operator_word::ready : words[pool][i],
                now
            );
    advance(std::move(held), now);
    return indices;
}

// ── an operator's word ──────────────────────────────────────────────────────────────────────────

void domain::heed(replica_index who, operator_word configured, time_point now) {
    if (who.value >= told_.size()) told_.resize(who.value + 1);
    told& of = told_[who.value];
    const bool was_away = of.word != operator_word::ready;
    const bool is_new = std::exchange(of.configured, configured) != configured;
    if (is_new) of.word = configured;
    // Said again: a policy begins anew with a replica that was out of the settings for a while.
    if (of.word != operator_word::ready) return tell_word(who, now);
    if (!was_away) return;
    policy_->on(who, fact::state{replica_state::draining}, now);
    tell_word(who, now);
}

void domain::tell_word(replica_index who, time_point now) {
    policy_->on(who, fact::state{meant_by(told_[who.value].word)}, now);
}

void domain::say(replica_index who, operator_word word, time_point now) {
    locked held(*this);
    if (who.value >= told_.size()) return;
    const operator_word before = std::exchange(told_[who.value].word, word);
    // `ready` to one that serves already would be taken for its coming up.
    if (before == word) return;
    tell_word(who, now);
    advance(std::move(held), now);
}

operator_word domain::word_of(replica_index who) const {
    const locked held(*this);
    return who.value < told_.size() ? told_[who.value].word : operator_word::ready;
}

bool domain::may_retry(time_point now) {
    const locked held(*this);
    return budget_.take(now);
}

void domain::advance(locked held, time_point now) {
    while (true) {
        verdict_batch batch;
        const bool more = policy_->advance(now, batch);
        std::array<admission_wait*, verdict_batch_size> whose{};
        for (std::size_t i = 0; i < batch.size; ++i) {
            whose[i] = take_waiter(ticket_of(batch.items[i]));
            if (whose[i]) note(batch.items[i], *whose[i]);
        }
        const time_point due = policy_->next_wakeup();
        held.unlock();
        for (std::size_t i = 0; i < batch.size; ++i)
            if (whose[i]) whose[i]->deliver(batch.items[i]);
        if (!more) {
            if (due != never) timer_->due_at(due);
            return;
        }
        held.lock();
    }
}

// One who would not wait was not refused for want of anything.
void domain::note(const verdict& what, const admission_wait& who) {
    const auto* no = std::get_if<refused>(&what);
    if (!no || no->reason == errc::would_queue) return;
    sheds_[static_cast<std::size_t>(who.klass_)].store(true, std::memory_order_relaxed);
}

std::optional<refused> domain::sheds(
    request_class klass, tenant_index tenant, const pool_list& pools, time_point now
) {
    const locked held(*this);
    auto why = policy_->sheds(klass, tenant, pools, now);
    if (!why) sheds_[static_cast<std::size_t>(klass)].store(false, std::memory_order_relaxed);
    return why;
}

admission_wait* domain::take_waiter(ticket who) {
    return who.slot < waiters_.size() ? std::exchange(waiters_[who.slot], nullptr) : nullptr;
}

prediction domain::explain(const work& work, time_point now) {
    advance(locked(*this), now);
    const locked held(*this);
    return policy_->explain(work, now);
}
std::vector<replica_view> domain::replicas(time_point now) const {
    const locked held(*this);
    return policy_->replicas(now);
}
std::uint32_t domain::in_flight() const {
    const locked held(*this);
    return policy_->in_flight();
}
std::uint32_t domain::waiting() const {
    const locked held(*this);
    return policy_->waiting();
}
observe::histogram_values domain::lock_wait() const {
    return lock_wait_.values();
}
observe::histogram_values domain::lock_hold() const {
    return lock_hold_.values();
}

// ── who waits, who holds ────────────────────────────────────────────────────────────────────────

void admission_wait::deliver(const verdict& what) noexcept {
    if (io::loop::current() != &home_) {
        home_.post([this, what] { deliver(what); });
        return;
    }
    verdict_ = what;
    decided_ = true;
    // Never inside the call that brought it about: that may be this very coroutine's `arrive`, or
    // another request's end.
    if (waiter_) home_.post(std::exchange(waiter_, nullptr));
}

void permit::tell(const ticket_event& what, time_point now) noexcept {
    if (owner_) owner_->on(given_.who, what, now);
}

void permit::give_back(const ticket_event& how, time_point now) noexcept {
    if (domain* owner = std::exchange(owner_, nullptr)) owner->on(given_.who, how, now);
}

}  // namespace penstock::gateway
