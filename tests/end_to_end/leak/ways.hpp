// The ways in which an upstream and a client of the leak test behave. The client chooses both and
// tells the upstream by a header.
#pragma once

#include <string_view>

namespace penstock::leak {

inline constexpr std::string_view way_header = "x-leak";

// What an upstream does with a request: the header's value.
enum class serving : char {
    whole = 'w',       // a small answer
    large = 'l',       // 300 KiB with a length
    stream = 's',      // a few events and [DONE]
    closing = 'c',     // a small answer, then a FIN although keep-alive was promised
    failing = '5',     // 500
    busy = 'b',        // 503
    refusing = '4',    // 400
    endless = 'e',     // a stream until nobody reads it
    silent = '-',      // nothing until the peer leaves
    no_head = 'n',     // a FIN in place of an answer
    reset = 'r',       // a RST in place of an answer
    half_head = 'h',   // a RST inside the head
    half_body = 'f',   // a FIN inside a body with a length
    half_event = 'v',  // a RST inside an event
    bad_chunk = 'k',   // a chunk size that is no number
};

// What a client does with its request and its answer.
enum class asking {
    patient,         // reads all of the answer
    slow,            // reads all of it, a little at a time
    pipelining,      // sends two requests at once and reads both answers
    malformed,       // sends a body that is no JSON and reads the refusal
    in_head,         // leaves inside its head
    in_body,         // … inside its body
    at_once,         // … when it has sent all
    after_pause,     // … a little later
    in_answer,       // … when a part of the answer has come
    slow_in_answer,  // … the same, reading a little at a time
};

}  // namespace penstock::leak
