// The HTTP/1.1 client's half: an answer as its bytes come, and connections kept for the next
// request.
#pragma once

#include "penstock/http/body_reader.hpp"
#include "penstock/http/response.hpp"
#include "penstock/io/channel.hpp"

#include <atomic>
#include <list>
#include <memory>
#include <string>
#include <string_view>

namespace penstock::http {

// One answer on an upstream's connection. Deadlines are the caller's, on the channel.
class answer {
 public:
    explicit answer(io::channel& upstream, std::size_t head_bytes_max = 64 * 1024) noexcept;
    ~answer();
    answer(const answer&) = delete;
    answer& operator=(const answer&) = delete;

    // Skips interim (1xx) heads. Fails with end_of_stream or connection_reset when the connection
    // ended before any byte came (`has_begun()` tells), upstream_protocol when it is no HTTP.
    io::task<result<void>> read_head(bool request_was_head = false);
    const response_head& head() const noexcept { return head_; }
    bool has_begun() const noexcept { return begun_; }

    // What is at hand may lie in the loop's scratch; afterwards it is the answer's own and outlives
    // any wait but a read of the channel.
    void own_what_is_at_hand();

    // The next piece of the body that is at hand; valid until the channel is read again.
    body_reader::step next(std::string_view& payload) noexcept {
        return reader_.next(rest_, payload);
    }
    // Takes what a read of the channel gave. False: the body ended properly with the connection. A
    // connection that ends inside the body is upstream_broken.
    //     auto more = answer.feed(co_await channel.read());   // in two statements
    result<bool> feed(result<std::string_view> bytes);

    // Done, nothing left over, and the peer keeps the connection.
    bool is_reusable() const noexcept;

 private:
    io::channel& upstream_;
    std::size_t head_bytes_max_;
    std::string head_bytes_;
    std::string early_;  // what came of a head in pieces and with it, or was lent no longer
    response_head head_;
    body_reader reader_;
    std::string_view rest_;
    bool borrowed_ = false;  // `rest_` lies in what the channel lent
    bool begun_ = false;
};

// Connections to one upstream that wait for the next request, the most recently used first. One
// loop's.
class idle_connections {
 public:
    idle_connections(io::loop& home, std::size_t max, duration keep_for);
    ~idle_connections();

    // A closed channel when there is none. A connection that the peer closed is never given.
    io::channel take() noexcept;
    // Closes the oldest when there are too many.
    void put(io::channel connection);
    void clear() noexcept;
    // Any thread. Settings hold for connections that are put from then on.
    void configure(std::size_t max, duration keep_for) noexcept;
    std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }

 private:
    struct idle;
    void remove(idle& gone) noexcept;

    io::loop& home_;
    std::atomic<std::size_t> max_;
    std::atomic<duration> keep_for_;
    std::list<idle> idle_;
    std::atomic<std::size_t> size_{0};
};

}  // namespace penstock::http
