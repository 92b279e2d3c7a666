// An upstream that misbehaves as it is told.
#include "upstream.hpp"

#include "support/message.hpp"
#include "ways.hpp"

#include <sys/socket.h>

namespace penstock::leak {
namespace {

using test::descriptor;

bool send(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

bool receive(int fd, std::string& into) {
    char bytes[16 * 1024];
    const auto size = ::recv(fd, bytes, sizeof bytes, 0);
    if (size > 0) into.append(bytes, static_cast<std::size_t>(size));
    return size > 0;
}

std::string sized(std::string_view status, std::string_view body) {
    return "HTTP/1.1 " + std::string(status) + "\r\nContent-Type: application/json\r\n" +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

std::string chunk(std::string_view payload) {
    char size[16];
    std::snprintf(size, sizeof size, "%zx\r\n", payload.size());
    return size + std::string(payload) + "\r\n";
}

const std::string small_answer = sized(
    "200 OK",
    R"({"id":"1","object":"chat.completion","model":"m","choices":[{"index":0,"message":)"
    R"({"role":"assistant","content":"hello"},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}})"
);
const std::string large_answer = sized(
    "200 OK", R"({"object":"chat.completion","x":")" + std::string(300 * 1024, 'x') + R"("})"
);
const std::string failure = R"({"error":{"message":"scripted","type":"t","code":null}})";
const std::string stream_head =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
const std::string event =
    R"(data: {"id":"1","object":"chat.completion.chunk","choices":[{"index":0,)"
    R"("delta":{"content":"word "}}]})"
    "\n\n";
const std::string done = "data: [DONE]\n\n";

}  // namespace

upstream::upstream() : listener_(test::listen_tcp(0)), port_(test::port_of(listener_.get())) {
    acceptor_ = std::thread([this] { accept_all(); });
}

upstream::~upstream() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    acceptor_.join();
    while (open_ > 0)
        std::this_thread::yield();
}

void upstream::accept_all() {
    while (true) {
        descriptor connection(::accept(listener_.get(), nullptr, nullptr));
        if (!connection.is_open()) return;
        test::send_at_once(connection.get());
        ++open_;
        std::thread([mine = std::move(connection)]() mutable {
            serve(std::move(mine));
            --open_;
        }).detach();
    }
}

void upstream::serve(descriptor connection) {
    std::string bytes;
    while (true) {
        std::size_t end;
        while ((end = bytes.find("\r\n\r\n")) == std::string::npos)
            if (!receive(connection.get(), bytes)) return;
        const std::string head = bytes.substr(0, end + 4);
        const std::size_t length =
            std::stoul(test::header_of(head, "content-length").value_or("0"));
        while (bytes.size() < head.size() + length)
            if (!receive(connection.get(), bytes)) return;
        bytes.erase(0, head.size() + length);
        const std::string way = test::header_of(head, way_header).value_or("w");
        if (!answer(connection, way[0])) return;
    }
}

bool upstream::answer(descriptor& connection, char way) {
    const int fd = connection.get();
    std::string ignored;
    switch (static_cast<serving>(way)) {
        case serving::large:
            return send(fd, large_answer);
        case serving::stream:
            send(fd, stream_head);
            for (int i = 0; i < 4; ++i)
                send(fd, chunk(event));
            return send(fd, chunk(done) + "0\r\n\r\n");
        case serving::closing:
            send(fd, small_answer);
            return false;
        case serving::failing:
            return send(fd, sized("500 Oops", failure));
        case serving::busy:
            // For a moment only: the replica gets nothing until then.
            return send(fd, sized("503 Busy\r\nretry-after-ms: 1", failure));
        case serving::refusing:
            return send(fd, sized("400 Bad Request", failure));
        case serving::endless:
            send(fd, stream_head);
            while (send(fd, chunk(event + event + event + event))) {
            }
            return false;
        case serving::silent:
            ++silent_;
            while (receive(fd, ignored))
                ignored.clear();
            --silent_;
            return false;
        case serving::no_head:
            return false;
        case serving::reset:
            return connection.reset(), false;
        case serving::half_head:
            send(fd, "HTTP/1.1 200 OK\r\nContent-Ty");
            return connection.reset(), false;
        case serving::half_body:
            send(fd, std::string_view(small_answer).substr(0, small_answer.size() - 10));
            return false;
        case serving::half_event:
            send(fd, stream_head + chunk(event) + chunk(event.substr(0, 20)));
            return connection.reset(), false;
        case serving::bad_chunk:
            send(fd, stream_head + chunk(event) + "nonsense\r\n");
            return false;
        case serving::whole:
            break;
    }
    return send(fd, small_answer);
}

}  // namespace penstock::leak
