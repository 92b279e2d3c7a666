// Who a request is in logs: W3C Trace Context read from the client, and request ids of our own.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace penstock::observe {

// Views into the header.
struct trace_context {
    std::string_view trace_id;   // 32 lower-case hex digits, not all zero
    std::string_view parent_id;  // 16 of them
    bool sampled = false;
};

// W3C Trace Context 1, §3.2: of versions after 00 the known part is read. Nothing when it is
// malformed; such a header is not passed on.
std::optional<trace_context> parse_traceparent(std::string_view header) noexcept;

// "req-" and 16 hex digits.
struct request_id {
    std::array<char, 20> text{};
    std::string_view view() const noexcept { return {text.data(), text.size()}; }
};

// Ids of one thread: no two alike in a process, and between processes as unlikely as their seeds
// are close. No lock, clock or random device.
class request_ids {
 public:
    // `process_seed`: random, the same for all threads of the process; `thread` below 65536.
    request_ids(std::uint64_t process_seed, int thread) noexcept
        : next_(process_seed + (static_cast<std::uint64_t>(thread) << 48)) {}

    request_id next() noexcept;

 private:
    std::uint64_t next_;
};

// What a client may call its request: 1 to 128 printable ASCII bytes. Anything else is replaced.
bool is_valid_request_id(std::string_view id) noexcept;

}  // namespace penstock::observe
