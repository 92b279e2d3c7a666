// A raw, blocking HTTP/1.1 client for tests.
#include "support/test_client.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <sys/socket.h>
#include <thread>

namespace penstock::test {
namespace {

std::string request(
    std::string_view method,
    std::string_view path,
    const std::vector<std::pair<std::string, std::string>>& headers
) {
    std::string text =
        std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: test\r\n";
    for (const auto& [name, value] : headers)
        text += name + ": " + value + "\r\n";
    return text;
}

// Just past the empty line that ends the first event, npos when there is none yet.
std::size_t end_of_event(const std::string& text) {
    std::size_t best = std::string::npos;
    for (const std::string_view ending : {"\n\n", "\r\n\r\n", "\r\r"}) {
        const auto at = text.find(ending);
        if (at != std::string::npos) best = std::min(best, at + ending.size());
    }
    return best;
}

}  // namespace

std::string post(
    std::string_view path,
    std::string_view body,
    const std::vector<std::pair<std::string, std::string>>& headers
) {
    return request("POST", path, headers) +
           "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + std::string(body);
}

std::string get(
    std::string_view path, const std::vector<std::pair<std::string, std::string>>& headers
) {
    return request("GET", path, headers) + "\r\n";
}

bool test_client::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

bool test_client::send_slowly(std::string_view bytes, std::size_t step, milliseconds pause) {
    for (std::size_t at = 0; at < bytes.size(); at += step) {
        if (at > 0) std::this_thread::sleep_for(pause);
        if (!send(bytes.substr(at, step))) return false;
    }
    return true;
}

test_client::got test_client::fill(std::size_t at_most) {
    if (ended_) return reset_ ? got::reset : got::end;
    if (!wait(socket_.get(), false, -1, patience_).readable) {
        throw std::runtime_error("nothing came from the peer in time");
    }
    std::string buffer(at_most, '\0');
    const auto size = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (size > 0) {
        bytes_.append(buffer, 0, static_cast<std::size_t>(size));
        return got::bytes;
    }
    ended_ = true;
    reset_ = size < 0;
    return reset_ ? got::reset : got::end;
}

response test_client::exchange(std::string_view bytes) {
    send(bytes);
    return read_response();
}

response test_client::read_head() {
    response result;
    std::size_t end = 0;
    while ((end = bytes_.find("\r\n\r\n")) == std::string::npos) {
        if (fill() == got::bytes) continue;
        result.reset = reset_;
        return result;
    }
    result.head = bytes_.substr(0, end + 4);
    bytes_.erase(0, end + 4);
    result.status = std::atoi(word_of_first_line(result.head, 1).c_str());
    framing_ = deframer::of_response(result.head, false);
    body_.clear();
    return result;
}

response test_client::read_response(bool to_head_request) {
    response result = read_head();
    while (result.status / 100 == 1)
        result = read_head();
    if (result.status == 0) return result;
    framing_ = deframer::of_response(result.head, to_head_request);
    result.body = read_rest();
    result.whole = framing_.is_done() || (framing_.may_end() && ended_ && !reset_);
    result.reset = reset_;
    return result;
}

std::optional<timed_event> test_client::read_event() {
    for (;;) {
        framing_.take(bytes_, body_);
        const auto end = end_of_event(body_);
        if (end != std::string::npos) {
            timed_event event{body_.substr(0, end), clock::now()};
            body_.erase(0, end);
            return event;
        }
        if (framing_.is_done() || framing_.is_broken() || fill() != got::bytes) return std::nullopt;
    }
}

std::string test_client::read_some(std::size_t at_most) {
    for (;;) {
        framing_.take(bytes_, body_);
        if (!body_.empty()) {
            std::string part = body_.substr(0, at_most);
            body_.erase(0, part.size());
            return part;
        }
        if (framing_.is_done() || framing_.is_broken() || fill(at_most) != got::bytes) return {};
    }
}

std::string test_client::read_rest() {
    std::string rest;
    for (;;) {
        const std::string part = read_some(64 * 1024);
        if (part.empty()) return rest;
        rest += part;
    }
}

std::size_t test_client::read_slowly(std::size_t bytes_per_second, milliseconds how_long) {
    constexpr milliseconds tick{20};
    const std::size_t step = std::max<std::size_t>(1, bytes_per_second * tick.count() / 1000);
    std::size_t total = 0;
    for (auto next = clock::now(), until = next + how_long; next < until; next += tick) {
        std::this_thread::sleep_until(next);
        std::size_t of_tick = 0;
        while (of_tick < step) {
            const auto part = read_some(step - of_tick).size();
            if (part == 0) return total;
            of_tick += part;
            total += part;
        }
    }
    return total;
}

bool test_client::is_closed_within(milliseconds time) {
    const auto until = clock::now() + time;
    char buffer[4096];
    for (;;) {
        if (ended_) return true;
        const auto left = std::chrono::ceil<milliseconds>(until - clock::now());
        if (left <= milliseconds::zero()) return false;
        if (!wait(socket_.get(), false, -1, left).readable) return false;
        ended_ = ::recv(socket_.get(), buffer, sizeof buffer, 0) <= 0;
    }
}

bool test_client::is_quiet_for(milliseconds time) {
    return bytes_.empty() && !ended_ && !wait(socket_.get(), false, -1, time).readable;
}

void test_client::shut_write() {
    ::shutdown(socket_.get(), SHUT_WR);
}

}  // namespace penstock::test
