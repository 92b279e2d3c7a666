// The alternatives of the split pattern, in their order:
//     (?i:'s|'t|'re|'ve|'m|'ll|'d)
//     [^\r\n\p{L}\p{N}]?\p{L}+
//     \p{N}                           Llama 3: \p{N}{1,3}
//      ?[^\s\p{L}\p{N}]+[\r\n]*
//     \s*[\r\n]+
//     \s+(?!\S)
//     \s+
// The first that matches wins, each as long as it goes with what backtracking gives back.
#include "worker/text/split_pattern.hpp"

#include "worker/text/unicode_classes.hpp"
#include "worker/text/utf8.hpp"

#include <array>

namespace penstock::worker {
namespace {

constexpr std::string_view before_digits =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|)";
constexpr std::string_view behind_digits = R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

constexpr std::array<char_class, 128> classes_of_ascii() {
    std::array<char_class, 128> classes{};
    for (unsigned c = 0; c < classes.size(); ++c) {
        const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool is_space = c == ' ' || (c >= '\t' && c <= '\r');
        if (is_letter) classes[c] = char_class::letter;
        if (c >= '0' && c <= '9') classes[c] = char_class::number;
        if (is_space) classes[c] = char_class::space;
        if (c == '\r' || c == '\n') classes[c] = char_class::newline;
    }
    return classes;
}
constexpr auto ascii_classes = classes_of_ascii();

constexpr bool is_space(char_class what) noexcept {
    return what == char_class::space || what == char_class::newline;
}

class matcher {
 public:
    explicit matcher(std::string_view text) noexcept
        : begin_(text.data()), size_(text.size()), classes_(unicode_classes::get()) {}

    struct character {
        char_class what;
        std::size_t end;
    };
    // The character at `at` < size().
    character read(std::size_t at) const noexcept {
        const auto byte = static_cast<unsigned char>(begin_[at]);
        if (byte < 0x80) return {ascii_classes[byte], at + 1};
        const utf8_character next = read_valid_utf8(begin_ + at);
        return {classes_.of(next.code), at + next.length};
    }
    bool is(std::size_t at, char_class what) const noexcept {
        return at < size_ && read(at).what == what;
    }
    // End of the run of at most `most` characters of one class from `at` on.
    std::size_t run(std::size_t at, char_class what, std::size_t most = -1) const noexcept {
        for (; at < size_ && most > 0; --most) {
            const character next = read(at);
            if (next.what != what) break;
            at = next.end;
        }
        return at;
    }

    // End of a contraction whose apostrophe stands at `at`; 0 if there is none.
    std::size_t contraction(std::size_t at) const noexcept {
        const auto lower = [this](std::size_t i) {
            return i < size_ ? static_cast<char>(begin_[i] | 0x20) : '\0';
        };
        const char first = lower(at + 1), second = lower(at + 2);
        if (first == 's' || first == 't' || first == 'm' || first == 'd') return at + 2;
        if ((first == 'r' && second == 'e') || (first == 'v' && second == 'e') ||
            (first == 'l' && second == 'l'))
            return at + 3;
        // Long s (U+017F) folds to s; no other character folds to a letter of these.
        const bool long_s = at + 2 < size_ && begin_[at + 1] == '\xC5' && begin_[at + 2] == '\xBF';
        return long_s ? at + 3 : 0;
    }

    std::size_t punctuation(std::size_t at) const noexcept {
        return run(run(at, char_class::other), char_class::newline);
    }

    // A run of spaces that begins at `at`: up to its last line break if it has one, else without
    // its last character if something follows.
    std::size_t spaces(std::size_t at) const noexcept {
        std::size_t last = at, behind_newline = at;
        const std::size_t begin = at;
        while (at < size_) {
            const character next = read(at);
            if (!is_space(next.what)) break;
            last = at;
            at = next.end;
            if (next.what == char_class::newline) behind_newline = at;
        }
        if (behind_newline != begin) return behind_newline;
        return at == size_ || last == begin ? at : last;
    }

 private:
    const char* begin_;
    std::size_t size_;
    const unicode_classes& classes_;
};

}  // namespace

std::optional<split_pattern> known_pattern(std::string_view regex) noexcept {
    if (!regex.starts_with(before_digits) || !regex.ends_with(behind_digits)) return std::nullopt;
    regex.remove_prefix(before_digits.size());
    if (regex.size() < behind_digits.size()) return std::nullopt;
    regex.remove_suffix(behind_digits.size());
    if (regex == R"(\p{N})") return split_pattern{1};
    if (regex == R"(\p{N}{1,3})") return split_pattern{3};
    return std::nullopt;
}

std::size_t piece_end(
    const split_pattern& pattern, std::string_view text, std::size_t at
) noexcept {
    const matcher match(text);
    if (text[at] == '\'') {
        const std::size_t end = match.contraction(at);
        if (end != 0) return end;
    }
    const matcher::character first = match.read(at);
    switch (first.what) {
        case char_class::letter:
            return match.run(first.end, char_class::letter);
        case char_class::number:
            return match.run(at, char_class::number, pattern.digits);
        case char_class::other:
            if (match.is(first.end, char_class::letter))
                return match.run(first.end, char_class::letter);
            return match.punctuation(at);
        case char_class::space:
            if (match.is(first.end, char_class::letter))
                return match.run(first.end, char_class::letter);
            if (text[at] == ' ' && match.is(first.end, char_class::other))
                return match.punctuation(first.end);
            return match.spaces(at);
        case char_class::newline:
            return match.spaces(at);
    }
    return text.size();
}

}  // namespace penstock::worker
