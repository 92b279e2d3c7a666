// The head of an HTTP/1.1 request, and the strict reading of it. Views point into the bytes read.
#pragma once

#include "penstock/refusal.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::http {

struct header {
    std::string_view name, value;  // value without surrounding white space
    std::string_view line;         // as it came, without its line end; may be empty
};

// Of equal length; ASCII case is ignored.
bool same_letters(const char* a, const char* b, std::size_t size) noexcept;

// ASCII case is ignored.
inline bool same_name(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && same_letters(a.data(), b.data(), a.size());
}

// One of 64 bits, by length and first letter: names of different bits differ.
inline std::uint64_t sign_of(std::string_view name) noexcept {
    const unsigned first = name.empty() ? 0 : static_cast<unsigned char>(name.front()) | 0x20;
    return std::uint64_t{1} << ((name.size() * 7 + first) & 63);
}

class header_list {
 public:
    void clear() noexcept {
        items_.clear();
        names_ = 0;
    }
    void add(const header& it) {
        if (items_.empty()) items_.reserve(usual_size);
        items_.push_back(it);
        names_ |= sign_of(it.name);
    }
    // The first of that name; empty when there is none.
    std::string_view find(std::string_view name) const noexcept;
    bool has(std::string_view name) const noexcept;
    // True when a comma-separated header of that name holds the token, ignoring case.
    bool has_token(std::string_view name, std::string_view token) const noexcept;
    auto begin() const noexcept { return items_.begin(); }
    auto end() const noexcept { return items_.end(); }
    std::size_t size() const noexcept { return items_.size(); }

 private:
    static constexpr std::size_t usual_size = 20;

    bool may_have(std::string_view name) const noexcept { return names_ & sign_of(name); }

    std::vector<header> items_;
    std::uint64_t names_ = 0;
};

enum class body_framing : std::uint8_t { none, sized, chunked, until_close };

struct request_head {
    std::string_view method;  // as sent: "POST"
    std::string_view target;  // as sent: "/v1/models?x=1"; origin-form or absolute-form
    std::string_view path;    // of the target, still percent-encoded
    std::string_view query;   // of the target, without '?'
    header_list headers;
    body_framing framing = body_framing::none;
    std::uint64_t content_length = 0;  // when sized
    int minor_version = 1;             // HTTP/1.x
    bool keep_alive = true;            // may the connection carry another request
    bool expects_continue = false;

    void clear() noexcept;
    // Of a head that is refused: what its request line says stays, for the answer's dialect.
    void forget_headers() noexcept;
};

struct head_limits {
    std::size_t head_bytes = 16 * 1024;
    std::size_t target_bytes = 8 * 1024;
    std::size_t num_headers = 128;
};

// Position just past the empty line that ends the head, searching from `from` on; npos when it has
// not come yet. Finds bare-LF ends too, so that they are refused and not waited for.
std::size_t find_head_end(std::string_view bytes, std::size_t from = 0) noexcept;

// `raw` is a whole head, its empty line included; leading CRLFs before the request line are
// skipped (RFC 9112 §2.2). Refuses (errc::malformed_head, head_too_large, target_too_long,
// expectation_failed): obs-fold, bare LF or CR, NUL and other control bytes, white space before a
// colon, both Content-Length and Transfer-Encoding, duplicate, signed or non-decimal lengths,
// Transfer-Encoding other than a single final `chunked`, missing or repeated Host in HTTP/1.1,
// versions other than 1.0 and 1.1 (docs/decisions/0010-own-request-heads.md).
result<void, refusal> parse_request_head(
    std::string_view raw, const head_limits& limits, request_head& out
);

// Decodes %XX of a path segment; nothing when malformed or when it yields a NUL or '/'.
std::optional<std::string> percent_decode(std::string_view segment);

}  // namespace penstock::http
