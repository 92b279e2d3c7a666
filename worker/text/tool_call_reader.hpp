// The body of one tool call, `{"name": …, "arguments": …}`, byte by byte.
#pragma once

#include "worker/text/json_scanner.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace penstock::worker {

class tool_call_reader {
 public:
    enum class event : std::uint8_t {
        none,
        name,       // name() is known; take_arguments() gives what came before it
        arguments,  // the byte belongs to the arguments
        complete,   // the object has ended
        no_call,    // the body is none: held() is all of it
        trailing,   // behind complete arguments the body breaks, with this byte
    };

    // Once the name is known, a body that breaks before its arguments end gives every byte from
    // there on as arguments: the client has been told of the call.
    event step(char c);

    // All bytes so far, until the name is known; what comes after is held no more.
    const std::string& held() const noexcept { return held_; }
    const std::string& name() const noexcept { return name_; }
    std::string take_arguments() { return std::exchange(arguments_, {}); }
    bool is_named() const noexcept { return is_named_; }
    bool has_arguments() const noexcept { return has_arguments_; }
    bool in_string() const noexcept { return !is_broken_ && scanner_.in_string(); }

 private:
    enum class field : std::uint8_t { other, name, arguments };

    event take_key(char c);
    event take_member(char c);
    event take_name(char c);
    event fail();

    json_scanner scanner_;
    std::string held_, key_, name_, quoted_name_, arguments_;
    field field_ = field::other;
    bool is_named_ = false;
    bool has_arguments_ = false;  // they have begun
    bool are_complete_ = false;   // the arguments
    bool is_broken_ = false;
};

}  // namespace penstock::worker
