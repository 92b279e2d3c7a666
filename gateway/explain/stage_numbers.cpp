// The numbers of each stage.
#include "gateway/explain/stage_numbers.hpp"

#include "gateway/explain/decided.hpp"
#include "gateway/request_state.hpp"
#include "gateway/stages/answer_head.hpp"

namespace penstock::gateway {
namespace {

using boost::json::array;
using boost::json::object;

std::string_view name_of(request_class klass) {
    return klass == request_class::bulk ? "bulk" : "realtime";
}

// What became of the client's maximum.
std::string_view fate_of(const length::cap_choice& cap) {
    using length::cap_choice;
    switch (cap.what) {
        case cap_choice::what::leave:
            return "left";
        case cap_choice::what::clamp:
            return "clamped";
        case cap_choice::what::insert:
            return "inserted";
        case cap_choice::what::refuse:
            return "refused";
    }
    return "";
}

std::string_view role_of(const request_state& c, const pool_entry& pool) {
    if (&pool == c.steered_to) return "preferred";
    return c.work.pools.contains(pool.index) ? "spill" : "passed over";
}

std::string why_steered(const request_state& c) {
    const std::string size = "about " + std::to_string(c.work.prompt_tokens) +
                             " tokens of prompt and " + std::to_string(c.work.output_expected) +
                             " of answer";
    if (c.steered_to->context == 0) return "its context is not stated: it takes " + size;
    std::string why = "the smallest context for " + size;
    if (c.known.last.is_known && c.known.last.context > 0)
        why += "; its conversation last had one of " + std::to_string(c.known.last.context);
    return why;
}

}  // namespace

void tell_authenticate(const request_state& c, object& out) {
    if (c.route) out["route"] = c.route->route;
    out["key"] = c.key->name;
    out["tenant"] = c.key->tenant;
    if (c.has_class) out["class"] = name_of(c.record.klass);
}

void tell_read(const request_state& c, object& out) {
    out["bytes"] = c.record.bytes_in;
    if (!c.model) return;
    out["model"] = c.model->name;
    if (c.work.deadline == never) return;  // it does not serve this route: nothing was estimated
    out["stream"] = c.facts.stream;
    out["text_bytes"] = c.facts.text.total();
    out["prompt_tokens"] = c.prompt.tokens;
    out["prompt_error"] = c.prompt.error;
    out["prompt_at_least"] = c.prompt.at_least;
    out["output_typical"] = c.known.output;
    out["deadline_ms"] = in_milliseconds(c.work.deadline - c.work.arrived);
    if (c.work.ttft_deadline != never)
        out["ttft_deadline_ms"] = in_milliseconds(c.work.ttft_deadline - c.work.arrived);
}

void tell_limit(const request_state& c, object& out) {
    if (c.facts.max_tokens) out["max_tokens_asked"] = *c.facts.max_tokens;
    out["max_tokens_of_model"] = c.model->max_tokens;
    out["max_tokens_of_key"] = c.key->max_tokens;
    out["max_tokens_allowed"] = c.own_cap;
    out["max_tokens"] = c.cap.limit;
    out["max_tokens_was"] = fate_of(c.cap);
    out["output_tokens"] = c.work.output_expected;
    out["tokens_reserved"] = c.work.prompt_tokens + std::uint64_t{c.work.output_expected};
}

void tell_limits_left(const prediction& said, object& out) {
    array& all = out["limits_left"].emplace_array();
    for (const auto klass : {request_class::realtime, request_class::bulk}) {
        const auto& left = said.left[static_cast<std::size_t>(klass)];
        all.push_back(object{
            {"class", name_of(klass)},
            {"pending_left", left.pending},
            {"concurrency_left", left.concurrency}
        });
    }
}

void tell_steer(const request_state& c, object& out) {
    out["version"] = c.version->id;
    if (c.steered_to) {
        out["pool"] = c.steered_to->id;
        out["why"] = why_steered(c);
        out["max_tokens"] = c.cap.limit;
        out["output_tokens"] = c.work.output_expected;
    }
    array& pools = out["pools"].emplace_array();
    for (const auto& pool : c.version->pools)
        pools.push_back(
            object{{"pool", pool.id}, {"context", pool.context}, {"role", role_of(c, pool)}}
        );
}

void tell_admit(const request_state& c, const decided& said, object& out) {
    out["verdict"] = said.verdict;
    if (said.no) tell_refusal(c, *said.no, out);
    if (!said.replica.empty()) {
        out["replica"] = said.replica;
        out["predicted_ttft_ms"] = said.predicted_ttft_ms;
    }
    out["wait_ms"] = said.wait_ms;
    out["queued"] = said.queued;
    out["pending_left"] = said.left.pending;
    out["concurrency_left"] = said.left.concurrency;
    out["pools"] = said.pools;
    array& all = out["candidates"].emplace_array();
    for (const auto& each : said.candidates) {
        const auto& n = each.numbers;
        all.push_back(object{
            {"replica", each.replica},
            {"pool", each.pool},
            {"eligible", n.eligible},
            {"in_flight", n.in_flight},
            {"slots", n.slots},
            {"backlog", n.backlog},
            {"kv_tokens", n.kv_tokens},
            {"prefill_rate", n.prefill_rate},
            {"cached", n.cached},
            {"predicted_ttft_ms", each.predicted_ttft_ms}
        });
    }
}

void tell_refusal(const request_state& c, const refusal& why, object& out) {
    const error_row& row = describe(why.code);
    const bool anthropic = c.route && c.route->spoken == openai::dialect::messages;
    out["status"] = refusal_status(*c.settings, why.code);
    out["code"] = anthropic ? row.anthropic_type : row.openai_code;
    out["reason"] = row.label;
    out["message"] = why.message.empty() ? row.message : std::string_view(why.message);
    if (!why.param.empty()) out["param"] = why.param;
    if (why.retry_after) out["retry_after_ms"] = why.retry_after->count();
}

}  // namespace penstock::gateway
