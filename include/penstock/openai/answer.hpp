// Watching an answer go by: usage in every dialect, errors inside a stream, and the one event that
// may be taken out. Nothing is changed here; the relay does what these say.
#pragma once

#include "penstock/contracts/work.hpp"
#include "penstock/openai/dialect.hpp"

#include <array>
#include <string>
#include <string_view>

namespace penstock::openai {

// What one whole SSE event is.
struct event_facts {
    enum class kind : std::uint8_t {
        comment,     // no data at all
        content,     // part of the answer; counts as output of the estimate
        other,       // a frame without text: role delta, ping, message_start, finish
        error,       // `{"error": …}` or `event: error`
        usage_only,  // usage present, choices empty: what include_usage causes
        done         // `[DONE]`, response.completed, message_stop
    } what = kind::other;
};

// Classifies one event and merges the usage that it holds into `so_far` (Anthropic's message_start
// and message_delta add up to one usage; a running usage in each chunk replaces the last).
event_facts read_event(dialect spoken, std::string_view event, usage& so_far);

// While an event is still incomplete: true when it can no longer turn out to be `usage_only`, so
// that its bytes may be forwarded as they come.
bool cannot_be_usage_only(std::string_view incomplete_event) noexcept;

// Usage of an unstreamed JSON answer, found as its bytes pass by, wherever its member stands. Keeps
// at most `usage_bytes_max` of it.
class answer_watch {
 public:
    explicit answer_watch(dialect spoken) noexcept : spoken_(spoken) {}
    void feed(std::string_view bytes);
    usage found() const { return found_; }

    static constexpr std::size_t usage_bytes_max = 4096;

 private:
    const char* pass_string(const char* p, const char* end);
    void begin_string();
    void keep_key(const char* from, const char* to) noexcept;
    bool begins_usage() const noexcept;
    void keep(const char* from, const char* to);
    void end_capture();

    dialect spoken_;
    usage found_;
    std::array<char, 8> key_;  // of the member's name; "usage" and "meta" leave room
    std::uint8_t key_size_ = 0;
    std::string captured_;
    std::uint32_t depth_ = 0;
    bool in_string_ = false, escaped_ = false, in_key_ = false, after_colon_ = false;
    bool capturing_ = false;
};

}  // namespace penstock::openai
