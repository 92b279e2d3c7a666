// Reading HTTP/1.1 messages in tests.
#include "support/message.hpp"

#include <algorithm>
#include <charconv>
#include <strings.h>

namespace penstock::test {
namespace {

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool same(std::string_view a, std::string_view b) {
    return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// Calls `visit(name, value)` for each header line.
template <class Visit>
void each_header(std::string_view head, Visit visit) {
    auto at = head.find("\r\n");
    while (at != std::string_view::npos) {
        const auto begin = at + 2;
        at = head.find("\r\n", begin);
        const auto line = head.substr(begin, at == std::string_view::npos ? at : at - begin);
        const auto colon = line.find(':');
        if (colon != std::string_view::npos) visit(line.substr(0, colon), line.substr(colon + 1));
    }
}

std::optional<std::uint64_t> number_in(std::string_view text, int base) {
    std::uint64_t value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (failed != std::errc{} || end == text.data()) return std::nullopt;
    return value;
}

}  // namespace

std::optional<std::string> header_of(std::string_view head, std::string_view name) {
    std::optional<std::string> found;
    each_header(head, [&](std::string_view key, std::string_view value) {
        if (!found && same(key, name)) found = std::string(trimmed(value));
    });
    return found;
}

std::size_t num_headers_of(std::string_view head, std::string_view name) {
    std::size_t count = 0;
    each_header(head, [&](std::string_view key, std::string_view) { count += same(key, name); });
    return count;
}

std::string first_line(std::string_view head) {
    return std::string(head.substr(0, head.find("\r\n")));
}

std::string word_of_first_line(std::string_view head, std::size_t n) {
    const std::string line = first_line(head);
    std::size_t begin = 0;
    for (; n > 0; --n) {
        begin = line.find(' ', begin);
        if (begin == std::string::npos) return {};
        ++begin;
    }
    return line.substr(begin, line.find(' ', begin) - begin);
}

deframer deframer::of_request(std::string_view head) {
    deframer result;
    if (const auto coding = header_of(head, "transfer-encoding");
        coding && same(*coding, "chunked")) {
        result.kind_ = kind::chunked;
        result.done_ = false;
    } else if (const auto length = header_of(head, "content-length")) {
        result.kind_ = kind::sized;
        result.left_ = number_in(*length, 10).value_or(0);
        result.done_ = result.left_ == 0;
    }
    return result;
}

deframer deframer::of_response(std::string_view head, bool request_was_head) {
    const auto status = number_in(word_of_first_line(head, 1), 10).value_or(0);
    if (request_was_head || status / 100 == 1 || status == 204 || status == 304) return {};
    deframer result = of_request(head);
    if (result.kind_ == kind::none) {
        result.kind_ = kind::until_close;
        result.done_ = false;
    }
    return result;
}

void deframer::take(std::string& bytes, std::string& body) {
    if (done_ || broken_) return;
    if (kind_ == kind::chunked) return take_chunks(bytes, body);
    const auto size =
        kind_ == kind::sized ? std::min<std::uint64_t>(left_, bytes.size()) : bytes.size();
    body.append(bytes, 0, size);
    bytes.erase(0, size);
    if (kind_ == kind::sized) {
        left_ -= size;
        done_ = left_ == 0;
    }
}

void deframer::take_chunks(std::string& bytes, std::string& body) {
    for (;;) {
        if (in_chunk_) {
            const auto size = std::min<std::uint64_t>(left_, bytes.size());
            body.append(bytes, 0, size);
            bytes.erase(0, size);
            left_ -= size;
            if (left_ > 0 || bytes.size() < 2) return;
            broken_ = !bytes.starts_with("\r\n");
            if (broken_) return;
            bytes.erase(0, 2);
            in_chunk_ = false;
        }
        const auto end = bytes.find("\r\n");
        if (end == std::string::npos) return;
        const std::string line = bytes.substr(0, end);
        bytes.erase(0, end + 2);
        if (in_trailer_) {
            done_ = line.empty();
            if (done_) return;
            continue;
        }
        const auto size = number_in(line, 16);
        broken_ = !size;
        if (broken_) return;
        left_ = *size;
        in_chunk_ = left_ > 0;
        in_trailer_ = left_ == 0;
    }
}

}  // namespace penstock::test
