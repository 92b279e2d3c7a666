// The channel over Asio's sockets. A read waits for readiness and then takes all that is there into
// the loop's scratch: a waiting connection holds no buffer (docs/decisions/0008-wait-then-read.md).
#include "penstock/io/channel.hpp"

#include "base/io/channel_state.hpp"
#include "base/io/errors.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>
#include <tuple>
#include <unistd.h>

namespace penstock::io {
namespace {

int family_of(int descriptor) noexcept {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size);
    return address.ss_family;
}

}  // namespace

channel::state::state(loop& home, int descriptor, int family)
    : home(home),
      socket(home.context(), boost::asio::generic::stream_protocol(family, 0), descriptor) {
    socket.native_non_blocking(true);
    if (family == AF_INET || family == AF_INET6) {
        const int on = 1;
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
}

// ── reading ─────────────────────────────────────────────────────────────────────────────────────

void channel::state::start_read() {
    if (read_pending || closed || read_end != errc::count_) return;
    read_pending = true;
    socket.async_wait(
        boost::asio::socket_base::wait_read,
        [self = reference(this)](boost::system::error_code failed) {
            self.self->on_readable(failed);
        }
    );
}

void channel::state::end_reading(errc why) noexcept {
    if (read_end == errc::count_) read_end = why;
}

void channel::state::on_readable(boost::system::error_code failed) {
    read_pending = false;
    if (closed)
        end_reading(errc::canceled);
    else if (failed)
        end_reading(code_of(failed));

    if (reader) {
        readable = true;
        if (!can_read()) return start_read();  // ciphertext of less than one record
        return std::exchange(reader, nullptr).resume();
    }
    if (!watcher || read_end != errc::count_) {
        readable = true;
        return tell_departure_if_ended();
    }
    keep_some();
}

// Into the scratch, for a reader that takes it now. False: nothing came.
bool channel::state::fetch() noexcept {
    if (!readable || read_end != errc::count_) return false;
    const auto scratch = home.scratch();
    const ssize_t size = ::recv(fd(), scratch.data(), scratch.size(), MSG_DONTWAIT);
    readable = size == static_cast<ssize_t>(scratch.size());
    if (size > 0)
        fetched = {scratch.data(), static_cast<std::size_t>(size)};
    else
        note_end(size);
    return size > 0;
}

// What arrives while nobody reads, up to a bound, so that an end behind it is seen.
void channel::state::keep_some() {
    readable = kept.size() == kept_max;
    if (readable) return;
    std::array<char, kept_at_once> some;
    const std::size_t room = std::min(some.size(), kept_max - kept.size());
    const ssize_t size = ::recv(fd(), some.data(), room, MSG_DONTWAIT);
    if (size > 0)
        kept.append(some.data(), static_cast<std::size_t>(size));
    else
        note_end(size);
    if (read_end != errc::count_) return tell_departure();
    readable = kept.size() == kept_max;
    if (!readable) start_read();
}

// Of a recv that brought nothing.
void channel::state::note_end(ssize_t size) noexcept {
    if (size == 0) return end_reading(errc::end_of_stream);
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        end_reading(code_of(boost::system::error_code(errno, boost::system::system_category())));
}

void channel::state::tell_departure_if_ended() noexcept {
    if (read_end != errc::count_) tell_departure();
}

void channel::state::tell_departure() noexcept {
    if (auto* who = std::exchange(watcher, nullptr)) who->on_departure();
}

// A pending read tells by itself.
void channel::state::tell_departure_later() {
    if (!read_pending) home.post([self = reference(this)] { self.self->tell_departure(); });
}

bool channel::state::can_read() noexcept {
    if (stash_taken) {
        stash.clear();
        stash_taken = false;
    }
    if (!stash.empty() || closed || reader_timed_out) return true;
    if (tls ? decrypt() : has_raw() || fetch()) return true;
    return read_end != errc::count_;
}

// Moves what arrived into the TLS session and what comes out of it into the scratch. The session is
// emptied first, so that it never holds more than what one read brought.
bool channel::state::decrypt() noexcept {
    auto size = tls->has_unread() ? tls->read(home.scratch()) : result<std::size_t>(0);
    if (size.has_value() && size.value() == 0 && (has_raw() || fetch())) {
        tls->feed(take_raw());
        size = tls->read(home.scratch());
    }
    if (size.has_error()) {
        end_reading(size.error().code);
        return true;
    }
    plain = {home.scratch().data(), size.value()};
    return !plain.empty();
}

// What was kept comes before what was fetched.
std::string_view channel::state::take_raw() noexcept {
    if (kept.empty()) return std::exchange(fetched, {});
    stash = std::exchange(kept, {});
    stash_taken = true;
    return stash;
}

result<std::string_view> channel::state::take() noexcept {
    if (std::exchange(reader_timed_out, false)) return error(errc::timed_out);
    if (closed) return error(errc::canceled);
    if (!stash.empty()) {
        stash_taken = true;
        return std::string_view(stash);
    }
    if (tls && !plain.empty()) return std::exchange(plain, {});
    if (!tls && has_raw()) return take_raw();
    if (was_truncated()) return error(errc::connection_reset, "TLS ended without close_notify");
    if (read_end == errc::end_of_stream) return std::string_view{};
    return error(read_end);
}

bool channel::read_awaiter::await_ready() noexcept {
    return self.state_->can_read();
}

void channel::read_awaiter::await_suspend(std::coroutine_handle<> h) noexcept {
    self.state_->reader = h;
    self.state_->start_read();
}

result<std::string_view> channel::read_awaiter::await_resume() noexcept {
    return self.state_->take();
}

void channel::unread(std::string_view bytes) {
    auto& s = *state_;
    if (s.stash_taken) {
        // Most often these are the tail of what was just taken.
        s.stash = std::string(bytes);
        s.stash_taken = false;
    } else {
        s.stash.insert(0, bytes);
    }
}

// ── life ────────────────────────────────────────────────────────────────────────────────────────

channel::channel() noexcept = default;
channel::channel(channel&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
channel& channel::operator=(channel&& other) noexcept {
    std::swap(state_, other.state_);
    return *this;
}

channel::~channel() {
    if (!state_) return;
    state_->reader = nullptr;
    state_->writer = nullptr;
    state_->watcher = nullptr;
    close();
    state_->home.clear_deadline(*state_);
    state_->release();
}

channel channel::adopt(loop& home, int descriptor) {
    return channel(new state(home, descriptor, family_of(descriptor)));
}

bool channel::is_open() const noexcept {
    return state_ && !state_->closed;
}
loop& channel::home() const noexcept {
    return state_->home;
}

void channel::watch(departure_watcher* who) noexcept {
    auto& s = *state_;
    s.watcher = who;
    if (!who) return;
    if (s.kept.size() < state::kept_max) s.start_read();
    if (has_departed()) s.tell_departure_later();
}

bool channel::has_departed() const noexcept {
    return state_->closed || state_->read_end != errc::count_;
}

void channel::set_deadline(time_point when) noexcept {
    if (state_) state_->home.set_deadline(*state_, when);
}

void channel::state::on_time() noexcept {
    const reference alive(this);
    const auto late_writer = writer;
    if (reader) {
        reader_timed_out = true;
        std::exchange(reader, nullptr).resume();
    }
    // Whoever was resumed may wait anew, with another deadline.
    if (writer && writer == late_writer) {
        writer_timed_out = true;
        std::exchange(writer, nullptr).resume();
    }
}

void channel::close() noexcept {
    if (!is_open()) return;
    if (state_->tls && state_->read_end != errc::tls_failed) {
        state_->tls->shutdown();
        std::ignore = state_->flush_ciphertext();
    }
    state_->close_socket();
}

// Without close_notify, which would make what the peer has the whole.
void channel::abort() noexcept {
    if (!is_open()) return;
    const linger at_once{1, 0};
    setsockopt(state_->fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    state_->close_socket();
}

// Pending operations end with `canceled` and resume who waits.
void channel::state::close_socket() noexcept {
    closed = true;
    boost::system::error_code ignored;
    socket.close(ignored);
    if (watcher) tell_departure_later();
}

void channel::shutdown_send() noexcept {
    if (!is_open()) return;
    if (state_->tls) {
        state_->tls->shutdown();
        std::ignore = state_->flush_ciphertext();
    }
    ::shutdown(state_->fd(), SHUT_WR);
}

bool channel::is_tls() const noexcept {
    return state_ && state_->tls != nullptr;
}

std::string channel::peer_certificate_name() const {
    return is_tls() ? state_->tls->peer_name() : std::string();
}

task<result<void>> channel::start_tls(
    std::shared_ptr<const tls_context> context, tls_session::role role, std::string host
) {
    auto session = std::make_unique<tls_session>(*context, role, host);
    while (true) {
        auto step = session->handshake();
        const std::string flight(session->pending());
        session->sent(flight.size());
        if (!flight.empty()) {
            CO_CHECK(send(flight));
        }
        if (step.has_error()) co_return std::move(step).error();
        if (step.value()) break;
        CO_TRY(const std::string_view bytes, read());
        if (bytes.empty()) co_return error(errc::end_of_stream, "during the TLS handshake");
        session->feed(bytes);
    }
    state_->tls = std::move(session);
    co_return success();
}

bool channel::is_stale() noexcept {
    if (!is_open() || has_departed()) return true;
    auto& s = *state_;
    if (!s.stash.empty() && !s.stash_taken) return true;
    // Of TLS only plaintext or its end counts: session tickets come unasked for as well.
    return s.tls ? s.decrypt() : s.readable || s.has_raw();
}

duration channel::round_trip_time() const noexcept {
    tcp_info info{};
    socklen_t size = sizeof info;
    if (!is_open() || getsockopt(state_->fd(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return {};
    return std::chrono::microseconds(info.tcpi_rtt);
}

std::string channel::peer_address() const {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (!is_open() || getpeername(state_->fd(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
        return {};
    return text_of(reinterpret_cast<const sockaddr&>(address), size);
}

}  // namespace penstock::io
