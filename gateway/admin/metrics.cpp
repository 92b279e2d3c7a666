// /metrics, made beside the loops: with many models it takes milliseconds.
#include "gateway/admin/metrics.hpp"

#include "gateway/request_context.hpp"

namespace penstock::gateway {

io::task<local_answer> expose_metrics(request_context& c) {
    shared_parts& process = c.thread.process;
    local_answer answer{.content_type = "text/plain; version=0.0.4; charset=utf-8"};
    co_await process.side.run(c.thread.loop, [&] { answer.body = process.expose_metrics(); });
    co_return answer;
}

}  // namespace penstock::gateway
