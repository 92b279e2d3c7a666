// The HTTP/1.1 server: one coroutine per connection, one exchange per request on it. What a request
// means is the handler's.
#pragma once

#include "penstock/gate.hpp"
#include "penstock/http/body_reader.hpp"
#include "penstock/http/head.hpp"
#include "penstock/io/channel.hpp"

#include <atomic>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace penstock::http {

// Bytes of request bodies held at once, over all threads.
class body_budget {
 public:
    explicit body_budget(std::uint64_t limit) noexcept : limit_(limit) {}
    bool take(std::uint64_t bytes) noexcept;
    void give(std::uint64_t bytes) noexcept { held_.fetch_sub(bytes, std::memory_order_relaxed); }
    std::uint64_t held() const noexcept { return held_.load(std::memory_order_relaxed); }
    void set_limit(std::uint64_t limit) noexcept { limit_.store(limit, std::memory_order_relaxed); }

 private:
    std::atomic<std::uint64_t> held_{0};
    std::atomic<std::uint64_t> limit_;
};

struct server_options {
    head_limits head;
    std::uint64_t body_bytes = 32 * 1024 * 1024;
    duration head_timeout = std::chrono::seconds(10);  // from the first byte of a head
    duration body_timeout = std::chrono::seconds(60);
    duration idle_timeout = std::chrono::seconds(75);   // between requests
    duration stall_timeout = std::chrono::seconds(60);  // a client that takes nothing of its answer
};

// One request and its answer. Lives in its connection's coroutine; used on the loop's thread.
class exchange {
 public:
    exchange(
        io::channel& client,
        body_budget& budget,
        std::shared_ptr<const server_options> options,
        const gate& serving,
        bool is_admin
    );
    ~exchange();
    exchange(const exchange&) = delete;
    exchange& operator=(const exchange&) = delete;

    const request_head& head() const noexcept { return head_; }
    std::size_t head_size() const noexcept { return head_bytes_.size(); }  // in bytes, as it came
    // Came in on the admin listener.
    bool is_admin() const noexcept { return admin_; }
    io::channel& client() noexcept { return client_; }
    io::loop& home() noexcept { return client_.home(); }

    // The whole body, out of its framing, into `body()`. Answers `Expect: 100-continue`. Refuses
    // with body_too_large, body_timeout, malformed_body, out_of_body_memory, client_gone. Once.
    io::task<stage_result<>> read_body();
    std::string_view body() const noexcept { return body_; }
    // Frees the body and the head's bytes; `head()` is empty afterwards.
    void release_request() noexcept;

    // ── the answer: `respond` once, or `start`, `write_now`/`drain` and at last `write_now(…,
    // true)` ──

    // `headers`: whole lines, each ending in CRLF; Content-Length and Connection are added.
    io::task<result<void>> respond(int status, std::string_view headers, std::string_view body);

    // Composes the head; it leaves with the first piece. Without a length the body is chunked, or
    // ends with the connection for HTTP/1.0.
    void start(
        int status,
        std::string_view reason,
        std::string_view headers,
        std::optional<std::uint64_t> length
    );
    // Sends pieces of the body as far as the kernel takes them and keeps the rest. False: `drain`
    // before the next piece. `last` ends the body. Pieces may be empty (the head alone).
    result<bool> write_now(std::span<const std::string_view> pieces, bool last = false);
    // Waits until all that was written has left; a client that stalls ends it with timed_out. After
    // an error nothing more can be written.
    io::task<result<void>> drain();

    bool has_started() const noexcept { return started_; }
    bool has_sent_head() const noexcept { return bytes_out_ > 0; }
    bool has_finished() const noexcept { return finished_; }
    std::uint64_t bytes_out() const noexcept { return bytes_out_; }

    // Told when the client leaves before the answer has ended; nullptr takes it away.
    void watch(io::departure_watcher* who) noexcept { client_.watch(who); }
    // The answer cannot be ended properly: the connection is reset, so that what arrived is not
    // taken for the whole.
    void abort() noexcept { client_.abort(); }
    void close_after() noexcept { keep_alive_ = false; }

 private:
    friend class connection;
    stage_result<> take_early();
    io::task<stage_result<>> read_more();
    stage_result<> append(std::string_view bytes);
    io::task<result<void>> send_rest(std::string_view rest);
    bool may_keep_alive() const noexcept;
    void compose_head(int status, std::string_view reason, std::string_view headers);

    io::channel& client_;
    body_budget& budget_;
    std::shared_ptr<const server_options> options_;  // of the moment when its head began
    const gate& serving_;
    const bool admin_;
    request_head head_;
    std::string head_bytes_;  // what head_ points into
    body_reader reader_;
    std::string body_;
    std::uint64_t budgeted_ = 0;
    std::string early_;  // bytes of the body that came with the head
    std::string out_;    // composed or refused by the kernel, not yet sent
    std::uint64_t bytes_out_ = 0;
    bool body_read_ = false, keep_alive_ = true, chunked_ = false;
    bool started_ = false, finished_ = false;
    bool broken_ = false;  // bytes of the answer are lost: the connection is reset
};

class handler {
 public:
    virtual ~handler() = default;
    // Answers. If it returns without having finished an answer, the connection is reset.
    virtual io::task<void> handle(exchange& x) = 0;
    // A head that could not be read: of `x.head()` there is at most method and path. The connection
    // closes afterwards.
    virtual io::task<void> refuse(exchange& x, refusal why) = 0;
    // Out of one of these, of a connection that is reset: nobody else learns of it. On the loop's
    // thread.
    virtual void escaped(const std::exception_ptr& /*what*/) noexcept {}
};

// Connections of one loop. The handler, the budget and the gate must outlive it.
class server {
 public:
    server(
        io::loop& home, handler& handler, body_budget& budget, const gate& serving, bool is_admin
    );

    // For requests that begin from then on.
    void set_options(const server_options& options) {
        options_ = std::make_shared<const server_options>(options);
    }
    // Serves until the client leaves; `inside` is held as long. `tls` may be null.
    void serve(io::channel client, std::shared_ptr<const io::tls_context> tls, gate::pass inside);
    // Closes connections that wait for a request; busy ones close after their answer, once the gate
    // is closed.
    void close_idle() noexcept;
    // Resets every connection.
    void abort_all() noexcept;

    // Any thread. Those that wait for a request are open, too.
    std::size_t num_open() const noexcept { return num_open_.load(std::memory_order_relaxed); }
    std::size_t num_idle() const noexcept { return num_idle_.load(std::memory_order_relaxed); }

 private:
    friend class connection;
    io::loop& home_;
    handler& handler_;
    body_budget& budget_;
    const gate& serving_;
    const bool admin_;
    std::shared_ptr<const server_options> options_ = std::make_shared<const server_options>();
    class connection* first_ = nullptr;
    std::atomic<std::size_t> num_open_{0}, num_idle_{0};
};

}  // namespace penstock::http
