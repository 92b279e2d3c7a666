// What an operator asks: a request, or as much of one as is known, and whose it is.
#pragma once

#include "penstock/http/head.hpp"
#include "penstock/refusal.hpp"

#include <string>
#include <string_view>

namespace penstock::gateway {

struct snapshot;

// A request as a client would have sent it.
struct explain_question {
    std::string head_bytes;  // what `head` points into
    http::request_head head;
    std::string body;
    std::string key_name;  // whose it is; empty: who the key in its head is

    explain_question() = default;
    explain_question(const explain_question&) = delete;
    explain_question& operator=(const explain_question&) = delete;
};

// An object with these members, all of which but `body` or `bytes` may be left out:
//     method    "POST"
//     path      "/v1/chat/completions"
//     headers   an object of strings
//     body      an object, or the bytes themselves as a string
//     bytes     where there is no body: of the text that it would have, in one-byte letters
//     model, stream, max_tokens    of the body that is made of `bytes`
//     key       the client's own, or key_name: what the settings call it
//     class     "realtime" or "bulk", as x-penstock-class
// Refuses, and names the member at fault in `param`; a path that the gateway answers itself is one.
// Never repeats the key.
stage_result<> read_question(std::string_view json, const snapshot& s, explain_question& out);

}  // namespace penstock::gateway
