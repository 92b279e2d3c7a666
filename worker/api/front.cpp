// Listeners, the loop's thread and the drain.
#include "worker/api/front.hpp"

#include "penstock/observe/log.hpp"
#include "penstock/openai/error_body.hpp"

#include <algorithm>
#include <charconv>
#include <pthread.h>
#include <random>
#include <sys/resource.h>

namespace penstock::worker {
namespace {

constexpr duration look_every = std::chrono::milliseconds(5);
constexpr duration to_end = std::chrono::seconds(2);    // for answers that were cut
constexpr duration to_abort = std::chrono::seconds(1);  // for connections that were reset

std::uint64_t random_number() {
    std::random_device device;
    return (std::uint64_t{device()} << 32) | device();
}

// The model's files and the program's own need some, too.
std::uint32_t clamp_to_descriptors(std::uint32_t wanted) {
    constexpr rlim_t own = 64;
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    getrlimit(RLIMIT_NOFILE, &files);
    const rlim_t possible = files.rlim_cur > 2 * own ? files.rlim_cur - own : own;
    if (wanted <= possible) return wanted;
    observe::log::warning(
        "connections_clamped",
        {{"configured", wanted}, {"to", possible}, {"nofile", files.rlim_cur}}
    );
    return static_cast<std::uint32_t>(possible);
}

// Said to a connection that cannot be served, before anything was read of it.
std::string refuse_connection(bool closing) {
    const std::string body = openai::error_body(
        openai::dialect::chat,
        closing ? refusal(errc::draining, "This worker is shutting down.")
                : refusal(errc::too_many_connections, "This worker has no connection left."),
        {}
    );
    return "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
           "Retry-After: 1\r\nretry-after-ms: 1000\r\nConnection: close\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::uint16_t port_of(std::string_view address) {
    if (address.starts_with("unix:")) return 0;
    const auto colon = address.rfind(':');
    std::uint16_t port = 0;
    const char* end = address.data() + address.size();
    std::from_chars(address.data() + colon + 1, end, port);
    return port;
}

}  // namespace

front::front(engine& running, const served_model& model, const front_options& options)
    : connections_max_(clamp_to_descriptors(options.max_connections)),
      bodies_(options.bodies_bytes),
      service_(running, model, options.service, serving_, random_number()),
      server_(loop_, service_, bodies_, serving_, false) {
    server_.set_options(options.server);
}

result<std::unique_ptr<front>> front::open(
    engine& running, const served_model& model, const front_options& options
) {
    std::unique_ptr<front> made(new front(running, model, options));
    for (const std::string& address : options.listen) {
        CHECK(made->listen(address, options.backlog));
    }
    made->thread_ = std::thread([loop = &made->loop_] { loop->run(); });
    pthread_setname_np(made->thread_.native_handle(), "io");
    return made;
}

front::~front() {
    if (thread_.joinable()) stop(duration::zero());
}

result<void> front::listen(const std::string& address, int backlog) {
    auto where = io::parse_endpoint(address);
    if (where.has_error())
        return error(
            errc::invalid_value, "cannot listen on '" + address + "': " + where.error().detail
        );
    auto opened = io::listener::open(where.value(), backlog);
    if (opened.has_error())
        return error(
            errc::io_failed, "cannot listen on '" + address + "': " + opened.error().detail
        );
    listeners_.push_back(std::move(opened).value());
    addresses_.push_back(listeners_.back().bound().text);
    socket_files_.emplace_back(addresses_.back());
    if (port_ == 0) port_ = port_of(addresses_.back());
    listeners_.back().accept_on(loop_, [this](io::channel client) { accepted(std::move(client)); });
    return success();
}

void front::accepted(io::channel client) {
    auto inside = serving_.enter(connections_max_);
    if (!inside) {
        std::ignore = client.send_now(refuse_connection(serving_.is_closed()));
        return;
    }
    server_.serve(std::move(client), nullptr, std::move(inside));
}

bool front::empty_within(duration at_most) const {
    const time_point end = after(io::loop::exact_now(), at_most);
    while (serving_.inside() > 0 && io::loop::exact_now() < end)
        std::this_thread::sleep_for(look_every);
    return serving_.inside() == 0;
}

void front::stop(duration drain_timeout) {
    serving_.close();
    // First: while the file and its listener are both ours, nobody takes its place.
    socket_files_.clear();
    loop_.post([this] {
        for (auto& each : listeners_)
            each.close();
        server_.close_idle();
    });
    if (!empty_within(drain_timeout)) {
        observe::log::warning("drain_deadline_passed", {{"connections", serving_.inside()}});
        loop_.post([this] { service_.cut_answers(); });
        if (!empty_within(to_end)) {
            loop_.post([this] { server_.abort_all(); });
            empty_within(to_abort);
        }
    }
    loop_.stop();
    thread_.join();
}

}  // namespace penstock::worker
