// The thread that watches bundled workers.
#include "gateway/workers/worker_supervisor.hpp"

#include "gateway/snapshot.hpp"
#include "penstock/observe/log.hpp"

#include <algorithm>
#include <cerrno>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>

namespace penstock::gateway {

std::vector<worker_order> worker_orders(const snapshot& settings) {
    std::vector<worker_order> orders;
    for (const auto& model : settings.models)
        for (const auto& version : model.versions)
            for (const auto& pool : version.pools)
                for (const auto& replica : pool.replicas)
                    if (replica.worker)
                        orders.push_back({
                            .replica = replica.id,
                            .command = replica.worker_command,
                            .place = replica.worker,
                            .admission = model.admission,
                            .index = replica.index,
                            .how = settings.settings.worker,
                            .drain = settings.settings.timeouts.drain,
                        });
    return orders;
}

void worker_supervisor::expect(const std::vector<worker_order>& orders) {
    std::set<std::string> known = std::exchange(expected_, {});
    for (const worker_order& each : orders) {
        expected_.insert(each.replica);
        if (known.contains(each.replica)) continue;
        const fact::state starting{replica_state::starting};
        each.admission->on(each.index, starting, io::loop::exact_now());
    }
}

void worker_supervisor::follow(std::vector<worker_order> orders, duration drain) {
    const bool is_idle = orders.empty();
    {
        const std::lock_guard held(mutex_);
        if (stopping_) return;
        orders_ = std::move(orders);
        drain_ = drain;
    }
    if (thread_.joinable()) return wake();
    if (is_idle) return;
    wake_ = owned_fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (wake_.get() < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
    thread_ = std::thread([this] { run(); });
    pthread_setname_np(thread_.native_handle(), "workers");
}

void worker_supervisor::stop() {
    {
        const std::lock_guard held(mutex_);
        stopping_ = true;
    }
    if (!thread_.joinable()) return;
    wake();
    thread_.join();
}

void worker_supervisor::wake() noexcept {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(wake_.get(), &one, sizeof one);
}

void worker_supervisor::run() {
    while (true) {
        const time_point now = io::loop::exact_now();
        const bool stops = take_orders(now);
        time_point next = never;
        for (auto at = lives_.begin(); at != lives_.end();) {
            worker_life& each = at->second;
            each.advance(now);
            if (stops) each.end(now);
            next = std::min(next, each.next_look(now));
            at = each.is_over() ? lives_.erase(at) : std::next(at);
        }
        if (stops && lives_.empty()) return;
        wait(next);
    }
}

// True: all are to end.
bool worker_supervisor::take_orders(time_point now) {
    std::optional<std::vector<worker_order>> orders;
    duration drain{};
    {
        const std::lock_guard held(mutex_);
        if (stopping_) return true;
        orders = std::exchange(orders_, std::nullopt);
        drain = drain_;
    }
    if (!orders) return false;
    std::vector<std::string> wanted;
    for (worker_order& each : *orders) {
        wanted.push_back(each.replica);
        if (const auto known = lives_.find(each.replica); known != lives_.end())
            known->second.follow(std::move(each), now);
        else
            lives_.emplace(
                std::piecewise_construct,
                std::forward_as_tuple(wanted.back()),
                std::forward_as_tuple(std::move(each), probe_)
            );
    }
    for (auto& [replica, life] : lives_)
        if (std::find(wanted.begin(), wanted.end(), replica) == wanted.end())
            life.leave(drain, now);
    return false;
}

void worker_supervisor::wait(time_point until) {
    std::vector<pollfd> all{{.fd = wake_.get(), .events = POLLIN, .revents = 0}};
    for (const auto& [replica, life] : lives_) {
        all.push_back({.fd = life.output(), .events = POLLIN, .revents = 0});
        all.push_back({.fd = life.death(), .events = POLLIN, .revents = 0});
    }
    timespec wait{};
    if (until != never) {
        const auto left = std::max(until - io::loop::exact_now(), duration::zero()).count();
        wait = {static_cast<time_t>(left / 1'000'000'000), static_cast<long>(left % 1'000'000'000)};
    }
    if (::ppoll(all.data(), all.size(), until == never ? nullptr : &wait, nullptr) <= 0) return;
    std::uint64_t ignored = 0;
    if (all[0].revents != 0 && ::read(wake_.get(), &ignored, sizeof ignored) < 0) return;
    std::size_t at = 1;
    for (auto& [replica, life] : lives_) {
        if (all[at].revents != 0) life.hear();
        at += 2;
    }
}

}  // namespace penstock::gateway
