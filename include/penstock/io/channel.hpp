// One connected stream socket, TCP or Unix, plain or TLS. Everything above knows no socket.
// Used on its loop's thread only. Destroying a channel closes it.
#pragma once

#include "penstock/clock.hpp"
#include "penstock/io/loop.hpp"
#include "penstock/io/task.hpp"
#include "penstock/io/tls.hpp"
#include "penstock/result.hpp"

#include <coroutine>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::io {

// Told once when the peer has left (FIN or RST), or the channel was closed by ourselves, while
// nobody was reading. May close any channel, and destroy any but the one that tells.
class departure_watcher {
 public:
    virtual void on_departure() noexcept = 0;

 protected:
    ~departure_watcher() = default;
};

struct endpoint;

class channel {
 public:
    channel() noexcept;
    channel(channel&&) noexcept;
    channel& operator=(channel&&) noexcept;
    ~channel();

    // Takes over a connected, non-blocking descriptor.
    static channel adopt(loop& home, int descriptor);

    bool is_open() const noexcept;
    explicit operator bool() const noexcept { return is_open(); }
    loop& home() const noexcept;

    // One read at a time. The bytes lie in the channel or in the loop's scratch and are valid until
    // the next co_await. Empty: the peer has ended its side properly. Errors: connection_reset,
    // timed_out, canceled (closed by ourselves), tls_failed; connection_reset, too, when the
    // connection ended without the end of the TLS session in it.
    struct read_awaiter {
        channel& self;
        bool await_ready() noexcept;
        void await_suspend(std::coroutine_handle<> h) noexcept;
        result<std::string_view> await_resume() noexcept;
    };
    read_awaiter read() noexcept { return {*this}; }

    // Gives back bytes that were read but belong to the next reader; they come first then. Copies.
    void unread(std::string_view bytes);

    // What the kernel takes now, without waiting; it may be less than all of it. TLS takes all
    // unless earlier ciphertext still waits, then nothing.
    result<std::size_t> send_now(std::span<const std::string_view> pieces) noexcept;
    result<std::size_t> send_now(std::string_view bytes) noexcept {
        return send_now(std::span<const std::string_view>(&bytes, 1));
    }
    // Sends all, waiting for a slow peer; `pieces` must live until then.
    task<result<void>> send(std::span<const std::string_view> pieces);
    task<result<void>> send(std::string_view bytes);

    // While nobody reads, a pending read notices the peer leaving. Up to 64 KiB of bytes that
    // arrive meanwhile are kept for the next reader; behind more than that a departure is not seen.
    // nullptr: nobody is told.
    void watch(departure_watcher* who) noexcept;
    bool has_departed() const noexcept;

    // Every wait of this channel that is still pending then ends with timed_out; the channel stays
    // open. `never` takes it away. Up to one tick late; a later deadline costs one store.
    void set_deadline(time_point when) noexcept;

    // Ends pending waits with `canceled`. Idempotent.
    void close() noexcept;
    // Closes with RST and no TLS close_notify, so that the peer cannot take what it has for the
    // whole.
    void abort() noexcept;
    // Half-close: the peer reads an end, we still read.
    void shutdown_send() noexcept;

    // TLS from here on. `host`: SNI and the name to verify, for clients.
    task<result<void>> start_tls(
        std::shared_ptr<const tls_context> context, tls_session::role role, std::string host
    );
    bool is_tls() const noexcept;
    std::string peer_certificate_name() const;

    // True when the peer has closed or sent something unasked for, as far as the loop has seen: an
    // idle connection that must not be reused.
    bool is_stale() noexcept;

    // From TCP_INFO; zero where the transport has none.
    duration round_trip_time() const noexcept;
    std::string peer_address() const;

 private:
    struct state;
    struct write_awaiter;
    friend task<result<void>> connect(
        channel& made, loop& home, const endpoint& where, time_point deadline
    );
    explicit channel(state* s) noexcept : state_(s) {}
    state* state_ = nullptr;
};

// One resolved place to connect to or listen on.
struct endpoint {
    std::string text;                    // for logs: "10.0.0.1:8000", "unix:/run/x.sock"
    std::vector<unsigned char> address;  // sockaddr bytes
};

// Numeric "10.0.0.1:8000", "[::1]:80" or "unix:/path".
result<endpoint> parse_endpoint(std::string_view text);

// Every address of a name. Blocks: never on a loop's thread.
result<std::vector<endpoint>> resolve(const std::string& host, std::uint16_t port);

// `made` is the connection from the first step on, so that `made.close()` ends the wait. Fails with
// connection_refused, timed_out, canceled or io_failed; `made` is then of no use.
task<result<void>> connect(channel& made, loop& home, const endpoint& where, time_point deadline);

// Listens on one address with SO_REUSEPORT (TCP), so that each loop has its own queue, or on a Unix
// socket that loops share. A `unix:` path is replaced when nobody answers on it, and is gone once
// the first of those who share it has closed.
class listener {
 public:
    // Port 0 picks one; `bound()` tells which.
    static result<listener> open(const endpoint& where, int backlog);
    listener(listener&&) noexcept;
    listener& operator=(listener&&) noexcept;
    ~listener();

    endpoint bound() const;
    // A second listener on the same address for another loop: a REUSEPORT sibling or a shared Unix
    // socket.
    result<listener> sibling() const;

    // Calls `accepted` with each connection, on `home`, until `close`. On errors that pass (EMFILE)
    // it pauses for 100 ms.
    void accept_on(loop& home, std::function<void(channel)> accepted);
    // Accepts what already waits (contracts.md §6), then stops listening. On the loop's thread.
    void close() noexcept;

 private:
    struct state;
    explicit listener(std::shared_ptr<state> s) noexcept;
    std::shared_ptr<state> state_;
};

}  // namespace penstock::io
