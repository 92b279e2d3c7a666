// Comments while the first event is awaited.
#include "gateway/stages/keepalive.hpp"

#include "gateway/request_context.hpp"
#include "gateway/stages/answer_head.hpp"

namespace penstock::gateway {

void keepalive_comments::start(duration every) noexcept {
    if (std::exchange(running_, true)) return;
    every_ = every;
    // The loop's own time is that of its turn's beginning, perhaps before the request was sent.
    owner_.thread.loop.set_deadline(*this, after(io::loop::exact_now(), every_));
}

void keepalive_comments::stop() noexcept {
    running_ = false;
    owner_.thread.loop.clear_deadline(*this);
}

void keepalive_comments::on_time() noexcept {
    if (!running_ || owner_.client_left) return;
    http::exchange& x = owner_.x;
    if (!x.has_started()) {
        x.start(200, {}, event_stream_head(owner_), std::nullopt);
        owner_.is_event_stream = true;
        owner_.record.status = 200;
    }
    const std::string_view comment = ": keep-alive\n\n";
    // A client that takes nothing gets no second comment: `write_now` kept the first.
    const auto sent = x.write_now({&comment, 1});
    if (sent.has_error()) return;
    if (sent.value())
        owner_.thread.loop.set_deadline(*this, after(owner_.thread.loop.now(), every_));
}

}  // namespace penstock::gateway
