// One small request and its answer.
#include "gateway/upstreams/ask.hpp"

namespace penstock::gateway {
namespace {

std::string compose(const question& what) {
    std::string request(what.method);
    request += ' ';
    request += what.path;
    request += " HTTP/1.1\r\n";
    request += what.headers;
    request += "Connection: close\r\n";
    if (!what.body.empty())
        request += "Content-Type: application/json\r\nContent-Length: " +
                   std::to_string(what.body.size()) + "\r\n";
    request += "\r\n";
    request += what.body;
    return request;
}

}  // namespace

io::task<result<small_answer>> ask(
    io::channel& channel, io::loop& home, upstream& where, question what, time_point deadline
) {
    const std::string request = compose(what);
    CO_CHECK(where.connect(channel, home, deadline));
    channel.set_deadline(deadline);
    CO_CHECK(channel.send(request));
    http::answer answer(channel);
    CO_CHECK(answer.read_head());
    small_answer got{answer.head().status, {}};
    std::string_view payload;
    while (got.body.size() < what.answer_max) {
        const auto step = answer.next(payload);
        if (step == http::body_reader::step::payload) {
            got.body.append(payload);
            continue;
        }
        if (step != http::body_reader::step::more) break;
        auto bytes = co_await channel.read();
        auto more = answer.feed(std::move(bytes));
        if (more.has_error()) co_return std::move(more).error();
        if (!more.value()) break;
    }
    co_return got;
}

}  // namespace penstock::gateway
