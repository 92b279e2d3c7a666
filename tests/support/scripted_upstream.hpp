// An HTTP/1.1 upstream inside the test's process that does what it is told and remembers what it
// got. A thread for each connection, blocking sockets, nothing of the code under test.
#pragma once

#include "support/answer.hpp"
#include "support/message.hpp"
#include "support/socket.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace penstock::test {

// One request as it came.
struct recorded {
    std::size_t number = 0;                   // in order of arrival, from 0
    std::size_t connection = 0;               // in order of acceptance, from 0
    std::string head;                         // raw, its empty line included
    std::string body;                         // out of its framing
    time_point arrived;                       // when the head was whole
    std::optional<time_point> body_read;      // when the body was whole
    std::optional<time_point> answered;       // when the last byte was handed to the kernel
    std::optional<time_point> client_closed;  // FIN or RST seen before the answer was over
    std::uint64_t written = 0;                // bytes of the answer that the kernel took
    time_point last_write;                    // when it last took one
    std::vector<time_point> write_times;      // of each write, the head first; the first 4096
    bool blocked = false;                     // waiting for the kernel to take more

    std::string method() const { return word_of_first_line(head, 0); }
    std::string target() const { return word_of_first_line(head, 1); }
    std::optional<std::string> header(std::string_view name) const { return header_of(head, name); }
};

// What happens to a connection before its first request.
enum class greeting { read, never_read, close, reset };

class scripted_upstream {
 public:
    using script = std::function<answer(const recorded&)>;

    // Listens on 127.0.0.1, port chosen by the system, or on a Unix path. Without a script every
    // request is answered by `chat("hello")`. The script runs on the connections' threads.
    explicit scripted_upstream(script answers = {});
    scripted_upstream(const std::string& unix_path, script answers);
    ~scripted_upstream();
    scripted_upstream(const scripted_upstream&) = delete;
    scripted_upstream& operator=(const scripted_upstream&) = delete;

    std::uint16_t port() const noexcept { return port_; }
    std::string url() const;  // "http://127.0.0.1:PORT" or "unix:PATH"

    // The next request gets the first of these, before the script is asked.
    void enqueue(answer next);
    // Asked for each connection, by its number.
    void greet(std::function<greeting(std::size_t)> greetings);
    // Connections are refused from now on; open ones stay.
    void stop_listening();
    // The same port again, after `stop_listening`.
    void listen_again();
    // Ends every open connection, idle ones included.
    void drop_connections(cut_by how);
    // What `GET /health` is answered with from now on; 200 at first. Health checks are no requests:
    // they are neither recorded nor counted nor scripted.
    void set_health(int status);

    std::vector<recorded> requests() const;
    std::size_t num_requests() const;
    std::size_t num_health_checks() const;
    std::size_t num_connections() const;  // ever accepted
    std::size_t num_open_connections() const;
    // Requests read, the last write of whose answers is still to come.
    std::size_t num_in_flight() const;
    std::size_t max_in_flight() const;  // the most at any one time

    // Wait until it is so; false when `patience` ran out.
    bool wait_for_requests(std::size_t count) const;
    bool wait_for_health_checks(std::size_t count) const;
    bool wait_for_closed_clients(std::size_t count) const;    // requests with `client_closed`
    bool wait_for_open_connections(std::size_t count) const;  // exactly so many
    bool wait_until(std::function<bool(const std::vector<recorded>&)> holds) const;
    // Bytes written of request `number` once the kernel has taken none for `quiet`.
    std::optional<std::uint64_t> written_when_blocked(
        std::size_t number, milliseconds quiet = milliseconds(300)
    ) const;

 private:
    struct connection {
        std::size_t number = 0;
        descriptor socket, wake;  // `wake`: an eventfd that ends the connection
        cut_by ended_by = cut_by::fin;
        bool done = false, in_flight = false;  // under the mutex
        std::thread thread;
    };
    enum class flow { go_on, over };

    void start();
    void accept_loop();
    void reap(bool all);
    void serve(connection& c);
    bool read_request(connection& c, std::string& bytes, recorded& request);
    flow give(connection& c, std::size_t number, const answer& what);
    flow write(connection& c, std::size_t number, std::string_view bytes);
    flow write_body(connection& c, std::size_t number, const answer& what);
    flow pause(connection& c, std::size_t number, milliseconds how_long);
    flow await_leave(connection& c, std::size_t number, const answer& what, std::size_t piece);
    void answer_health_check(connection& c);
    void leave_flight(connection& c);
    flow watch_client(connection& c, std::size_t number);
    void note(std::size_t number, const std::function<void(recorded&)>& change);
    answer answer_for(const recorded& request);

    script script_;
    std::string unix_path_;
    std::uint16_t port_ = 0;
    descriptor listener_, wake_;
    std::thread acceptor_;

    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::deque<answer> queue_;
    std::function<greeting(std::size_t)> greetings_;
    std::vector<recorded> requests_;
    std::list<connection> connections_;
    std::size_t accepted_ = 0, in_flight_ = 0, max_in_flight_ = 0;
    std::size_t health_checks_ = 0;
    int health_ = 200;
    bool stopping_ = false;
};

}  // namespace penstock::test
