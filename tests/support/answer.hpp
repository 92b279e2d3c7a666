// What a scripted upstream does with one request: a value, made by the functions below and changed
// by setting fields.
#pragma once

#include "support/socket.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace penstock::test {

enum class framing { sized, chunked, until_close };

// What becomes of the connection after the last byte of an answer.
enum class afterwards {
    keep,   // it takes the next request
    close,  // it is closed although keep-alive was promised
    hang    // the answer is left unfinished and nothing more comes
};

enum class cut_by { fin, rst };

struct answer {
    int status = 200;
    std::vector<std::pair<std::string, std::string>> headers;  // beside those of framing
    framing framed = framing::sized;
    std::vector<std::string> pieces;  // the body: one write each, when chunked one chunk each
    std::uint64_t repeat = 1;         // all pieces, so many times; to offer a gigabyte cheaply

    milliseconds before_head{0};    // `forever`: never answers
    milliseconds before_piece{0};   // before each but the first
    std::size_t trickle_bytes = 0;  // not 0: the body goes out so many bytes at a time …
    milliseconds trickle_every{0};  // … with this pause between

    // Set: how many pieces may go out by now, the head with the first; the others wait for more.
    std::shared_ptr<std::atomic<std::size_t>> allowed;

    std::optional<std::uint64_t> cut_after;  // body bytes on the wire, then the connection ends
    cut_by cut = cut_by::fin;
    bool cut_before_head = false;            // ends in place of an answer
    std::optional<std::size_t> break_chunk;  // this piece gets a chunk size that is no number
    afterwards then = afterwards::keep;

    std::string raw;  // not empty: sent as it is, in place of head and body
};

answer json(std::string body, int status = 200);
// Each text becomes `data: TEXT` and an empty line; a text that has a colon-led field name of its
// own
// ("event: …\ndata: …") or is a comment (":…") is sent as it stands, with an empty line.
answer sse(std::vector<std::string> events, bool done = true);
// An OpenAI chat stream: one event for each word, then finish_reason; with usage, if given, in an
// event with empty choices; then [DONE].
answer chat_stream(std::vector<std::string> words, std::optional<std::pair<int, int>> usage = {});
// An unstreamed chat completion with usage.
answer chat(std::string_view text, int prompt_tokens = 5, int completion_tokens = 7);
// An OpenAI error body.
answer failure(int status, std::string_view message = "scripted failure");
// 429 or 503 with a Retry-After in seconds.
answer busy(int status, int retry_after_seconds);
// A stream that begins with an error event in a 200.
answer error_event_first();
// A stream whose `good` content events are followed by an error event.
answer error_event_after(std::vector<std::string> good);
// Reads the request and never says a word.
answer silence();
// Holds the answer back until `allowed` lets pieces out.
answer held(answer what, std::shared_ptr<std::atomic<std::size_t>> allowed);
// A chunked stream of `bytes` of content events of 1 KiB each.
answer endless(std::uint64_t bytes);

}  // namespace penstock::test
