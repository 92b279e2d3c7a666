// The grammar of JSON as a table of what may come next.
#include "worker/text/json_scanner.hpp"

#include <boost/json.hpp>

namespace penstock::worker {
namespace {

constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

constexpr bool is_space(char c) noexcept {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

constexpr bool is_hex(char c) noexcept {
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

}  // namespace

bool json_scanner::begin_string(bool is_key) {
    state_ = state::string;
    is_key_ = is_key;
    is_escaped_ = false;
    hex_left_ = 0;
    return true;
}

bool json_scanner::open(char close, state then) {
    if (open_.size() == depth_max) return false;
    open_ += close;
    state_ = then;
    return true;
}

bool json_scanner::close(char c) {
    if (open_.empty() || open_.back() != c) return false;
    open_.pop_back();
    state_ = open_.empty() ? state::complete : state::after;
    return true;
}

bool json_scanner::begin_value(char c) {
    switch (c) {
        case '"':
            return begin_string(false);
        case '{':
            return open('}', state::first_key);
        case '[':
            return open(']', state::first_value);
        case 't':
            word_ = "rue";
            break;
        case 'f':
            word_ = "alse";
            break;
        case 'n':
            word_ = "ull";
            break;
        default:
            if (c != '-' && !is_digit(c)) return false;
            state_ = state::number;
            digits_ = c == '-' ? digits::sign : c == '0' ? digits::zero : digits::whole;
            return true;
    }
    state_ = state::word;
    return true;
}

bool json_scanner::take_in_string(char c) {
    if (hex_left_ != 0) {
        --hex_left_;
        return is_hex(c);
    }
    if (is_escaped_) {
        is_escaped_ = false;
        if (c == 'u') hex_left_ = 4;
        return std::string_view("\"\\/bfnrtu").find(c) != std::string_view::npos;
    }
    is_escaped_ = c == '\\';
    if (c == '"') state_ = is_key_ ? state::colon : state::after;
    return true;
}

bool json_scanner::take_in_number(char c) {
    const bool digit = is_digit(c), exponent = (c | 0x20) == 'e';
    const auto go = [&](digits next) {
        digits_ = next;
        return true;
    };
    switch (digits_) {
        case digits::sign:
            return digit && go(c == '0' ? digits::zero : digits::whole);
        case digits::zero:
        case digits::whole:
            if (digit && digits_ == digits::whole) return true;
            if (c == '.') return go(digits::point);
            break;
        case digits::point:
            return digit && go(digits::fraction);
        case digits::fraction:
            if (digit) return true;
            break;
        case digits::exponent:
            if (c == '+' || c == '-') return go(digits::exponent_sign);
            return digit && go(digits::power);
        case digits::exponent_sign:
            return digit && go(digits::power);
        case digits::power:
            if (digit) return true;
            state_ = state::after;
            return take_after(c);
    }
    if (exponent) return go(digits::exponent);
    state_ = state::after;
    return take_after(c);
}

bool json_scanner::take_after(char c) {
    if (is_space(c)) return true;
    if (c != ',') return close(c);
    state_ = open_.back() == '}' ? state::key : state::value;
    return true;
}

bool json_scanner::take(char c) {
    switch (state_) {
        case state::string:
            return take_in_string(c);
        case state::number:
            return take_in_number(c);
        case state::word:
            if (c != word_.front()) return false;
            word_.remove_prefix(1);
            if (word_.empty()) state_ = state::after;
            return true;
        default:
            break;
    }
    if (is_space(c)) return true;
    switch (state_) {
        case state::start:
            return c == '{' && open('}', state::first_key);
        case state::first_key:
            if (c == '}') return close(c);
            return c == '"' && begin_string(true);
        case state::key:
            return c == '"' && begin_string(true);
        case state::colon:
            state_ = state::value;
            return c == ':';
        case state::first_value:
            if (c == ']') return close(c);
            return begin_value(c);
        case state::value:
            return begin_value(c);
        case state::after:
            return take_after(c);
        default:
            return false;
    }
}

json_scanner::part json_scanner::step(char c) {
    const state before = state_;
    const std::size_t depth = open_.size();
    if (!take(c)) return part::wrong;
    if (depth == 0 || open_.empty()) return part::between;
    if (depth > 1 || open_.size() > 1) return part::member;
    // Within the outermost object: a string that is a key, or a value that is no bracket.
    const bool in_value =
        before == state::string || before == state::number || before == state::word;
    // What ends a number is no part of it.
    if (before == state::number && state_ != state::number) return part::between;
    if (in_value) return before == state::string && is_key_ ? part::key : part::member;
    if (state_ == state::string) return is_key_ ? part::key : part::member;
    return state_ == state::number || state_ == state::word ? part::member : part::between;
}

bool read_json_string(std::string_view quoted, std::string& out) {
    // Boost.JSON is stricter about control characters than the scanner; the rest it knows better.
    std::string strict;
    for (const char c : quoted) {
        if (c == '\n')
            strict += "\\n";
        else if (c == '\r')
            strict += "\\r";
        else if (c == '\t')
            strict += "\\t";
        else
            strict += c;
    }
    boost::system::error_code failed;
    const boost::json::value read = boost::json::parse(strict, failed);
    if (failed || !read.is_string()) return false;
    out = read.get_string();
    return true;
}

}  // namespace penstock::worker
