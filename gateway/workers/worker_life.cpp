// What becomes of one worker.
#include "gateway/workers/worker_life.hpp"

#include "penstock/observe/log.hpp"

#include <algorithm>
#include <array>
#include <signal.h>
#include <unistd.h>

namespace penstock::gateway {
namespace {

constexpr std::size_t heard_at_once = 64 * 1024;
constexpr int hearings_after_death = 64;
constexpr duration look_every = std::chrono::milliseconds(20);
// The kernel may hold a killed process back for as long as a device does not answer.
constexpr duration wait_for_the_killed = std::chrono::seconds(5);
constexpr std::string_view ready_word = "ready";

bool says_ready(std::string_view line) {
    return line == ready_word || (line.starts_with(ready_word) && line[ready_word.size()] == ' ');
}

std::int64_t millis(duration d) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
}

}  // namespace

worker_life::worker_life(worker_order order, const probe_now& probe)
    : order_(std::move(order)), probe_(probe), lines_(order_.how.log_line) {}

// ── wishes ──────────────────────────────────────────────────────────────────────────────────────

void worker_life::follow(worker_order order, time_point now) {
    const bool changed = order.command != order_.command;
    order_ = std::move(order);
    wanted_ = true;
    switch (now_) {
        case phase::waiting:
        case phase::over:
            if (changed || now_ == phase::over) {
                backoff_.reset();
                due_ = now;
            }
            now_ = phase::waiting;
            break;
        case phase::running:
            // It may have been taken out and put back since we last looked: then it is `starting`.
            if (changed)
                empty(now);
            else
                probe_(order_.replica);
            break;
        case phase::emptying:
            if (running_ != order_.command) break;
            now_ = phase::running;
            due_ = after(now, order_.how.start);
            order_.place->status.resume(run_);
            probe_(order_.replica);
            break;
        case phase::ending:
            break;
    }
}

void worker_life::leave(duration drain, time_point now) {
    if (!wanted_) return;
    wanted_ = false;
    order_.drain = drain;
    if (now_ == phase::waiting) now_ = phase::over;
    if (now_ == phase::running) empty(now);
}

void worker_life::end(time_point now) {
    wanted_ = false;
    order_.place->status.end();
    if (now_ == phase::waiting) now_ = phase::over;
    if (now_ == phase::running || now_ == phase::emptying) stop(now);
}

// ── what is due ─────────────────────────────────────────────────────────────────────────────────

void worker_life::advance(time_point now) {
    if (process_) {
        if (const auto how = process_->ended()) return ended(*how, now);
    }
    if (now_ == phase::emptying && in_flight(now) == 0) return stop(now);
    if (now < due_) return;
    switch (now_) {
        case phase::waiting:
            start(now);
            break;
        case phase::running:
            due_ = never;
            if (order_.place->status.was_ready(run_)) break;
            observe::log::warning(
                "worker_not_ready",
                {{"replica", order_.replica}, {"after_ms", millis(order_.how.start)}}
            );
            process_->signal(SIGKILL);
            break;
        case phase::emptying:
            stop(now);
            break;
        case phase::ending:
            if (killed_) {
                observe::log::error("worker_not_killed", {{"replica", order_.replica}});
                process_->abandon();
                return ended("unknown", now);
            }
            killed_ = true;
            due_ = after(now, wait_for_the_killed);
            process_->signal(SIGKILL);
            break;
        case phase::over:
            break;
    }
}

time_point worker_life::next_look(time_point now) const {
    if (now_ == phase::over) return never;
    return now_ == phase::emptying ? std::min(due_, after(now, look_every)) : due_;
}

void worker_life::start(time_point now) {
    ::unlink(order_.place->socket.c_str());
    run_ = 0;  // a start that fails was never ready, however long the run before it was
    auto started = worker_process::start(order_.command);
    if (started.has_error()) return wait_for_restart(started.error().detail, now);
    process_.emplace(std::move(started).value());
    running_ = order_.command;
    lines_ = line_splitter(order_.how.log_line);
    last_line_.clear();
    hears_ = true;
    now_ = phase::running;
    due_ = after(now, order_.how.start);
    say(replica_state::starting, now);
    run_ = order_.place->status.begin();
    observe::log::info("worker_started", {{"replica", order_.replica}, {"pid", process_->pid()}});
}

void worker_life::wait_for_restart(const std::string& how, time_point now) {
    const auto& restart = order_.how.restart;
    const duration wait = backoff_.died(
        order_.place->status.ready_for(run_, now),
        {.first = restart.first, .most = restart.most, .reset_after = restart.reset_after}
    );
    now_ = phase::waiting;
    due_ = after(now, wait);
    order_.place->status.end();
    order_.place->status.restarted();
    say(health::state_until_restart(wait), now);
    observe::log::warning(
        "worker_died",
        {{"replica", order_.replica},
         {"how", how},
         {"restart_in_ms", millis(wait)},
         {"said", last_line_}}
    );
}

// From here on it gets no new request.
void worker_life::empty(time_point now) {
    order_.place->status.end();
    if (wanted_) say(replica_state::starting, now);
    now_ = phase::emptying;
    due_ = after(now, order_.drain);
}

void worker_life::stop(time_point now) {
    now_ = phase::ending;
    killed_ = false;
    due_ = after(now, order_.how.stop);
    process_->signal(SIGTERM);
}

void worker_life::ended(const std::string& how, time_point now) {
    for (int i = 0; i < hearings_after_death && output() >= 0; ++i)
        if (!hear()) break;
    lines_.finish([this](std::string_view line) { take(line); });
    process_.reset();
    if (now_ == phase::running) return wait_for_restart(how, now);
    ::unlink(order_.place->socket.c_str());
    observe::log::info("worker_stopped", {{"replica", order_.replica}, {"how", how}});
    now_ = wanted_ ? phase::waiting : phase::over;
    due_ = now;
    backoff_.reset();
}

void worker_life::say(replica_state what, time_point now) const {
    order_.admission->on(order_.index, fact::state{what}, now);
}

std::uint32_t worker_life::in_flight(time_point now) const {
    for (const auto& view : order_.admission->replicas(now))
        if (view.index == order_.index) return view.in_flight;
    return 0;
}

// ── its output ──────────────────────────────────────────────────────────────────────────────────

bool worker_life::hear() {
    std::array<char, heard_at_once> bytes;
    const ssize_t n = ::read(process_->output(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) return true;
    if (n < 0 && errno == EAGAIN) return false;
    if (n <= 0) {
        hears_ = false;  // it closed both; it may still live
        return false;
    }
    lines_.feed({bytes.data(), static_cast<std::size_t>(n)}, [this](std::string_view line) {
        take(line);
    });
    return true;
}

void worker_life::take(std::string_view line) {
    observe::log::info("worker_said", {{"replica", order_.replica}, {"line", line}});
    last_line_ = line;
    if (now_ == phase::running && says_ready(line)) probe_(order_.replica);
}

}  // namespace penstock::gateway
