// Waiting until the kernel takes bytes (or a connection stands), or learning why it never will.
#pragma once

#include "base/io/channel_state.hpp"

namespace penstock::io {

struct channel::write_awaiter {
    state& s;
    bool await_ready() const noexcept { return s.closed; }
    void await_suspend(std::coroutine_handle<> h) const {
        s.writer = h;
        s.start_write_wait();
    }
    result<void> await_resume() const noexcept {
        if (std::exchange(s.writer_timed_out, false)) return error(errc::timed_out);
        if (s.closed) return error(errc::canceled);
        return success();
    }
};

}  // namespace penstock::io
