// /health, /version and /internal/state.
#include "worker/api/answer_json.hpp"
#include "worker/api/handlers.hpp"

#include <boost/json.hpp>

namespace penstock::worker {
namespace {

namespace json = boost::json;

json::object class_json(const class_state& of) {
    return {
        {"q_len_prefill", of.q_len_prefill},
        {"q_len_decode", of.q_len_decode},
        {"q_tokens_prefill", of.q_tokens_prefill},
        {"stop", of.stop},
        {"length", of.length},
        {"aborted", of.aborted},
        {"refused", of.refused},
    };
}

// Every field of engine_state under its own name: the gateway's router reads it.
json::object state_json(const engine_state& state, const served_model& model) {
    json::object out{
        {"model", model.rules.model},
        {"fingerprint", model.fingerprint},
        {"max_positions", model.rules.max_positions},
        {"realtime", class_json(state.realtime)},
        {"bulk", class_json(state.bulk)},
        {"kv_pages_total", state.kv_pages_total},
        {"kv_pages_used", state.kv_pages_used},
        {"kv_pages_cached", state.kv_pages_cached},
        {"prefix_lookup_tokens", state.prefix_lookup_tokens},
        {"prefix_hit_tokens", state.prefix_hit_tokens},
        {"batch_sequences", state.batch_sequences},
        {"batch_tokens", state.batch_tokens},
        {"steps", state.steps},
        {"prompt_tokens", state.prompt_tokens},
        {"output_tokens", state.output_tokens},
        {"step_seconds", state.step_seconds},
        {"prefill_tokens_per_second", state.prefill_tokens_per_second},
        {"decode_tokens_per_second", state.decode_tokens_per_second},
        {"ttft_seconds_sum", state.ttft_seconds_sum},
        {"failure", state.failure},
    };
    const auto bounds = ttft_bounds();
    out["ttft_bounds"] = json::array(bounds.begin(), bounds.end());
    out["ttft_buckets"] = json::array(state.ttft_buckets.begin(), state.ttft_buckets.end());
    return out;
}

}  // namespace

io::task<stage_result<>> show_health(request_scope& r) {
    const std::string failure = r.host.running().state().failure;
    const bool draining = r.host.serving().is_closed();
    const char* word = !failure.empty() ? "failed" : draining ? "draining" : "ok";
    std::string body = R"({"status":)";
    append_json_string(body, word);
    if (!failure.empty()) {
        body += R"(,"failure":)";
        append_json_string(body, failure);
    }
    body += '}';
    const int code = failure.empty() && !draining ? 200 : 503;
    auto sent = co_await r.respond(code, "application/json", body);
    co_return std::move(sent);
}

io::task<stage_result<>> show_state(request_scope& r) {
    const std::string body = json::serialize(state_json(r.host.running().state(), r.host.model()));
    auto sent = co_await r.respond(200, "application/json", body);
    co_return std::move(sent);
}

io::task<stage_result<>> show_version(request_scope& r) {
    std::string body = R"({"version":)";
    append_json_string(body, r.host.options().version);
    body += '}';
    auto sent = co_await r.respond(200, "application/json", body);
    co_return std::move(sent);
}

}  // namespace penstock::worker
