// The clients of a load.
#include "bench/overload/client.hpp"

#include "penstock/error.hpp"

#include <algorithm>

namespace penstock::bench {
namespace {

using simulator::fate;
using simulator::record;

// Of text that engines read as one token; what a gateway that has learned nothing expects, too.
constexpr std::size_t bytes_of_token = 4;

// The reason that an error's body names.
errc reason_in(std::string_view body) {
    constexpr std::string_view name = "\"code\":\"";
    const auto at = body.find(name);
    if (at == std::string_view::npos) return errc::count_;
    body.remove_prefix(at + name.size());
    body = body.substr(0, body.find('"'));
    for (std::size_t i = 0; i < num_errcs; ++i)
        if (describe(static_cast<errc>(i)).openai_code == body) return static_cast<errc>(i);
    return errc::count_;
}

int connect_to(int port) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0) give_up("socket");
    send_at_once(fd);
    const auto address = loopback(port);
    const int done = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    if (done != 0 && errno != EINPROGRESS) give_up("connect");
    return fd;
}

}  // namespace

open_loop_client::open_loop_client(
    const simulator::load_spec& load, gateway_place to, time_point begin, poller& events
)
    : load_(load),
      to_(std::move(to)),
      begin_(begin),
      events_(events),
      source_(load_),
      habits_(load_),
      due_(source_.next()) {}

// ── what is asked ───────────────────────────────────────────────────────────────────────────────

// The text is as long as the gateway's estimate is to be; what the engine reads stands in it. It
// begins with the request's number: each is a conversation of its own.
std::string open_loop_client::bytes_of(const simulator::request& what, std::size_t number) const {
    std::string text = "#request=" + std::to_string(number) +
                       " #prompt=" + std::to_string(what.prompt) +
                       " #output=" + std::to_string(what.output) + " ";
    constexpr std::string_view words = "the gate and pipe that feed water to a turbine ";
    while (text.size() < bytes_of_token * what.est_prompt)
        text += words.substr(0, bytes_of_token * what.est_prompt - text.size());
    const std::string body = R"({"model":")" + to_.model + R"(",)" +
                             R"("stream":true,"messages":[{"role":"user","content":")" + text +
                             R"("}]})";
    const bool bulk = what.klass == request_class::bulk;
    return "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
           "Content-Type: application/json\r\nAuthorization: Bearer " +
           key_of(load_.tenants[what.tenant]) + (bulk ? "\r\nx-penstock-class: bulk" : "") +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::uint64_t open_loop_client::any_connection() {
    if (!idle_.empty()) {
        const std::uint64_t last = idle_.back();
        idle_.pop_back();
        return last;
    }
    const int fd = connect_to(to_.port);
    connections_.try_emplace(next_token_, fd);
    events_.add(fd, next_token_);
    return next_token_++;
}

void open_loop_client::send(const simulator::request& what) {
    const auto request = static_cast<std::uint32_t>(records_.size());
    record& r = records_.emplace_back();
    r.arrived = what.arrived;
    r.tenant = what.tenant;
    r.prompt = what.prompt;
    r.output = what.output;
    r.klass = what.klass;
    r.attempts = 1;
    const std::uint64_t token = any_connection();
    connection_of_.push_back(token);
    ++flying_;
    const time_point gives_up = habits_.gives_up_at(what.klass, what.arrived);
    if (gives_up != penstock::never) patience_.push({gives_up, request});
    connection& c = connections_.at(token);
    c.request = request;
    c.busy = true;
    c.saw_end = false;
    c.tokens = 0;
    c.text.clear();
    c.answer.restart();
    // A broken connection is noticed where it is read.
    c.socket.send(bytes_of(what, request + 1));
}

void open_loop_client::advance(time_point now) {
    const time_point at = since_zero(now);
    while (!patience_.empty() && patience_.top().until <= at) {
        lose_patience(patience_.top().request);
        patience_.pop();
    }
    while (due_ && due_->arrived <= at) {
        latest_ = std::max(latest_, at - due_->arrived);
        send(*due_);
        due_ = source_.next();
    }
}

time_point open_loop_client::next_event() const {
    time_point next = due_ ? due_->arrived : penstock::never;
    if (!patience_.empty()) next = std::min(next, patience_.top().until);
    return after(next, begin_.time_since_epoch());
}

void open_loop_client::lose_patience(std::uint32_t request) {
    const record& r = records_[request];
    if (r.end != fate::running || r.first != penstock::never) return;
    const auto found = connections_.find(connection_of_[request]);
    end(found->second, fate::left);
    connections_.erase(found);
}

// ── what is answered ────────────────────────────────────────────────────────────────────────────

void open_loop_client::ready(std::uint64_t token, std::uint32_t events) {
    const auto found = connections_.find(token);
    if (found == connections_.end()) return;
    connection& c = found->second;
    const bool was_busy = c.busy;
    bool open = ((events & EPOLLOUT) == 0 || c.socket.flush()) &&
                c.socket.read_all([&](auto bytes) { return take(c, bytes); });
    if (c.busy && c.answer.done()) answered(c);
    open = open && !(c.answer.done() && c.answer.closes());
    if (open && was_busy && !c.busy) idle_.push_back(token);
    if (open) return;
    if (c.busy) fail(c, "cut");
    std::erase(idle_, token);
    connections_.erase(found);
}

// False: what came is no answer.
bool open_loop_client::take(connection& c, std::string_view bytes) {
    if (!c.busy) return false;
    c.answer.take(bytes, [&](std::string_view piece) { c.text += piece; });
    if (c.answer.status() == 200) take_lines(c);
    return !c.answer.broken();
}

void open_loop_client::take_lines(connection& c) {
    record& r = records_[c.request];
    const time_point at = since_zero(now());
    std::string_view text = c.text;
    for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
        const auto line = text.substr(0, end);
        text.remove_prefix(end + 1);
        if (line.starts_with("data: [DONE]")) c.saw_end = true;
        if (!line.starts_with("data: ") || line.find("\"content\"") == line.npos) continue;
        if (c.tokens++ == 0) r.first = at;
        r.last = at;
    }
    c.text.erase(0, c.text.size() - text.size());
}

void open_loop_client::answered(connection& c) {
    record& r = records_[c.request];
    const int status = c.answer.status();
    if (status == 200) {
        if (c.saw_end && c.tokens == r.output)
            end(c, fate::finished);
        else
            fail(c, c.saw_end ? "tokens lost" : "no end of stream");
    } else if (status == 503 || status == 429) {
        r.reason = reason_in(c.text);
        end(c, fate::refused);
    } else {
        fail(c, "status " + std::to_string(status));
    }
}

void open_loop_client::end(connection& c, fate how) {
    records_[c.request].end = how;
    c.busy = false;
    --flying_;
}

void open_loop_client::fail(connection& c, const std::string& why) {
    ++failures_[why];
    end(c, fate::failed);
}

}  // namespace penstock::bench
