// Which bytes of an event stream go to the client now: all of them, but for the one event that an
// injected include_usage causes. Pure.
#pragma once

#include "penstock/http/sse.hpp"
#include "penstock/openai/answer.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::gateway {

class event_relay {
 public:
    // `hide_usage`: the usage event was not asked for by the client. Events of more than
    // `event_bytes_max` pass unread.
    event_relay(openai::dialect spoken, bool hide_usage, std::size_t event_bytes_max) noexcept
        : spoken_(spoken), hide_usage_(hide_usage), event_bytes_max_(event_bytes_max) {}

    // Appends to `out` what may be sent now: views into `piece`, and into this object until the
    // next call.
    void feed(std::string_view piece, usage& used, std::vector<std::string_view>& out);
    // What the last `feed` put into `out` points into this object: it must be sent before the next.
    bool lends() const noexcept { return lends_; }
    // The stream ended: what was still held back.
    void finish(std::vector<std::string_view>& out);

    std::uint32_t num_events() const noexcept { return num_events_; }
    std::uint32_t num_content() const noexcept { return num_content_; }
    // Bytes of an event were sent whose end has not come.
    bool is_inside_event() const noexcept { return released_ || oversized_; }
    bool saw_error() const noexcept { return saw_error_; }
    // The event that says that nothing more comes: `[DONE]`, message_stop, response.completed.
    bool saw_end() const noexcept { return saw_end_; }

 private:
    bool take_event(std::string_view event, usage& used);
    void keep_incomplete(std::string_view rest, std::vector<std::string_view>& out);

    openai::dialect spoken_;
    bool hide_usage_;
    std::size_t event_bytes_max_;
    http::sse_scanner scanner_;
    std::string incomplete_;  // of the current event
    std::string releasing_;   // held bytes that `out` points into
    bool released_ = false;   // what is in `incomplete_` has been sent already
    bool oversized_ = false;
    bool lends_ = false;
    bool saw_error_ = false, saw_end_ = false;
    std::uint32_t num_events_ = 0, num_content_ = 0;
};

}  // namespace penstock::gateway
