// Cuts a template at its tags and reads the tokens inside them.
#include "worker/text/jinja/lexer.hpp"

#include "worker/text/jinja/string_literal.hpp"
#include "worker/text/jinja/unicode.hpp"

#include <algorithm>

namespace penstock::worker::jinja {
namespace {

// Every kind of line end becomes "\n"; one at the end of the source goes.
std::string normalized(std::string_view source) {
    std::string out;
    out.reserve(source.size());
    for (std::size_t i = 0; i < source.size(); ++i) {
        if (source[i] != '\r') {
            out += source[i];
            continue;
        }
        out += '\n';
        if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    }
    if (!out.empty() && out.back() == '\n') out.pop_back();
    return out;
}

constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

bool begins_name(char c) noexcept {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           static_cast<unsigned char>(c) >= 0x80;
}

class lexer {
 public:
    explicit lexer(std::string_view source) : source_(normalized(source)) {}

    result<std::vector<token>> run();

 private:
    bool sees(std::string_view what) const { return rest().substr(0, what.size()) == what; }
    std::string_view rest() const { return std::string_view(source_).substr(at_); }
    void go(std::size_t bytes) {
        const auto begin = source_.begin() + static_cast<std::ptrdiff_t>(at_);
        const auto end = begin + static_cast<std::ptrdiff_t>(bytes);
        line_ += static_cast<std::uint32_t>(std::count(begin, end, '\n'));
        at_ += bytes;
    }
    void skip_space() { go(stripped(rest(), {}, true, false).begin); }
    void add(token_type type, std::string text = {}) {
        tokens_.push_back({type, line_, std::move(text)});
    }
    std::size_t find_tag() const;
    std::size_t raw_tag(std::string_view word, bool& trims) const;
    void add_data(std::size_t end, char sign, bool is_variable);
    result<void> read_tag();
    result<void> read_comment();
    result<void> read_raw(std::size_t opening, bool trims);
    result<void> read_inside(bool is_variable);
    bool ends_inside(bool is_variable);
    result<void> read_token();
    void read_number();
    result<void> read_string();
    result<void> read_sign();

    std::string source_;
    std::size_t at_ = 0;
    std::uint32_t line_ = 1;
    bool line_starts_ = true;  // the last thing read ended in a line end
    std::string open_;         // brackets, as what closes them
    std::vector<token> tokens_;
};

std::size_t lexer::find_tag() const {
    for (std::size_t i = at_; i + 1 < source_.size(); ++i)
        if (source_[i] == '{' && std::string_view("{%#").find(source_[i + 1]) != std::string::npos)
            return i;
    return source_.size();
}

// Length of `{%- raw -%}` or `{%- endraw -%}` here, or 0.
std::size_t lexer::raw_tag(std::string_view word, bool& trims) const {
    const std::string_view all = rest();
    if (all.substr(0, 2) != "{%") return 0;
    std::size_t i = 2;
    const auto pass_space = [&] { i += stripped(all.substr(i), {}, true, false).begin; };
    if (i < all.size() && (all[i] == '-' || all[i] == '+')) ++i;
    pass_space();
    if (all.substr(i, word.size()) != word) return 0;
    i += word.size();
    pass_space();
    const bool ends = word == "endraw";
    trims = all.substr(i, 3) == "-%}";
    if (trims || (ends && all.substr(i, 3) == "+%}")) return i + 3;
    if (all.substr(i, 2) != "%}") return 0;
    i += 2;
    return ends && i < all.size() && all[i] == '\n' ? i + 1 : i;
}

// The text up to `end`, where a tag with this sign begins.
void lexer::add_data(std::size_t end, char sign, bool is_variable) {
    std::string_view data = std::string_view(source_).substr(at_, end - at_);
    if (sign == '-') {
        data = data.substr(0, stripped(data, {}, false, true).end);
    } else if (sign != '+' && !is_variable) {
        const std::size_t newline = data.rfind('\n');
        const std::size_t line = newline == data.npos ? 0 : newline + 1;
        const std::string_view last = data.substr(line);
        if ((line > 0 || line_starts_) && stripped(last, {}, true, false).begin == last.size())
            data = data.substr(0, line);
    }
    if (!data.empty()) add(token_type::data, std::string(data));
    go(end - at_);
}

result<void> lexer::read_comment() {
    const std::size_t end = source_.find("#}", at_);
    if (end == source_.npos) return fault_at(line_, "a comment does not end");
    const char sign = end > at_ ? source_[end - 1] : '\0';
    go(end + 2 - at_);
    if (sign == '-')
        skip_space();
    else if (sign != '+' && sees("\n"))
        go(1);
    line_starts_ = source_[at_ - 1] == '\n';
    return success();
}

result<void> lexer::read_raw(std::size_t opening, bool trims) {
    const std::uint32_t line = line_;
    go(opening);
    if (trims) skip_space();
    line_starts_ = source_[at_ - 1] == '\n';
    for (std::size_t i = source_.find("{%", at_); i != source_.npos;
         i = source_.find("{%", i + 2)) {
        const std::size_t from = at_;
        at_ = i;
        const std::size_t closing = raw_tag("endraw", trims);
        at_ = from;
        if (closing == 0) continue;
        add_data(i, i + 2 < source_.size() ? source_[i + 2] : '\0', false);
        go(closing);
        if (trims) skip_space();
        line_starts_ = source_[at_ - 1] == '\n';
        return success();
    }
    return fault_at(line, "a raw block does not end");
}

result<void> lexer::read_tag() {
    bool trims = false;
    const char sign = at_ + 2 < source_.size() ? source_[at_ + 2] : '\0';
    const bool is_variable = sees("{{");
    if (const std::size_t opening = raw_tag("raw", trims)) return read_raw(opening, trims);
    if (sees("{#")) {
        go(sign == '-' || sign == '+' ? 3 : 2);
        return read_comment();
    }
    add(is_variable ? token_type::variable_begin : token_type::block_begin);
    go(sign == '-' || sign == '+' ? 3 : 2);
    return read_inside(is_variable);
}

bool lexer::ends_inside(bool is_variable) {
    if (!open_.empty()) return false;
    const std::string_view close = is_variable ? "}}" : "%}";
    const auto type = is_variable ? token_type::variable_end : token_type::block_end;
    if (sees(is_variable ? "-}}" : "-%}")) {
        add(type);
        go(3);
        skip_space();
    } else if (!is_variable && sees("+%}")) {
        add(type);
        go(3);
    } else if (sees(close)) {
        add(type);
        go(2);
        if (!is_variable && sees("\n")) go(1);
    } else {
        return false;
    }
    line_starts_ = source_[at_ - 1] == '\n';
    return true;
}

result<void> lexer::read_inside(bool is_variable) {
    const std::uint32_t line = line_;
    for (;;) {
        skip_space();
        if (at_ == source_.size()) return fault_at(line, "a tag does not end");
        if (ends_inside(is_variable)) return success();
        CHECK(read_token());
    }
}

result<void> lexer::read_token() {
    const char c = source_[at_];
    if (begins_name(c)) {
        std::size_t length = 1;
        while (length < rest().size() && (begins_name(rest()[length]) || is_digit(rest()[length])))
            ++length;
        add(token_type::name, std::string(rest().substr(0, length)));
        go(length);
        return success();
    }
    if (is_digit(c)) {
        read_number();
        return success();
    }
    return c == '"' || c == '\'' ? read_string() : read_sign();
}

void lexer::read_number() {
    const std::string_view all = rest();
    std::string kept;
    const auto digits = [&](std::size_t i, std::string_view allowed) {
        const auto is_one = [&](std::size_t j) {
            return j < all.size() && allowed.find(all[j]) != allowed.npos;
        };
        while (is_one(i) || (i < all.size() && all[i] == '_' && is_one(i + 1) && i > 0))
            ++i;
        return i;
    };
    constexpr std::string_view decimal = "0123456789";
    std::size_t end = 0;
    bool is_real = false;
    const char base = all.size() > 1 && all[0] == '0' ? static_cast<char>(all[1] | 0x20) : ' ';
    if (base == 'x')
        end = digits(2, "0123456789abcdefABCDEF");
    else if (base == 'o')
        end = digits(2, "01234567");
    else if (base == 'b')
        end = digits(2, "01");
    if (end <= 2) {
        end = digits(0, decimal);
        const bool after_dot = at_ > 0 && source_[at_ - 1] == '.';  // `a.0.1` is no fraction
        const auto fraction = [&](std::size_t i) {
            return i + 1 < all.size() && all[i] == '.' && is_digit(all[i + 1]);
        };
        if (!after_dot && fraction(end)) {
            end = digits(end + 1, decimal);
            is_real = true;
        }
        std::size_t e = end;
        if (!after_dot && e < all.size() && (all[e] | 0x20) == 'e') {
            ++e;
            if (e < all.size() && (all[e] == '+' || all[e] == '-')) ++e;
            if (e < all.size() && is_digit(all[e])) {
                end = digits(e, decimal);
                is_real = true;
            }
        }
    }
    kept = all.substr(0, end);
    std::erase(kept, '_');
    add(is_real ? token_type::real : token_type::integer, kept);
    go(end);
}

result<void> lexer::read_string() {
    const char quote = source_[at_];
    std::size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != quote)
        end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size()) return fault_at(line_, "a string does not end");
    const auto body = std::string_view(source_).substr(at_ + 1, end - at_ - 1);
    std::string unescaped;
    if (!unescape(body, unescaped)) return fault_at(line_, "an escape in a string is not valid");
    add(token_type::string, std::move(unescaped));
    go(end + 1 - at_);
    return success();
}

result<void> lexer::read_sign() {
    constexpr std::string_view doubles[] = {"//", "**", "==", "!=", ">=", "<="};
    for (const std::string_view sign : doubles) {
        if (!sees(sign)) continue;
        add(token_type::sign, std::string(sign));
        go(2);
        return success();
    }
    const char c = source_[at_];
    if (std::string_view("+-/*%~[](){}><=.:|,;").find(c) == std::string::npos)
        return fault_at(line_, std::string("unexpected '") + c + "'");
    constexpr std::string_view opening = "([{", closing = ")]}";
    if (const std::size_t i = opening.find(c); i != opening.npos) open_ += closing[i];
    if (closing.find(c) != closing.npos) {
        if (open_.empty() || open_.back() != c)
            return fault_at(line_, std::string("unexpected '") + c + "'");
        open_.pop_back();
    }
    add(token_type::sign, std::string(1, c));
    go(1);
    return success();
}

result<std::vector<token>> lexer::run() {
    while (at_ < source_.size()) {
        const std::size_t tag = find_tag();
        if (tag == source_.size()) {
            add(token_type::data, std::string(rest()));
            go(tag - at_);
            break;
        }
        const char sign = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
        add_data(tag, sign, source_[tag + 1] == '{');
        CHECK(read_tag());
    }
    add(token_type::end);
    return std::move(tokens_);
}

}  // namespace

error fault_at(std::uint32_t line, std::string_view what) {
    return {errc::invalid_value, "line " + std::to_string(line) + ": " + std::string(what)};
}

result<std::vector<token>> tokenize(std::string_view source) {
    return lexer(source).run();
}

}  // namespace penstock::worker::jinja
