// May this key use this model; then all reservations or none.
#include "gateway/request_state.hpp"
#include "gateway/stages/stages.hpp"

namespace penstock::gateway {
namespace {

refusal as_refusal(const limit_refusal& why) {
    refusal r(errc::rate_limited);
    r.retry_after = std::chrono::ceil<std::chrono::milliseconds>(why.reset);
    return r;
}

scope_list scopes_of(const request_state& c) {
    scope_list scopes;
    scopes.push({scope_kind::key, c.key->index.value});
    scopes.push({scope_kind::tenant, c.key->tenant_number.value});
    scopes.push({scope_kind::model, c.model->index.value});
    return scopes;
}

refusal over_cap(const request_state& c) {
    const char* whose = c.own_cap == c.key->max_tokens ? "this key" : "this model";
    return {
        errc::over_cap,
        "max_tokens is " + std::to_string(*c.facts.max_tokens) + "; " + whose + " allows at most " +
            std::to_string(c.own_cap) + ".",
        "max_tokens"
    };
}

}  // namespace

stage_result<> limit(request_state& c, time_point now) {
    CHECK(access::check(
        c.key->rights, {c.model->index, c.model->name, c.route_index}, canonical_routes()
    ));
    c.own_cap = length::tightest({c.model->max_tokens, c.key->max_tokens});
    c.cap = length::apply_cap(c.facts.max_tokens, c.own_cap, c.model->over_cap);
    if (c.cap.what == length::cap_choice::what::refuse) return over_cap(c);
    c.work.output_limit = c.cap.limit;
    c.work.output_expected = length::expected_output(c.facts, c.cap.limit, c.known.output);
    c.record.est_output = c.work.output_expected;
    c.record.max_tokens = c.cap.limit;

    const scope_list scopes = scopes_of(c);
    const cost asked{1, c.work.prompt_tokens + std::uint64_t{c.work.output_expected}, 0, 1};
    auto said = c.process.limits.reserve(scopes, asked, now);
    if (const auto* refused = std::get_if<limit_refusal>(&said)) return as_refusal(*refused);
    c.reserved = reservation(c.process.limits, std::get<reserved>(said));
    return success();
}

}  // namespace penstock::gateway
