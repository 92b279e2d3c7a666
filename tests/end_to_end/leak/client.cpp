// Clients that leave, dawdle and send nonsense.
#include "client.hpp"

#include "support/message.hpp"

#include <sys/socket.h>

namespace penstock::leak {
namespace {

using test::milliseconds;

// Far longer than any deadline of the gateway under test.
constexpr milliseconds patience{20'000};

bool send(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

void pause(milliseconds time) {
    test::wait(-1, false, -1, time, false);
}

}  // namespace

std::string request(serving way, bool streamed, std::size_t body_size) {
    const std::string body =
        std::string(R"({"model":"chat","stream":)") + (streamed ? "true" : "false") +
        R"(,"messages":[{"role":"user","content":")" + std::string(body_size, 'x') + R"("}]})";
    return "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n" +
           std::string(way_header) + ": " + static_cast<char>(way) +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

asking client::choose_asking() {
    constexpr asking rare[] = {
        asking::slow,
        asking::pipelining,
        asking::malformed,
        asking::in_head,
        asking::in_body,
        asking::at_once,
        asking::after_pause,
        asking::in_answer,
        asking::in_answer,
        asking::at_once,
        asking::slow_in_answer
    };
    return below(2) ? asking::patient : rare[below(std::size(rare))];
}

// Whoever waits for the whole answer asks for one that ends.
serving client::choose_serving(asking how) {
    constexpr serving ending[] = {
        serving::whole,
        serving::whole,
        serving::stream,
        serving::stream,
        serving::large,
        serving::closing,
        serving::failing,
        serving::busy,
        serving::refusing,
        serving::no_head,
        serving::reset,
        serving::half_head,
        serving::half_body,
        serving::half_event,
        serving::bad_chunk
    };
    const bool leaves = how >= asking::in_head;
    if (leaves && below(3) == 0) return below(2) ? serving::endless : serving::silent;
    return ending[below(std::size(ending))];
}

void client::leave() {
    below(2) ? connection_.close() : connection_.reset();
    bytes_.clear();
    ++seen_.left;
}

void client::ask() {
    const asking how = choose_asking();
    const serving way = choose_serving(how);
    if (connection_.is_open() && below(20) == 0) connection_.close();
    if (!connection_.is_open()) {
        const bool dawdles = how == asking::slow || how == asking::slow_in_answer;
        connection_ = test::connect_tcp(port_, dawdles ? 4096 : 0);
        bytes_.clear();
    }
    const std::size_t size = below(10) ? below(2000) : below(200'000);
    std::string text = request(way, below(2) || way == serving::endless, size);
    const std::size_t head = text.find("\r\n\r\n") + 4;
    if (how == asking::in_head) text.resize(1 + below(head - 1));
    if (how == asking::in_body) text.resize(head + below(text.size() - head));
    if (how == asking::malformed) text[head] = 'x';
    if (how == asking::pipelining) text += request(serving::whole, false, size);
    send(connection_.get(), text);

    switch (how) {
        case asking::pipelining: {
            note(read_answer(false), way);
            if (connection_.is_open()) note(read_answer(false), serving::whole);
            return;
        }
        case asking::after_pause:
            pause(milliseconds(below(4)));
            [[fallthrough]];
        case asking::in_head:
        case asking::in_body:
        case asking::at_once:
            return leave();
        case asking::in_answer:
        case asking::slow_in_answer:
            // Nothing comes of a silent upstream.
            if (way != serving::silent) leave_in_answer(how == asking::slow_in_answer);
            return leave();
        default:
            return note(read_answer(how == asking::slow), way);
    }
}

// Perhaps the answer was over before: more than its beginning need not come.
void client::leave_in_answer(bool slowly) {
    std::string part(slowly ? 200 : 4096, '\0');
    const auto times = 1 + below(8);
    for (std::uint64_t read = 0; read < times; ++read) {
        const auto time = read == 0 ? patience : milliseconds(2);
        if (!test::wait(connection_.get(), false, -1, time).readable) {
            if (read == 0) ++seen_.stuck;
            return;
        }
        if (::recv(connection_.get(), part.data(), part.size(), 0) <= 0) return;
        if (slowly) pause(milliseconds(1));
    }
}

client::got client::read_answer(bool slowly) {
    status_ = 0;
    std::optional<test::deframer> framing;
    std::string body, part(slowly ? 3000 : 32 * 1024, '\0');
    bool close = false;
    for (int reads = 0;; ++reads) {
        if (!framing) {
            if (const auto end = bytes_.find("\r\n\r\n"); end != std::string::npos) {
                const std::string head = bytes_.substr(0, end + 4);
                bytes_.erase(0, end + 4);
                status_ = std::stoi(test::word_of_first_line(head, 1));
                framing = test::deframer::of_response(head, false);
                close = test::header_of(head, "connection").value_or("") == "close";
            }
        }
        if (framing) {
            framing->take(bytes_, body);
            body.clear();
            if (framing->is_done()) {
                if (close) connection_.close();
                return got::whole;
            }
        }
        if (slowly && reads < 30) pause(milliseconds(1));
        if (!test::wait(connection_.get(), false, -1, patience).readable) {
            connection_.reset();
            return got::stuck;
        }
        const auto size = ::recv(connection_.get(), part.data(), part.size(), 0);
        if (size <= 0) {
            connection_.close();
            return got::torn;
        }
        bytes_.append(part, 0, static_cast<std::size_t>(size));
    }
}

void client::note(got what, serving way) {
    if (what == got::stuck) ++seen_.stuck;
    if (what == got::torn) ++seen_.torn;
    if (what == got::whole) ++seen_.answered[static_cast<std::size_t>(status_ / 100) % 6];
    const bool sound = way == serving::whole || way == serving::stream || way == serving::large;
    // A malformed request is refused, and a queue may be full or a kept connection at its end.
    const bool passed = what == got::whole && (status_ == 200 || status_ == 400 || status_ == 503);
    if (sound && !passed) ++seen_.wrong;
}

}  // namespace penstock::leak
