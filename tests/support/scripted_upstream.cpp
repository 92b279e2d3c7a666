// An HTTP/1.1 upstream inside the test's process that does what it is told.
#include "support/scripted_upstream.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace penstock::test {
namespace {

constexpr std::size_t read_size = 64 * 1024;
constexpr std::size_t write_times_max = 4096;

void poke(const descriptor& event) {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(event.get(), &one, sizeof one);
}

descriptor make_event() {
    return descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

std::string head_of(const answer& what) {
    std::string head = "HTTP/1.1 " + std::to_string(what.status) + " Scripted\r\n";
    for (const auto& [name, value] : what.headers)
        head += name + ": " + value + "\r\n";
    if (what.framed == framing::chunked) {
        head += "Transfer-Encoding: chunked\r\n";
    } else if (what.framed == framing::sized) {
        std::uint64_t size = 0;
        for (const auto& piece : what.pieces)
            size += piece.size();
        head += "Content-Length: " + std::to_string(size * what.repeat) + "\r\n";
    } else {
        head += "Connection: close\r\n";
    }
    return head + "\r\n";
}

std::string framed_piece(const answer& what, std::size_t index) {
    const std::string& piece = what.pieces[index];
    if (what.framed != framing::chunked) return piece;
    char size[32];
    std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
    return (what.break_chunk == index ? std::string("zz\r\n") : std::string(size)) + piece + "\r\n";
}

}  // namespace

scripted_upstream::scripted_upstream(script answers)
    : script_(std::move(answers)), listener_(listen_tcp(0)), wake_(make_event()) {
    port_ = port_of(listener_.get());
    start();
}

scripted_upstream::scripted_upstream(const std::string& unix_path, script answers)
    : script_(std::move(answers)),
      unix_path_(unix_path),
      listener_(listen_unix(unix_path)),
      wake_(make_event()) {
    start();
}

scripted_upstream::~scripted_upstream() {
    stop_listening();
    drop_connections(cut_by::rst);
    reap(true);
    if (!unix_path_.empty()) ::unlink(unix_path_.c_str());
}

std::string scripted_upstream::url() const {
    if (!unix_path_.empty()) return "unix:" + unix_path_;
    return "http://127.0.0.1:" + std::to_string(port_);
}

void scripted_upstream::start() {
    stopping_ = false;
    acceptor_ = std::thread([this] { accept_loop(); });
}

void scripted_upstream::stop_listening() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    poke(wake_);
    if (acceptor_.joinable()) acceptor_.join();
    listener_.close();
}

void scripted_upstream::listen_again() {
    listener_ = unix_path_.empty() ? listen_tcp(port_) : listen_unix(unix_path_);
    wake_ = make_event();
    start();
}

void scripted_upstream::drop_connections(cut_by how) {
    const std::lock_guard lock(mutex_);
    for (auto& c : connections_) {
        c.ended_by = how;
        poke(c.wake);
    }
}

void scripted_upstream::accept_loop() {
    for (;;) {
        const readiness ready = wait(listener_.get(), false, wake_.get(), forever);
        if (ready.other) return;
        descriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!socket.is_open()) continue;
        send_at_once(socket.get());
        reap(false);
        std::function<greeting(std::size_t)> greetings;
        connection* made = nullptr;
        {
            const std::lock_guard lock(mutex_);
            if (stopping_) return;
            made = &connections_.emplace_back();
            made->number = accepted_++;
            made->socket = std::move(socket);
            made->wake = make_event();
            made->thread = std::thread([this, made] { serve(*made); });
        }
        changed_.notify_all();
    }
}

void scripted_upstream::reap(bool all) {
    std::list<connection> over;
    {
        const std::lock_guard lock(mutex_);
        for (auto at = connections_.begin(); at != connections_.end();) {
            const auto next = std::next(at);
            if (all || at->done) over.splice(over.end(), connections_, at);
            at = next;
        }
    }
    for (auto& c : over)
        c.thread.join();
}

void scripted_upstream::serve(connection& c) {
    greeting first = greeting::read;
    {
        const std::lock_guard lock(mutex_);
        if (greetings_) first = greetings_(c.number);
    }
    if (first == greeting::reset) c.ended_by = cut_by::rst;
    if (first == greeting::never_read) wait(c.wake.get(), false, -1, forever);
    std::string bytes;
    recorded request;
    while (first == greeting::read && read_request(c, bytes, request)) {
        const answer what = answer_for(request);
        const flow after = give(c, request.number, what);
        leave_flight(c);
        if (after == flow::over) break;
    }
    cut_by how;
    {
        const std::lock_guard lock(mutex_);
        how = c.ended_by;
        c.done = true;
    }
    if (how == cut_by::rst) {
        c.socket.reset();
    } else {
        c.socket.close();
    }
    changed_.notify_all();
}

answer scripted_upstream::answer_for(const recorded& request) {
    {
        const std::lock_guard lock(mutex_);
        if (!queue_.empty()) {
            answer next = std::move(queue_.front());
            queue_.pop_front();
            return next;
        }
    }
    return script_ ? script_(request) : chat("hello");
}

bool scripted_upstream::read_request(connection& c, std::string& bytes, recorded& request) {
    bool has_head = false;
    deframer body;
    char buffer[read_size];
    for (;;) {
        const auto end = bytes.find("\r\n\r\n");
        if (!has_head && end != std::string::npos) {
            has_head = true;
            request = {};
            request.connection = c.number;
            request.head = bytes.substr(0, end + 4);
            request.arrived = clock::now();
            bytes.erase(0, end + 4);
            if (first_line(request.head).starts_with("GET /health ")) {
                answer_health_check(c);
                return false;
            }
            body = deframer::of_request(request.head);
            const std::lock_guard lock(mutex_);
            request.number = requests_.size();
            requests_.push_back(request);
            max_in_flight_ = std::max(max_in_flight_, ++in_flight_);
            c.in_flight = true;
        }
        if (has_head) {
            body.take(bytes, request.body);
            if (body.is_done()) {
                request.body_read = clock::now();
                note(request.number, [&](recorded& kept) {
                    kept.body = request.body;
                    kept.body_read = request.body_read;
                });
                return true;
            }
        }
        const readiness ready = wait(c.socket.get(), false, c.wake.get(), forever);
        const auto size = ready.other ? -1 : ::recv(c.socket.get(), buffer, sizeof buffer, 0);
        if (size > 0) {
            bytes.append(buffer, static_cast<std::size_t>(size));
            continue;
        }
        if (has_head) {
            note(request.number, [&](recorded& kept) {
                kept.body = request.body;
                if (!ready.other) kept.client_closed = clock::now();
            });
            leave_flight(c);
        }
        return false;
    }
}

// Once for each request. Before the last write: after it the client may come with the next one
// before this thread runs again.
void scripted_upstream::leave_flight(connection& c) {
    {
        const std::lock_guard lock(mutex_);
        if (c.in_flight) --in_flight_;
        c.in_flight = false;
    }
    changed_.notify_all();
}

// Then the connection ends.
void scripted_upstream::answer_health_check(connection& c) {
    std::string text;
    {
        const std::lock_guard lock(mutex_);
        text = "HTTP/1.1 " + std::to_string(health_) + " Scripted\r\n";
        ++health_checks_;
    }
    text += "Content-Length: 0\r\nConnection: close\r\n\r\n";
    ::send(c.socket.get(), text.data(), text.size(), MSG_NOSIGNAL);
    changed_.notify_all();
}

scripted_upstream::flow scripted_upstream::give(
    connection& c, std::size_t number, const answer& what
) {
    if (pause(c, number, what.before_head) == flow::over) return flow::over;
    if (await_leave(c, number, what, 0) == flow::over) return flow::over;
    if (what.cut_before_head) {
        const std::lock_guard lock(mutex_);
        c.ended_by = what.cut;
        return flow::over;
    }
    if (!what.raw.empty()) {
        leave_flight(c);
        if (write(c, number, what.raw) == flow::over) return flow::over;
    } else {
        if (write(c, number, head_of(what)) == flow::over) return flow::over;
        if (write_body(c, number, what) == flow::over) return flow::over;
    }
    if (what.then == afterwards::hang) return pause(c, number, forever);
    note(number, [](recorded& kept) { kept.answered = clock::now(); });
    const bool closes = what.then == afterwards::close || what.framed == framing::until_close;
    return closes ? flow::over : flow::go_on;
}

scripted_upstream::flow scripted_upstream::write_body(
    connection& c, std::size_t number, const answer& what
) {
    std::uint64_t left = what.cut_after.value_or(UINT64_MAX);
    const std::size_t step = what.trickle_bytes == 0 ? SIZE_MAX : what.trickle_bytes;
    bool first_step = true;
    for (std::uint64_t round = 0; round < what.repeat; ++round) {
        for (std::size_t i = 0; i < what.pieces.size(); ++i) {
            const bool first = round == 0 && i == 0;
            if (!first && pause(c, number, what.before_piece) == flow::over) return flow::over;
            const std::size_t place = round * what.pieces.size() + i;
            if (await_leave(c, number, what, place) == flow::over) return flow::over;
            const std::string piece = framed_piece(what, i);
            for (std::size_t at = 0; at < piece.size(); at += std::min(step, piece.size() - at)) {
                if (!first_step && pause(c, number, what.trickle_every) == flow::over) {
                    return flow::over;
                }
                first_step = false;
                const auto part =
                    std::string_view(piece).substr(at, std::min<std::uint64_t>(step, left));
                const bool last = round + 1 == what.repeat && i + 1 == what.pieces.size() &&
                                  at + part.size() == piece.size();
                if (last && what.framed != framing::chunked) leave_flight(c);
                if (write(c, number, part) == flow::over) return flow::over;
                left -= part.size();
                if (left > 0) continue;
                const std::lock_guard lock(mutex_);
                c.ended_by = what.cut;
                return flow::over;
            }
        }
    }
    const bool ends_chunks = what.framed == framing::chunked && what.then != afterwards::hang;
    if (ends_chunks) leave_flight(c);
    return ends_chunks ? write(c, number, "0\r\n\r\n") : flow::go_on;
}

scripted_upstream::flow scripted_upstream::write(
    connection& c, std::size_t number, std::string_view bytes
) {
    while (!bytes.empty()) {
        const auto sent =
            ::send(c.socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            bytes.remove_prefix(static_cast<std::size_t>(sent));
            note(number, [&](recorded& kept) {
                kept.written += static_cast<std::uint64_t>(sent);
                kept.last_write = clock::now();
                if (kept.write_times.size() < write_times_max) {
                    kept.write_times.push_back(kept.last_write);
                }
                kept.blocked = false;
            });
            continue;
        }
        if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            note(number, [](recorded& kept) { kept.client_closed = clock::now(); });
            return flow::over;
        }
        note(number, [](recorded& kept) { kept.blocked = true; });
        const readiness ready = wait(c.socket.get(), true, c.wake.get(), forever);
        if (ready.other) return flow::over;
        if (ready.readable && watch_client(c, number) == flow::over) return flow::over;
    }
    return flow::go_on;
}

// Waits, but not beyond the client's leaving.
scripted_upstream::flow scripted_upstream::pause(
    connection& c, std::size_t number, milliseconds how_long
) {
    if (how_long <= milliseconds::zero()) return flow::go_on;
    const auto until = clock::now() + how_long;
    for (;;) {
        const auto left = std::chrono::ceil<milliseconds>(until - clock::now());
        if (left <= milliseconds::zero()) return flow::go_on;
        const readiness ready = wait(c.socket.get(), false, c.wake.get(), left);
        if (ready.other) return flow::over;
        if (ready.readable && watch_client(c, number) == flow::over) return flow::over;
    }
}

scripted_upstream::flow scripted_upstream::await_leave(
    connection& c, std::size_t number, const answer& what, std::size_t piece
) {
    while (what.allowed && what.allowed->load() <= piece)
        if (pause(c, number, milliseconds(1)) == flow::over) return flow::over;
    return flow::go_on;
}

scripted_upstream::flow scripted_upstream::watch_client(connection& c, std::size_t number) {
    char byte = 0;
    const auto size = ::recv(c.socket.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return flow::go_on;
    // A client that pipelines is as wrong here as one that leaves.
    note(number, [](recorded& kept) { kept.client_closed = clock::now(); });
    return flow::over;
}

void scripted_upstream::note(std::size_t number, const std::function<void(recorded&)>& change) {
    {
        const std::lock_guard lock(mutex_);
        change(requests_[number]);
    }
    changed_.notify_all();
}

}  // namespace penstock::test
