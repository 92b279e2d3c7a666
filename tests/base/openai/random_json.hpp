// Random JSON texts with all spellings that the grammar allows, from a fixed seed.
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace penstock::openai::test {

class random_json {
 public:
    explicit random_json(std::uint64_t seed) : random_(seed) {}

    std::uint64_t below(std::uint64_t n) { return random_() % n; }
    bool one_in(std::uint64_t n) { return below(n) == 0; }

    template <class List>
    std::string pick(const List& list) {
        return std::string(list[below(std::size(list))]);
    }

    std::string space() {
        static constexpr std::array<std::string_view, 8> spaces{
            "", "", "", "", " ", "\n", "\t\r ", "  "
        };
        return pick(spaces);
    }

    std::string string() {
        static constexpr std::array<std::string_view, 16> pieces{
            "a",
            "hello world, this is a longer run of plain text",
            "привет",
            "日本語",
            "🦀",
            "\\n",
            "\\\"",
            "\\\\",
            "\\u0430",
            "\\u00e9",
            "\\u4e2d",
            "\\ud83e\\udd80",
            "{\\\"k",
            "]",
            "\\/",
            "\x7f"
        };
        std::string out = "\"";
        for (auto left = below(6); left != 0; --left)
            out += pick(pieces);
        return out + '"';
    }

    std::string number() {
        static constexpr std::array<std::string_view, 14> numbers{
            "0",
            "-0",
            "7",
            "9007199254740993",
            "18446744073709551615",
            "1E-07",
            "1.5e+3",
            "-2.0",
            "0.10",
            "1e-400",
            "-9223372036854775808",
            "1e308",
            "12345678901234567890",
            "3"
        };
        return pick(numbers);
    }

    std::string value(int depth) {
        switch (below(depth > 0 ? 8 : 5)) {
            case 0:
                return "null";
            case 1:
                return one_in(2) ? "true" : "false";
            case 2:
                return number();
            case 3:
            case 4:
                return string();
            case 5:
            case 6:
                return array(depth - 1);
            default:
                return object(depth - 1);
        }
    }

    std::string array(int depth) {
        std::string out = "[" + space();
        const auto size = below(4);
        for (std::uint64_t i = 0; i < size; ++i)
            out += (i ? "," + space() : "") + value(depth) + space();
        return out + "]";
    }

    std::string object(int depth) {
        std::string out = "{" + space();
        const auto size = below(4);
        for (std::uint64_t i = 0; i < size; ++i)
            out += (i ? "," + space() : "") + string() + space() + ":" + space() + value(depth) +
                   space();
        return out + "}";
    }

    // One to three bytes replaced, inserted, removed or repeated.
    std::string mutated(std::string text) {
        static constexpr std::string_view bytes =
            "\"\\{}[]:,0123456789eE+-.untrfalse \n\t\x01\xff\x80\xc3";
        for (auto left = 1 + below(3); left != 0 && !text.empty(); --left) {
            const std::size_t at = below(text.size());
            switch (below(4)) {
                case 0:
                    text[at] = bytes[below(bytes.size())];
                    break;
                case 1:
                    text.insert(at, 1, bytes[below(bytes.size())]);
                    break;
                case 2:
                    text.erase(at, 1 + below(3));
                    break;
                default:
                    text.insert(at, text.substr(at, 1 + below(8)));
                    break;
            }
        }
        return text;
    }

 private:
    std::mt19937_64 random_;
};

}  // namespace penstock::openai::test
