// POST /admin/explain.
#include "gateway/admin/explain.hpp"

#include "gateway/explain/explanation.hpp"
#include "gateway/request_context.hpp"
#include "penstock/openai/error_body.hpp"

#include <optional>

namespace penstock::gateway {
namespace {

local_answer refuse(const request_context& c, const refusal& why) {
    return {
        .status = describe(why.code).status,
        .body = openai::error_body(openai::dialect::chat, why, c.request_id)
    };
}

// What escapes would end the side thread's process.
stage_result<std::string> explain_safely(request_context& c) noexcept {
    try {
        return explain(c.process, c.settings, c.x.body(), c.request_id, io::loop::exact_now());
    } catch (const std::exception&) {
        return refusal(errc::internal);
    }
}

}  // namespace

io::task<local_answer> explain_request(request_context& c) {
    const auto whole = co_await c.x.read_body();
    if (whole.has_error()) co_return refuse(c, whole.error());
    // A question may be as long as any body, and its tree is made: not on a loop.
    std::optional<stage_result<std::string>> told;
    co_await c.process.side.run(c.thread.loop, [&c, &told] { told = explain_safely(c); });
    if (told->has_error()) co_return refuse(c, told->error());
    co_return local_answer{.body = std::move(*told).value()};
}

}  // namespace penstock::gateway
