// Finds the events of a text/event-stream across any read boundary, without copying them.
#pragma once

#include <cstdint>
#include <string_view>

namespace penstock::http {

// Lines end in LF, CR or CRLF. An event ends with a line end that directly follows the line end of
// a line with something in it: further empty lines open the next event, none is one by itself.
// A leading byte order mark is part of the first event.
class sse_scanner {
 public:
    // Position just past the end of the current event, or npos when it does not end in `bytes`.
    // Keeps its state, so call it with each further piece of the stream, and after an end with what
    // is left. A CR that ends `bytes` is taken as a whole line end; the LF that may follow is then
    // skipped: it is the first byte of what comes after the event, which `sse_fields` passes over.
    std::size_t find_end(std::string_view bytes) noexcept;

    // True between events: what came so far is whole.
    bool at_boundary() const noexcept { return line_empty_ && !any_; }

 private:
    bool line_empty_ = true;  // nothing on this line yet
    bool any_ = false;        // something in this event
    bool skip_lf_ = false;    // the last byte was a CR
};

struct sse_field {
    std::string_view name, value;
};

// Fields of one whole event, in order; `next` is false at the end. A comment has an empty name, a
// line without a colon an empty value; one space after the colon is not part of the value.
class sse_fields {
 public:
    explicit sse_fields(std::string_view event) noexcept : left_(event) {}
    bool next(sse_field& out) noexcept;

 private:
    std::string_view left_;
};

}  // namespace penstock::http
