// Takes a body's payload out of its framing, without copying, across any read boundary.
#pragma once

#include "penstock/http/head.hpp"

#include <cstdint>
#include <string_view>

namespace penstock::http {

// Feed it what was read: each call of `next` moves `bytes` forward and yields one piece of payload.
//     while (reader.next(bytes, payload) == body_reader::step::payload) …
class body_reader {
 public:
    enum class step : std::uint8_t {
        payload,   // `payload` is a piece of the body; call again
        more,      // `bytes` is used up, the body is not
        done,      // the body ended; what is left of `bytes` belongs to the next message
        malformed  // broken chunk framing; the connection is useless
    };

    body_reader() = default;
    body_reader(body_framing framing, std::uint64_t content_length) noexcept;

    step next(std::string_view& bytes, std::string_view& payload) noexcept;

    // Whether the end of the connection, now, is the proper end of the body.
    bool may_end_by_close() const noexcept;
    bool is_done() const noexcept;

 private:
    // Chunk extensions and trailers are skipped and bounded: a line of over 4 KiB, or over 16 KiB
    // of trailers, is malformed.
    enum class state : std::uint8_t {
        sized,
        until_close,
        size,
        size_blank,
        extension,
        size_lf,
        data,
        data_cr,
        data_lf,
        trailer_start,
        trailer_name,
        trailer,
        trailer_lf,
        end_lf,
        done,
        malformed
    };
    state after(char c) noexcept;
    state after_size(char c) noexcept;
    step take(std::string_view& bytes, std::string_view& payload) noexcept;

    state state_ = state::done;
    std::uint64_t left_ = 0;  // of the body or the chunk
    std::uint32_t line_ = 0;  // bytes of the line so far
    std::uint32_t trailers_ = 0;
    std::uint8_t digits_ = 0;
};

}  // namespace penstock::http
