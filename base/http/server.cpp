// Connections: reading heads under their limits, handing exchanges to the handler, closing so that
// a refusal can still be read.
#include "penstock/http/server.hpp"

#include "base/http/connection.hpp"
#include "base/http/spare_bytes.hpp"

namespace penstock::http {
namespace {

constexpr std::uint64_t linger_bytes = 256 * 1024;
constexpr duration linger_time = std::chrono::seconds(1);

}  // namespace

server::server(
    io::loop& home, handler& handler, body_budget& budget, const gate& serving, bool is_admin
)
    : home_(home), handler_(handler), budget_(budget), serving_(serving), admin_(is_admin) {}

namespace {

io::task<void> run_connection(std::unique_ptr<connection> c) {
    co_await c->run();
}

}  // namespace

void server::serve(
    io::channel client, std::shared_ptr<const io::tls_context> tls, gate::pass inside
) {
    auto c =
        std::make_unique<connection>(*this, std::move(client), std::move(tls), std::move(inside));
    io::spawn(run_connection(std::move(c)), [&to = handler_](const std::exception_ptr& what) {
        if (what) to.escaped(what);
    });
}

void server::close_idle() noexcept {
    for (connection* c = first_; c;)
        std::exchange(c, c->next())->close_if_idle();
}

void server::abort_all() noexcept {
    for (connection* c = first_; c;)
        std::exchange(c, c->next())->abort();
}

// ── connection ──────────────────────────────────────────────────────────────────────────────────

connection::connection(
    server& owner, io::channel client, std::shared_ptr<const io::tls_context> tls, gate::pass inside
)
    : owner_(owner),
      client_(std::move(client)),
      tls_(std::move(tls)),
      inside_(std::move(inside)),
      next_(owner.first_),
      link_(&owner.first_) {
    if (next_) next_->link_ = &next_;
    owner_.first_ = this;
    owner_.num_open_.fetch_add(1, std::memory_order_relaxed);
}

connection::~connection() {
    set_idle(false);
    owner_.num_open_.fetch_sub(1, std::memory_order_relaxed);
    *link_ = next_;
    if (next_) next_->link_ = link_;
}

void connection::close_if_idle() noexcept {
    if (idle_) client_.close();
}

void connection::set_idle(bool idle) noexcept {
    if (idle_ == idle) return;
    idle_ = idle;
    owner_.num_idle_.fetch_add(idle ? 1 : std::size_t(-1), std::memory_order_relaxed);
}

io::task<void> connection::run() {
    if (tls_) {
        set_idle(true);
        client_.set_deadline(after(owner_.home_.now(), owner_.options_->head_timeout));
        auto secured = co_await client_.start_tls(tls_, io::tls_session::role::server, {});
        if (secured.has_error() || owner_.serving_.is_closed()) co_return;
        client_.set_deadline(never);
    }
    while (true) {
        const bool more = co_await serve_one();
        if (!more) co_return;
    }
}

io::task<bool> connection::serve_one() {
    exchange x(client_, owner_.budget_, owner_.options_, owner_.serving_, owner_.admin_);
    auto arrived = co_await read_head(x);
    if (arrived.has_value() && !arrived.value()) co_return false;
    if (arrived.has_error()) {
        x.close_after();
        co_await owner_.handler_.refuse(x, std::move(arrived).error());
    } else {
        co_await owner_.handler_.handle(x);
    }
    client_.watch(nullptr);
    if (!x.finished_ || x.broken_) {
        client_.abort();
        co_return false;
    }
    // A kept connection was promised before the drain began, perhaps: it is closed all the same.
    if (x.keep_alive_ && !owner_.serving_.is_closed()) {
        if (x.body_read_ || x.head_.framing == body_framing::none) {
            if (!x.early_.empty()) client_.unread(x.early_);
            co_return client_.is_open();
        }
        const bool drained = co_await drain_body(x);
        co_return drained;
    }
    co_await linger(x);
    co_return false;
}

// True: a head is there. False: the client left, or was idle too long, between requests.
io::task<stage_result<bool>> connection::read_head(exchange& x) {
    std::string so_far;
    bool started = false;
    set_idle(true);
    client_.set_deadline(after(owner_.home_.now(), owner_.options_->idle_timeout));
    while (true) {
        auto bytes = co_await client_.read();
        set_idle(false);
        if (!started) x.options_ = owner_.options_;
        const server_options& options = *x.options_;
        if (bytes.has_error()) {
            if (bytes.error().code == errc::timed_out && started)
                co_return refusal(errc::head_timeout);
            co_return false;
        }
        if (bytes.value().empty()) co_return false;
        const std::size_t searched = so_far.size() > 3 ? so_far.size() - 3 : 0;
        std::string_view seen = bytes.value();
        if (started) {
            so_far.append(seen);
            seen = so_far;
        }
        const std::size_t end = find_head_end(seen, started ? searched : 0);
        if (end != std::string_view::npos) {
            x.head_bytes_ = spare_bytes::take();
            x.head_bytes_.assign(seen.substr(0, end));
            x.early_ = spare_bytes::take();
            x.early_.assign(seen.substr(end));
            break;
        }
        if (seen.size() > options.head.head_bytes) co_return refusal(errc::head_too_large);
        if (!started) {
            so_far.assign(seen);
            started = true;
            client_.set_deadline(after(owner_.home_.now(), options.head_timeout));
        }
    }
    client_.set_deadline(never);
    auto parsed = parse_request_head(x.head_bytes_, x.options_->head, x.head_);
    if (parsed.has_error()) {
        x.head_.forget_headers();
        co_return std::move(parsed).error();
    }
    x.keep_alive_ = x.head_.keep_alive;
    co_return true;
}

// After an early refusal of a small body: reads it away, so that the connection can be kept.
io::task<bool> connection::drain_body(exchange& x) {
    body_reader reader(x.head_.framing, x.head_.content_length);
    std::string_view payload;
    client_.set_deadline(after(owner_.home_.now(), x.options_->body_timeout));
    const std::string early = std::move(x.early_);
    std::string_view bytes = early;
    while (true) {
        body_reader::step step;
        do
            step = reader.next(bytes, payload);
        while (step == body_reader::step::payload);
        if (step == body_reader::step::done) break;
        if (step == body_reader::step::malformed) co_return false;
        auto more = co_await client_.read();
        if (more.has_error() || more.value().empty()) co_return false;
        bytes = more.value();
    }
    if (!bytes.empty()) client_.unread(bytes);
    client_.set_deadline(never);
    co_return client_.is_open() && !owner_.serving_.is_closed();
}

// Half-closes and reads away what the client still sends, for a while, so that the answer is not
// lost to a reset.
io::task<void> connection::linger(exchange& x) {
    x.release_request();
    if (!client_.is_open() || client_.has_departed()) co_return;
    if (client_.is_tls()) {
        // Of TLS all that was written is taken at once, and may still wait for the kernel.
        auto drained = co_await x.drain();
        if (drained.has_error()) co_return client_.abort();
    }
    client_.shutdown_send();
    client_.set_deadline(after(owner_.home_.now(), linger_time));
    std::uint64_t drained = 0;
    while (drained < linger_bytes) {
        auto bytes = co_await client_.read();
        if (bytes.has_error() || bytes.value().empty()) break;
        drained += bytes.value().size();
    }
}

}  // namespace penstock::http
