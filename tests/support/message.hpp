// Reading HTTP/1.1 messages in tests, by code that shares nothing with the gateway's own parsers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::test {

// The value of the first header of that name, without white space around it; nothing when absent.
std::optional<std::string> header_of(std::string_view head, std::string_view name);
// How many header lines have that name.
std::size_t num_headers_of(std::string_view head, std::string_view name);
// The first line of a head.
std::string first_line(std::string_view head);
// Word `n` of the first line: of a request the method, target and version.
std::string word_of_first_line(std::string_view head, std::size_t n);

// Takes a body out of its framing. Feed it bytes; what it needs no more stays in them.
class deframer {
 public:
    // The framing of the message with this head. `until_close` is what a response without any has.
    static deframer of_request(std::string_view head);
    static deframer of_response(std::string_view head, bool request_was_head);

    // Moves payload from the front of `bytes` to the end of `body`.
    void take(std::string& bytes, std::string& body);
    bool is_done() const noexcept { return done_; }
    // Whether the connection may end now.
    bool may_end() const noexcept { return done_ || kind_ == kind::until_close; }
    bool is_broken() const noexcept { return broken_; }

 private:
    enum class kind { none, sized, chunked, until_close };
    void take_chunks(std::string& bytes, std::string& body);

    kind kind_ = kind::none;
    std::uint64_t left_ = 0;
    bool in_chunk_ = false, in_trailer_ = false, done_ = true, broken_ = false;
};

}  // namespace penstock::test
