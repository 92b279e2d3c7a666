// Events and fields of a text/event-stream (WHATWG HTML §9.2.6).
#include "penstock/http/sse.hpp"

#include "scan.hpp"

namespace penstock::http {

std::size_t sse_scanner::find_end(std::string_view bytes) noexcept {
    const char* p = bytes.data();
    const char* const end = p + bytes.size();
    while (p != end) {
        const char c = *p;
        if (c != '\r' && c != '\n') {
            any_ = true;
            line_empty_ = skip_lf_ = false;
            p = find_line_end(p + 1, end);
            continue;
        }
        ++p;
        if (c == '\n' && skip_lf_) {
            skip_lf_ = false;
            continue;
        }
        skip_lf_ = false;
        if (c == '\r') {
            if (p == end)
                skip_lf_ = true;
            else if (*p == '\n')
                ++p;
        }
        if (line_empty_ && any_) {
            any_ = false;
            return p - bytes.data();
        }
        line_empty_ = true;
    }
    return bytes.npos;
}

bool sse_fields::next(sse_field& out) noexcept {
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (left_.substr(0, 3) == byte_order_mark) left_.remove_prefix(3);
    while (!left_.empty() && (left_.front() == '\r' || left_.front() == '\n'))
        left_.remove_prefix(1);
    if (left_.empty()) return false;

    const char* const end = find_line_end(left_.data(), left_.data() + left_.size());
    const auto line = left_.substr(0, end - left_.data());
    left_.remove_prefix(line.size());

    const auto colon = line.find(':');
    out.name = line.substr(0, colon);
    out.value = colon == line.npos ? std::string_view{} : line.substr(colon + 1);
    if (!out.value.empty() && out.value.front() == ' ') out.value.remove_prefix(1);
    return true;
}

}  // namespace penstock::http
