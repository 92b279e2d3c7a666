// Body framing (RFC 9112 §6, §7.1). Payload is handed on as it lies; the bytes of chunk framing
// pass one by one through `after`.
#include "penstock/http/body_reader.hpp"

#include "scan.hpp"

#include <algorithm>

namespace penstock::http {
namespace {

constexpr std::uint32_t line_max = 4 * 1024;
constexpr std::uint32_t trailers_max = 16 * 1024;
constexpr int digits_max = 16;  // of 64 bits

bool is_text(char c) {
    return c == '\t' || !is_control(c);
}

}  // namespace

body_reader::body_reader(body_framing framing, std::uint64_t content_length) noexcept
    : left_(framing == body_framing::sized ? content_length : 0) {
    switch (framing) {
        case body_framing::none:
            state_ = state::done;
            break;
        case body_framing::sized:
            state_ = left_ > 0 ? state::sized : state::done;
            break;
        case body_framing::chunked:
            state_ = state::size;
            break;
        case body_framing::until_close:
            state_ = state::until_close;
            break;
    }
}

bool body_reader::may_end_by_close() const noexcept {
    return state_ == state::until_close || state_ == state::done;
}

bool body_reader::is_done() const noexcept {
    return state_ == state::done;
}

body_reader::step body_reader::next(std::string_view& bytes, std::string_view& payload) noexcept {
    for (;;) {
        if (state_ == state::done) return step::done;
        if (state_ == state::malformed) return step::malformed;
        if (bytes.empty()) return step::more;
        if (state_ == state::data || state_ == state::sized || state_ == state::until_close)
            return take(bytes, payload);
        state_ = after(bytes.front());
        bytes.remove_prefix(1);
    }
}

body_reader::step body_reader::take(std::string_view& bytes, std::string_view& payload) noexcept {
    auto size = bytes.size();
    if (state_ != state::until_close) {
        size = static_cast<std::size_t>(std::min<std::uint64_t>(size, left_));
        left_ -= size;
        if (left_ == 0) state_ = state_ == state::sized ? state::done : state::data_cr;
    }
    payload = bytes.substr(0, size);
    bytes.remove_prefix(size);
    return step::payload;
}

// chunk-size [ BWS ";" … ] CRLF, the digits and what may follow them.
body_reader::state body_reader::after_size(char c) noexcept {
    if (const int digit = hex_digit(c); digit >= 0 && state_ == state::size) {
        if (++digits_ > digits_max) return state::malformed;
        left_ = left_ * 16 + static_cast<unsigned>(digit);
        return state::size;
    }
    if (digits_ == 0) return state::malformed;
    if (c == ';') return state::extension;
    if (is_blank(c)) return ++line_ > line_max ? state::malformed : state::size_blank;
    return c == '\r' && state_ == state::size ? state::size_lf : state::malformed;
}

// The state after one byte of chunk framing. A line ends in CRLF and in nothing else.
body_reader::state body_reader::after(char c) noexcept {
    const auto expect = [c](char wanted, state then) {
        return c == wanted ? then : state::malformed;
    };
    switch (state_) {
        case state::size:
        case state::size_blank:
            return after_size(c);
        case state::extension:
            if (c == '\r') return state::size_lf;
            return is_text(c) && ++line_ <= line_max ? state::extension : state::malformed;
        case state::size_lf:
            line_ = 0;
            digits_ = 0;
            return expect('\n', left_ > 0 ? state::data : state::trailer_start);
        case state::data_cr:
            return expect('\r', state::data_lf);
        case state::data_lf:
            return expect('\n', state::size);
        case state::trailer_start:
            if (c == '\r') return state::end_lf;
            line_ = 1;
            return is_token_char(c) && ++trailers_ <= trailers_max ? state::trailer_name
                                                                   : state::malformed;
        case state::trailer_name:
            if (++line_ > line_max || ++trailers_ > trailers_max) return state::malformed;
            return is_token_char(c) ? state::trailer_name : expect(':', state::trailer);
        case state::trailer:
            if (c == '\r') return state::trailer_lf;
            if (++line_ > line_max || ++trailers_ > trailers_max) return state::malformed;
            return is_text(c) ? state::trailer : state::malformed;
        case state::trailer_lf:
            return expect('\n', state::trailer_start);
        case state::end_lf:
            return expect('\n', state::done);
        default:
            return state_;
    }
}

}  // namespace penstock::http
