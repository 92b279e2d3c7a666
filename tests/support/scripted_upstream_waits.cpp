// What a test may tell a scripted upstream, ask of it, and wait for.
#include "support/scripted_upstream.hpp"

#include <algorithm>

namespace penstock::test {

std::vector<recorded> scripted_upstream::requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
}

std::size_t scripted_upstream::num_requests() const {
    const std::lock_guard lock(mutex_);
    return requests_.size();
}

std::size_t scripted_upstream::num_health_checks() const {
    const std::lock_guard lock(mutex_);
    return health_checks_;
}

std::size_t scripted_upstream::num_connections() const {
    const std::lock_guard lock(mutex_);
    return accepted_;
}

std::size_t scripted_upstream::num_open_connections() const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::count_if(
        connections_.begin(), connections_.end(), [](const connection& c) { return !c.done; }
    ));
}

std::size_t scripted_upstream::num_in_flight() const {
    const std::lock_guard lock(mutex_);
    return in_flight_;
}

std::size_t scripted_upstream::max_in_flight() const {
    const std::lock_guard lock(mutex_);
    return max_in_flight_;
}

bool scripted_upstream::wait_until(std::function<bool(const std::vector<recorded>&)> holds) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return holds(requests_); });
}

bool scripted_upstream::wait_for_requests(std::size_t count) const {
    return wait_until([count](const auto& all) { return all.size() >= count; });
}

bool scripted_upstream::wait_for_health_checks(std::size_t count) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return health_checks_ >= count; });
}

bool scripted_upstream::wait_for_closed_clients(std::size_t count) const {
    return wait_until([count](const auto& all) {
        const auto closed = std::count_if(all.begin(), all.end(), [](const recorded& request) {
            return request.client_closed.has_value();
        });
        return static_cast<std::size_t>(closed) >= count;
    });
}

bool scripted_upstream::wait_for_open_connections(std::size_t count) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] {
        const auto open = std::count_if(
            connections_.begin(), connections_.end(), [](const connection& c) { return !c.done; }
        );
        return static_cast<std::size_t>(open) == count;
    });
}

std::optional<std::uint64_t> scripted_upstream::written_when_blocked(
    std::size_t number, milliseconds quiet
) const {
    const auto until = clock::now() + patience;
    std::unique_lock lock(mutex_);
    while (clock::now() < until) {
        if (number < requests_.size() && requests_[number].blocked) {
            const auto last = requests_[number].last_write;
            if (clock::now() - last >= quiet) return requests_[number].written;
            changed_.wait_until(lock, last + quiet);
        } else {
            changed_.wait_until(lock, until);
        }
    }
    return std::nullopt;
}

void scripted_upstream::enqueue(answer next) {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(next));
}

void scripted_upstream::greet(std::function<greeting(std::size_t)> greetings) {
    const std::lock_guard lock(mutex_);
    greetings_ = std::move(greetings);
}

void scripted_upstream::set_health(int status) {
    const std::lock_guard lock(mutex_);
    health_ = status;
}

}  // namespace penstock::test
