// A string of a template that knows which of its bytes came from the conversation.
#pragma once

#include "worker/text/tokenizer.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace penstock::worker::jinja {

struct text {
    std::string bytes;
    std::vector<user_range> users;  // ascending, disjoint, never touching

    text() = default;
    explicit text(std::string_view from) : bytes(from) {}

    static text of_user(std::string_view from);
    static text like(std::string_view bytes, bool is_users) {
        return is_users ? of_user(bytes) : text(bytes);
    }

    std::size_t size() const noexcept { return bytes.size(); }
    bool empty() const noexcept { return bytes.empty(); }
    bool has_users() const noexcept { return !users.empty(); }
    std::string_view view() const noexcept { return bytes; }

    // What the template wrote.
    void append(std::string_view own) { bytes += own; }
    void append_user(std::string_view theirs);
    void append_like(std::string_view more, bool is_users) {
        is_users ? append_user(more) : append(more);
    }
    void append(const text& more) { append(more, 0, more.size()); }
    // Bytes [begin, end) of another string; each byte stays whose it was.
    void append(const text& more, std::size_t begin, std::size_t end);

    text part(std::size_t begin, std::size_t end) const;
    // Counts everything as the user's.
    void give_to_user();

 private:
    void add_range(std::size_t begin, std::size_t end);
};

}  // namespace penstock::worker::jinja
