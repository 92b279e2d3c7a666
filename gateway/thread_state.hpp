// What one loop's requests share. Used on that loop's thread only.
#pragma once

#include "gateway/shared_parts.hpp"
#include "gateway/snapshot.hpp"
#include "penstock/io/loop.hpp"
#include "penstock/observe/trace_context.hpp"

#include <memory>

namespace penstock::gateway {

struct request_context;

struct thread_state {
    shared_parts& process;
    io::loop& loop;
    std::shared_ptr<const snapshot> settings;  // this thread's own reference
    observe::thread_metrics& metrics;
    observe::access_log::thread_log* log;  // null: no request lines are written
    observe::request_ids ids;
    request_context* first_request = nullptr;  // of those in the path now

    bool is_draining() const noexcept { return process.is_draining(); }
};

}  // namespace penstock::gateway
