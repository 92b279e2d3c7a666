// A body read in any pieces is the body read whole; its payload lies in the input, and what was
// read, framed again, reads the same.
#include "fuzz/property.hpp"
#include "penstock/http/body_reader.hpp"

#include <string>

namespace penstock::http {
namespace {

using step = body_reader::step;

struct reading {
    std::string body;
    std::size_t used = 0;
    step last = step::more;
};

template <class NextSize>
reading read(std::string_view input, NextSize next_size) {
    reading out;
    body_reader reader(body_framing::chunked, 0);
    while (out.used < input.size() && out.last == step::more) {
        const auto piece = input.substr(out.used, next_size());
        auto bytes = piece;
        std::string_view payload;
        while ((out.last = reader.next(bytes, payload)) == step::payload) {
            ALWAYS(!payload.empty() && lies_inside(payload, piece));
            out.body += payload;
        }
        ALWAYS(out.last != step::more || bytes.empty());
        out.used += piece.size() - bytes.size();
        ALWAYS(reader.is_done() == (out.last == step::done));
        ALWAYS(reader.may_end_by_close() == reader.is_done());
    }
    return out;
}

void check(std::string_view bytes) {
    const auto whole = read(bytes, [&] { return bytes.size(); });
    for (const auto& other : {read(bytes, piece_sizes(bytes)), read(bytes, [] { return 1; })}) {
        ALWAYS(other.last == whole.last && other.body == whole.body);
        ALWAYS(other.used == whole.used);
    }
    if (whole.last != step::done || whole.body.empty()) return;
    char size[24];
    const auto digits = std::snprintf(size, sizeof size, "%zx\r\n", whole.body.size());
    const auto framed = std::string(size, digits) + whole.body + "\r\n0\r\n\r\n";
    const auto again = read(framed, piece_sizes(bytes));
    ALWAYS(again.last == step::done && again.body == whole.body);
    ALWAYS(again.used == framed.size());
}

}  // namespace
}  // namespace penstock::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    penstock::http::check({reinterpret_cast<const char*>(data), size});
    return 0;
}
