// One loop of the gateway.
#include "gateway/worker_thread.hpp"

#include "gateway/request_context.hpp"
#include "gateway/request_path.hpp"
#include "penstock/observe/log.hpp"

namespace penstock::gateway {
namespace {

// Said to a connection that cannot be served, before anything was read of it.
std::string refuse_connection(errc code) {
    const auto& row = describe(code);
    std::string body = R"({"error":{"message":")";
    body += row.message;
    body += R"(","type":"overloaded_error","param":null,"code":")";
    body += row.openai_code;
    body += R"("}})";
    return "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
           "Retry-After: 1\r\nretry-after-ms: 1000\r\nConnection: close\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace

worker_thread::worker_thread(
    shared_parts& process,
    io::loop& loop,
    std::shared_ptr<const snapshot> settings,
    std::uint64_t seed
)
    : process_(process),
      state_{
          .process = process,
          .loop = loop,
          .settings = {},
          .metrics = process.metrics.of_thread(loop.index()),
          .log = process.log ? &process.log->of_thread(loop.index()) : nullptr,
          .ids = observe::request_ids(seed, loop.index()),
          .first_request = nullptr
      },
      server_(loop, *this, process.bodies, process.serving, false),
      admin_server_(loop, *this, process.bodies, process.serving, true),
      listen_tls_(*settings) {
    follow(std::move(settings));
}

worker_thread::~worker_thread() = default;

// A reference count of this thread's own: requests of other threads do not make its line bounce.
void worker_thread::follow(std::shared_ptr<const snapshot> next) {
    const snapshot* view = next.get();
    auto holder = std::make_shared<std::shared_ptr<const snapshot>>(std::move(next));
    state_.settings = std::shared_ptr<const snapshot>(std::move(holder), view);
    server_.set_options(view->server);
    admin_server_.set_options(view->server);
    listen_tls_.follow(*view);
}

void worker_thread::accept_on(io::listener listener, std::optional<std::size_t> index) {
    listeners_.push_back(std::move(listener));
    listeners_.back().accept_on(state_.loop, [this, index](io::channel client) {
        accepted(std::move(client), index);
    });
}

void worker_thread::accepted(io::channel client, std::optional<std::size_t> index) {
    const auto tls = index ? listen_tls_.of(*index) : nullptr;
    auto inside = process_.serving.enter(process_.connections_max.load(std::memory_order_relaxed));
    if (!inside) {
        // A TLS client could not read what is said; to shake hands first is what overload forbids.
        if (tls) return;
        const bool closing = process_.serving.is_closed();
        std::ignore =
            client.send_now(refuse_connection(closing ? errc::draining : errc::too_many_connections)
            );
        return;
    }
    if (!index) return admin_server_.serve(std::move(client), nullptr, std::move(inside));
    server_.serve(std::move(client), tls, std::move(inside));
}

void worker_thread::stop_listening() noexcept {
    for (auto& each : listeners_)
        each.close();
    server_.close_idle();
    admin_server_.close_idle();
}

void worker_thread::cut_requests() noexcept {
    for (auto* each = state_.first_request; each; each = each->next_request)
        each->cut();
}

void worker_thread::abort_connections() noexcept {
    server_.abort_all();
    admin_server_.abort_all();
}

io::task<void> worker_thread::handle(http::exchange& x) {
    return run_request(x, state_);
}

io::task<void> worker_thread::refuse(http::exchange& x, refusal why) {
    return refuse_head(x, state_, std::move(why));
}

void worker_thread::escaped(const std::exception_ptr& what) noexcept {
    observe::log::escaped("connection_failed", what);
}

}  // namespace penstock::gateway
