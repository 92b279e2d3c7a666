// Walks a JSON text once, front to back, and accepts exactly RFC 8259, less what is dangerous to
// pass on: unpaired surrogate escapes, integers beyond 64 bits, doubles that overflow, too deep
// nesting. Bytes beyond ASCII are taken as they are: whoever walks has validated UTF-8 before.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace penstock::openai {

enum class json_type : std::uint8_t { null, boolean, number, string, array, object, none };

enum class json_fault : std::uint8_t {
    none,
    unexpected,   // a byte that cannot stand here
    incomplete,   // the text ends too early
    control,      // a raw control byte in a string
    escape,       // a backslash with what no escape is
    surrogate,    // half of a surrogate pair
    big_integer,  // beyond 64 bits
    big_double,   // beyond a finite double
    trailing,     // something after the value
    depth         // nested too deeply
};

// A string as it stands in the text. The counts of escapes make its decoded size known without
// decoding it.
struct json_string {
    std::uint32_t begin = 0, end = 0;              // without the quotes
    std::uint32_t escape_bytes = 0;                // of [begin, end), part of an escape
    std::array<std::uint32_t, 4> decoded_bytes{};  // of escapes, by length of code point less one
    bool escaped() const noexcept { return escape_bytes != 0; }
    std::uint32_t size() const noexcept { return end - begin; }
};

struct json_number {
    std::uint32_t begin = 0, end = 0;
    std::uint64_t magnitude = 0;  // of an integer
    bool integer = false;         // neither fraction nor exponent
    bool negative = false;
};

// Every reader returns false after a fault; nothing may be read after that.
class json_cursor {
 public:
    // Deeper nesting than 1 024 is a fault whatever `depth_max` says, since the walk uses the
    // stack.
    json_cursor(std::string_view text, std::uint32_t depth_max) noexcept;

    // Skips white space. `none`: no value begins here, and any reader will say why.
    json_type peek() noexcept {
        skip_space();
        return p_ == end_ ? json_type::none : types_[static_cast<unsigned char>(*p_)];
    }
    std::uint32_t offset() const noexcept { return static_cast<std::uint32_t>(p_ - begin_); }
    std::string_view text(const json_string& s) const noexcept {
        return {begin_ + s.begin, s.size()};
    }
    std::string_view text(const json_number& n) const noexcept {
        return {begin_ + n.begin, n.end - n.begin};
    }
    // Place of the comma before the current member or element; unset before the first.
    std::uint32_t comma() const noexcept { return comma_; }

    bool read(json_string& out) noexcept;
    bool read(json_number& out) noexcept;
    bool read(bool& out) noexcept;
    bool skip() noexcept;    // a value of any type, validated
    bool finish() noexcept;  // only white space may be left

    // `reader(key)` stands before the member's value and must read it; `reader()` likewise.
    template <class Reader>
    bool members(Reader&& reader);
    template <class Reader>
    bool elements(Reader&& reader);

    json_fault fault() const noexcept { return fault_; }

 private:
    static const std::array<json_type, 256> types_;

    void skip_space() noexcept {
        while (p_ != end_ && static_cast<unsigned char>(*p_) <= ' ' &&
               (*p_ == ' ' || *p_ == '\n' || *p_ == '\r' || *p_ == '\t'))
            ++p_;
    }
    bool take(char c) noexcept {
        if (p_ == end_ || *p_ != c) return false;
        ++p_;
        return true;
    }
    bool fail(json_fault why) noexcept {
        fault_ = why;
        return false;
    }
    bool fail_here() noexcept {
        return fail(p_ == end_ ? json_fault::incomplete : json_fault::unexpected);
    }
    bool open(char bracket) noexcept {
        if (!take(bracket)) return fail_here();
        if (depth_left_ == 0) return fail(json_fault::depth);
        --depth_left_;
        skip_space();
        return true;
    }
    bool closed(char bracket) noexcept {
        if (!take(bracket)) return false;
        ++depth_left_;
        return true;
    }
    bool next() noexcept {
        comma_ = offset();
        if (!take(',')) return fail_here();
        skip_space();
        return true;
    }
    bool read_escape(json_string& out) noexcept;
    bool read_fraction(json_number& out, std::uint32_t integer_digits) noexcept;
    bool read_word(std::string_view word) noexcept;

    const char* begin_;
    const char* p_;
    const char* end_;
    std::uint32_t depth_left_;
    std::uint32_t comma_ = 0;
    json_fault fault_ = json_fault::none;
};

template <class Reader>
bool json_cursor::members(Reader&& reader) {
    if (!open('{')) return false;
    if (closed('}')) return true;
    for (;;) {
        json_string key;
        if (!read(key)) return false;
        skip_space();
        if (!take(':')) return fail_here();
        if (!reader(static_cast<const json_string&>(key))) return false;
        skip_space();
        if (closed('}')) return true;
        if (!next()) return false;
    }
}

template <class Reader>
bool json_cursor::elements(Reader&& reader) {
    if (!open('[')) return false;
    if (closed(']')) return true;
    for (;;) {
        if (!reader()) return false;
        skip_space();
        if (closed(']')) return true;
        if (!next()) return false;
    }
}

}  // namespace penstock::openai
