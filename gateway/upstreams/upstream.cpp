// Connecting to one replica.
#include "gateway/upstreams/upstream.hpp"

namespace penstock::gateway {
namespace {

std::string host_of(const settings::address& where) {
    if (where.host.empty()) return "localhost";
    std::string host =
        where.host.find(':') == std::string::npos ? where.host : "[" + where.host + "]";
    if (where.port != (where.tls ? 443 : 80)) host += ":" + std::to_string(where.port);
    return host;
}

}  // namespace

upstream::upstream(
    settings::address where,
    std::shared_ptr<const io::tls_context> tls,
    const std::vector<std::unique_ptr<io::loop>>& loops,
    std::size_t idle_max,
    duration idle_for
)
    : where_(std::move(where)), tls_(std::move(tls)), host_header_(host_of(where_)) {
    if (auto literal = io::parse_endpoint(to_text(where_)); literal.has_value()) {
        is_literal_ = true;
        endpoints_.push_back(std::move(literal).value());
    }
    for (const auto& each : loops)
        idle_.push_back(std::make_unique<http::idle_connections>(*each, idle_max, idle_for));
}

io::channel upstream::take_idle(io::loop& home) noexcept {
    return idle_[static_cast<std::size_t>(home.index())]->take();
}

io::task<result<void>> upstream::connect(io::channel& made, io::loop& home, time_point deadline) {
    error last(errc::name_not_resolved, where_.host);
    for (const io::endpoint& each : endpoints()) {
        auto connected = co_await connect_to(made, home, each, deadline);
        if (connected.has_value()) {
            measure(made);
            co_return success();
        }
        last = std::move(connected).error();
        if (last.code == errc::timed_out || last.code == errc::canceled) break;
    }
    co_return last;
}

io::task<result<void>> upstream::connect_to(
    io::channel& made, io::loop& home, const io::endpoint& where, time_point deadline
) {
    CO_CHECK(io::connect(made, home, where, deadline));
    if (!tls_) co_return success();
    made.set_deadline(deadline);
    CO_CHECK(made.start_tls(tls_, io::tls_session::role::client, where_.host));
    made.set_deadline(never);
    co_return success();
}

void upstream::give_back(io::loop& home, io::channel connection) {
    idle_[static_cast<std::size_t>(home.index())]->put(std::move(connection));
}

void upstream::configure(std::size_t idle_max, duration idle_for) {
    for (const auto& each : idle_)
        each->configure(idle_max, idle_for);
}

std::size_t upstream::num_idle() const noexcept {
    std::size_t sum = 0;
    for (const auto& each : idle_)
        sum += each->size();
    return sum;
}

result<void> upstream::resolve() {
    TRY(std::vector<io::endpoint> found, io::resolve(where_.host, where_.port));
    const std::lock_guard held(mutex_);
    endpoints_ = std::move(found);
    return success();
}

std::vector<io::endpoint> upstream::endpoints() const {
    const std::lock_guard held(mutex_);
    return endpoints_;
}

void upstream::measure(const io::channel& connection) noexcept {
    if (const duration rtt = connection.round_trip_time(); rtt > duration::zero())
        rtt_.store(rtt.count(), std::memory_order_relaxed);
}

}  // namespace penstock::gateway
