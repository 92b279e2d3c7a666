// A model server that does nothing but answer: chat completions, whole or streamed at a fixed pace.
//
//   lean_upstream --port 9000
//
// A streamed request says in its message text what it wants: "#events=200 #period_us=20000". Text
// is the one thing that every proxy passes on. Each event carries, as "@" and sixteen digits, the
// CLOCK_MONOTONIC nanoseconds at which it was sent.
#include "texts.hpp"
#include "wire.hpp"

#include <csignal>
#include <queue>
#include <vector>

namespace penstock::bench {
namespace {

constexpr std::string_view whole_answer =
    R"({"id":"chatcmpl-bench","object":"chat.completion","created":1700000000,"model":"bench",)"
    R"("choices":[{"index":0,)"
    R"("message":{"role":"assistant","content":"bench-answer: a short one."},)"
    R"("logprobs":null,"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":90,"completion_tokens":8,"total_tokens":98}})";
constexpr std::size_t stamp_digits = 16;

// The texts of a stream, made once; only the sixteen digits of a token event change.
struct stream_texts {
    std::string token = event(
        R"({"index":0,"delta":{"content":"@0000000000000000 word"},"finish_reason":null})", "]"
    );
    std::size_t stamp = token.find('@') + 1;
    std::string end = event(R"({"index":0,"delta":{},"finish_reason":"stop"})", "]");
    std::string usage =
        event("", R"(],"usage":{"prompt_tokens":90,"completion_tokens":200,"total_tokens":290})");
    std::string done = end_of_stream();
};

struct client {
    int fd = -1;
    std::uint32_t generation = 0;  // of the slot: a stream's due event may outlive its client
    std::string unread;            // begin of a request that is not whole
    std::string unsent;
    std::uint32_t events_left = 0;
    std::int64_t period = 0;
    bool wants_usage = false;
};

struct due_event {
    std::int64_t at;
    std::uint32_t slot;
    std::uint32_t generation;
    bool operator>(const due_event& other) const { return at > other.at; }
};

class upstream {
 public:
    explicit upstream(int port) : listener_(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
        const int on = 1;
        setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        const auto address = loopback(port);
        if (bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            give_up("bind");
        if (listen(listener_, 4096) != 0) give_up("listen");
        poller_.add_readable(listener_, listener_token);
    }

    [[noreturn]] void run() {
        for (;;) {
            for (const auto& ready : poller_.wait_until(due_.empty() ? never : due_.top().at)) {
                if (ready.data.u64 == listener_token)
                    accept_all();
                else
                    serve(static_cast<std::uint32_t>(ready.data.u64), ready.events);
            }
            send_due_events();
        }
    }

 private:
    static constexpr std::uint64_t listener_token = UINT64_MAX;

    void accept_all() {
        for (;;) {
            const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
            if (fd < 0) return;
            send_at_once(fd);
            if (free_.empty()) {
                free_.push_back(static_cast<std::uint32_t>(clients_.size()));
                clients_.emplace_back();
            }
            const auto slot = free_.back();
            free_.pop_back();
            clients_[slot].fd = fd;
            poller_.add(fd, slot);
        }
    }

    void drop(std::uint32_t slot) {
        close(clients_[slot].fd);
        const auto generation = clients_[slot].generation + 1;
        clients_[slot] = client{};
        clients_[slot].generation = generation;
        free_.push_back(slot);
    }

    void serve(std::uint32_t slot, std::uint32_t events) {
        if (clients_[slot].fd < 0) return;
        if ((events & EPOLLOUT) != 0 && !flush(slot)) return;
        if ((events & ~EPOLLOUT) == 0) return;
        for (;;) {
            const auto size = recv(clients_[slot].fd, scratch_, sizeof scratch_, 0);
            if (size < 0 && errno == EAGAIN) return;
            if (size <= 0) return drop(slot);
            if (!take({scratch_, static_cast<std::size_t>(size)}, slot)) return drop(slot);
            if (static_cast<std::size_t>(size) < sizeof scratch_ && (events & EPOLLRDHUP) == 0)
                return;
        }
    }

    // Answers every whole request; false: the client cannot be served.
    bool take(std::string_view bytes, std::uint32_t slot) {
        auto& unread = clients_[slot].unread;
        const bool joined = !unread.empty();
        if (joined) unread += bytes;
        std::string_view rest = joined ? std::string_view(unread) : bytes;
        const auto each = [&](const message_head& head, std::string_view body) {
            return answer(head, body, slot);
        };
        if (!take_requests(rest, each)) return false;
        unread = std::string(rest);
        return true;
    }

    bool answer(const message_head& head, std::string_view body, std::uint32_t slot) {
        if (head.first_line.starts_with("POST ")) {
            if (asks_for_stream(body)) return begin_stream(body, slot);
            return send_to(slot, whole_);
        }
        if (head.first_line.starts_with("GET /v1/models ")) return send_to(slot, models_);
        if (head.first_line.starts_with("GET /health ")) return send_to(slot, healthy_);
        return send_to(slot, unknown_);
    }

    static std::int64_t wish(std::string_view body, std::string_view name, std::int64_t fallback) {
        const auto at = body.find(name);
        return at == std::string_view::npos ? fallback : to_number(body.substr(at + name.size()));
    }

    bool begin_stream(std::string_view body, std::uint32_t slot) {
        auto& client = clients_[slot];
        client.events_left = static_cast<std::uint32_t>(wish(body, "#events=", 10));
        client.period = wish(body, "#period_us=", 20'000) * 1'000;
        client.wants_usage = body.find("\"include_usage\"") != std::string_view::npos;
        due_.push({now_ns(), slot, client.generation});
        return send_to(slot, stream_head);
    }

    void send_due_events() {
        while (!due_.empty() && due_.top().at <= now_ns()) {
            const auto next = due_.top();
            due_.pop();
            if (clients_[next.slot].generation != next.generation) continue;
            if (!send_event(next)) drop(next.slot);
        }
    }

    bool send_event(const due_event& due) {
        auto& client = clients_[due.slot];
        if (client.events_left == 0) {
            auto tail = texts_.end;
            if (client.wants_usage) tail += texts_.usage;
            return send_to(due.slot, tail += texts_.done);
        }
        client.events_left--;
        char digits[stamp_digits + 1];
        std::snprintf(digits, sizeof digits, "%016lld", static_cast<long long>(now_ns()));
        texts_.token.replace(texts_.stamp, stamp_digits, digits, stamp_digits);
        due_.push({due.at + client.period, due.slot, due.generation});
        return send_to(due.slot, texts_.token);
    }

    bool send_to(std::uint32_t slot, std::string_view bytes) {
        auto& client = clients_[slot];
        if (client.unsent.empty()) {
            const auto sent = ::send(client.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent < 0 && errno != EAGAIN) return false;
            bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(0, sent)));
        }
        client.unsent += bytes;
        return true;
    }

    // False: the client was dropped.
    bool flush(std::uint32_t slot) {
        auto& unsent = clients_[slot].unsent;
        if (unsent.empty()) return true;
        const auto sent = ::send(clients_[slot].fd, unsent.data(), unsent.size(), MSG_NOSIGNAL);
        if (sent > 0) unsent.erase(0, static_cast<std::size_t>(sent));
        if (sent >= 0 || errno == EAGAIN) return true;
        drop(slot);
        return false;
    }

    int listener_;
    poller poller_;
    std::vector<client> clients_;
    std::vector<std::uint32_t> free_;
    std::priority_queue<due_event, std::vector<due_event>, std::greater<>> due_;
    stream_texts texts_;
    std::string whole_ = sized("200 OK", whole_answer);
    std::string models_ = sized("200 OK", model_list);
    std::string healthy_ = sized("200 OK", "{}");
    std::string unknown_ = sized("404 Not Found", R"({"detail":"Not Found"})");
    char scratch_[64 * 1024];
};

}  // namespace
}  // namespace penstock::bench

int main(int count, char** values) {
    using namespace penstock::bench;
    prepare_process();
    signal(SIGPIPE, SIG_IGN);
    const arguments given(count, values);
    static upstream server(static_cast<int>(given.number("--port", 9000)));
    server.run();
}
