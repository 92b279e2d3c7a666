// Keep-alive: connections that wait, watched so that a closed one is never used again.
#include "penstock/http/client.hpp"

namespace penstock::http {

struct idle_connections::idle final : io::timed, io::departure_watcher {
    idle(idle_connections& owner, io::channel connection)
        : owner(owner), connection(std::move(connection)) {}
    ~idle() override {
        owner.home_.clear_deadline(*this);
        if (connection) connection.watch(nullptr);
    }

    // Removal destroys the channel, which may not happen inside the channel's own call: it waits
    // for the wheel.
    void on_departure() noexcept override {
        connection.close();
        owner.home_.set_deadline(*this, owner.home_.now());
    }
    void on_time() noexcept override { owner.remove(*this); }

    idle_connections& owner;
    io::channel connection;
    std::list<idle>::iterator place;
};

idle_connections::idle_connections(io::loop& home, std::size_t max, duration keep_for)
    : home_(home), max_(max), keep_for_(keep_for) {}

idle_connections::~idle_connections() = default;

io::channel idle_connections::take() noexcept {
    while (!idle_.empty()) {
        idle& newest = idle_.front();
        io::channel connection;
        if (!newest.connection.is_stale()) {
            newest.connection.watch(nullptr);
            connection = std::move(newest.connection);
        }
        idle_.pop_front();
        size_.fetch_sub(1, std::memory_order_relaxed);
        if (connection) return connection;
    }
    return {};
}

void idle_connections::put(io::channel connection) {
    const std::size_t max = max_.load(std::memory_order_relaxed);
    if (connection.is_stale() || max == 0) return;
    connection.set_deadline(never);
    idle_.emplace_front(*this, std::move(connection));
    idle& newest = idle_.front();
    newest.place = idle_.begin();
    home_.set_deadline(newest, after(home_.now(), keep_for_.load(std::memory_order_relaxed)));
    newest.connection.watch(&newest);
    size_.fetch_add(1, std::memory_order_relaxed);
    while (idle_.size() > max)
        remove(idle_.back());
}

void idle_connections::remove(idle& gone) noexcept {
    idle_.erase(gone.place);
    size_.fetch_sub(1, std::memory_order_relaxed);
}

void idle_connections::configure(std::size_t max, duration keep_for) noexcept {
    max_.store(max, std::memory_order_relaxed);
    keep_for_.store(keep_for, std::memory_order_relaxed);
}

void idle_connections::clear() noexcept {
    size_.fetch_sub(idle_.size(), std::memory_order_relaxed);
    idle_.clear();
}

}  // namespace penstock::http
