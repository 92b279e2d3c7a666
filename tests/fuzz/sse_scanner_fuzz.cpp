// Any stream in any pieces has the events that the obvious reading finds in it, and the fields of
// an event are its lines.
#include "base/http/sse_reference.hpp"
#include "fuzz/property.hpp"

namespace penstock::http {
namespace {

void check_fields(const std::string& event) {
    sse_fields fields(event);
    const char* last = event.data();
    for (sse_field it; fields.next(it);) {
        ALWAYS(lies_inside(it.name, event) && it.name.data() >= last);
        ALWAYS(it.name.find_first_of(":\r\n") == it.name.npos);
        ALWAYS(it.value.empty() || lies_inside(it.value, event));
        ALWAYS(it.value.find_first_of("\r\n") == it.value.npos);
        last = it.name.data() + it.name.size();
    }
}

void check(std::string_view bytes) {
    const auto expected = read_obviously(bytes);
    ALWAYS(read_in_pieces(bytes, [&] { return bytes.size(); }) == expected);
    ALWAYS(read_in_pieces(bytes, piece_sizes(bytes)) == expected);
    for (const auto& event : expected.events)
        check_fields(event);
    check_fields(std::string(bytes));
}

}  // namespace
}  // namespace penstock::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    penstock::http::check({reinterpret_cast<const char*>(data), size});
    return 0;
}
