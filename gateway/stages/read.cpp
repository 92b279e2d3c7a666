// The body, and the one scan that finds every fact any later stage needs.
#include "gateway/request_context.hpp"
#include "gateway/stages/fall_back.hpp"
#include "gateway/stages/stages.hpp"

#include <algorithm>

namespace penstock::gateway {
namespace {

// What of the client's head goes upstream: end-to-end lines, without its credentials, without what
// the gateway says anew.
void keep_upstream_part(request_context& c) {
    const auto& head = c.x.head();
    c.upstream_target = c.route->route;
    if (!head.query.empty() && c.path_name.empty()) {
        c.upstream_target += '?';
        c.upstream_target += head.query;
    }
    constexpr std::size_t own_lines = 160;
    c.kept_headers.reserve(c.x.head_size() + own_lines);
    http::append_end_to_end_headers(
        head.headers,
        "x-penstock-",
        {"host",
         "authorization",
         "x-api-key",
         "api-key",
         "accept-encoding",
         "expect",
         "x-slo-hint",
         "cookie",
         "x-request-id",
         c.trace_id.empty() ? "traceparent" : "host"},
        c.kept_headers
    );
    c.kept_headers.append("x-request-id: ").append(c.request_id).append("\r\n");
}

std::string served_by(const request_state& c) {
    std::string names;
    for (const auto& model : c.settings->models) {
        // Of models that the key may not use nobody hears.
        if (!c.key->rights.models.contains(model.index.value)) continue;
        if (!std::binary_search(model.serves.begin(), model.serves.end(), c.route_index)) continue;
        if (!names.empty()) names += ", ";
        names += model.name;
    }
    return names.empty() ? "no model here does" : "these do: " + names;
}

stage_result<> find_model(request_state& c) {
    const std::string& asked = c.path_name.empty() ? c.facts.model : c.path_name;
    c.asked_model = c.model = c.settings->find_model(asked);
    if (!c.model)
        return refusal(
            errc::model_not_found,
            "There is no model '" + asked.substr(0, 128) +
                "' here; GET /v1/models lists those that there are.",
            "model"
        );
    c.record.model = c.model->name;
    const auto& serves = c.model->serves;
    if (std::binary_search(serves.begin(), serves.end(), c.route_index)) return success();
    return refusal(
        errc::route_not_served,
        "The model '" + c.model->name + "' does not serve " + std::string(c.route->route) + "; " +
            served_by(c) + ".",
        "model"
    );
}

std::uint64_t affinity_of(const request_state& c) {
    const auto& facts = c.facts;
    return c.wishes.session_hash ? c.wishes.session_hash
           : facts.session_hash  ? facts.session_hash
           : facts.user_hash     ? facts.user_hash
                                 : facts.prefix_hash;
}

// The one estimate, by what earlier answers have taught.
void estimate(request_state& c) {
    c.asker = {c.model->name_hash, c.key->tenant_hash, affinity_of(c)};
    c.known = c.process.learned.recall(c.asker, c.record.arrived);
    c.prompt = length::estimate_prompt(c.facts, c.known.factors);
}

void make_work(request_state& c) {
    auto& w = c.work = {};
    const auto& facts = c.facts;
    const auto& limits = c.settings->settings;
    w.id = openai::hash_of(c.request_id);
    w.tenant = c.key->tenant_number;
    w.key = c.key->index;
    w.klass = c.record.klass;
    w.model = c.model->index;
    w.prompt_tokens = c.prompt.tokens;
    w.prompt_error = c.prompt.error;
    w.needs = std::uint64_t{1} << c.route_index;
    w.streamed = facts.stream;
    w.no_queue = c.wishes.no_queue;
    w.affinity = c.asker.affinity;
    w.cached_hint = length::cached_hint(c.known.last, c.prompt.tokens);
    w.arrived = c.record.arrived;
    const duration total = limits.timeouts.total;
    w.deadline = after(w.arrived, std::min(c.wishes.deadline.value_or(total), total));
    // Nobody may wish for longer than its class may wait.
    const duration longest = c.settings->limits_of(w.klass).timeout;
    if (c.wishes.ttft) w.ttft_deadline = after(w.arrived, std::min(*c.wishes.ttft, longest));

    auto& r = c.record;
    r.streamed = w.streamed;
    r.est_prompt = w.prompt_tokens;
    r.est_error = w.prompt_error;
    r.affinity = c.process.salted(w.affinity);
    if (c.wishes.deadline)
        r.deadline_ms =
            std::chrono::duration_cast<std::chrono::milliseconds>(w.deadline - w.arrived).count();
}

}  // namespace

void take_model(request_state& c, const model_entry& model) {
    c.model = &model;
    estimate(c);
    make_work(c);
    c.work.elsewhere = has_fallback(c);
}

stage_result<> take_facts(request_state& c, std::string_view body) {
    c.record.bytes_in = body.size();
    const bool model_from_path = !c.path_name.empty();
    auto scanned =
        c.route->body == openai::body_kind::multipart
            ? openai::scan_multipart(
                  body, c.head.headers.find("content-type"), c.route->spoken, model_from_path
              )
            : openai::scan_json(
                  body,
                  c.route->spoken,
                  model_from_path,
                  {.depth = c.settings->settings.limits.json_depth}
              );
    if (scanned.has_error()) return std::move(scanned).error();
    c.facts = std::move(scanned).value();
    CHECK(find_model(c));
    take_model(c, *c.model);
    return success();
}

io::task<stage_result<>> read(request_context& c) {
    CO_CHECK(c.x.read_body());
    CO_CHECK_NOW(take_facts(c, c.x.body()));
    keep_upstream_part(c);
    c.in_flight = observe::thread_metrics::in_flight(c.thread.metrics.model(c.model->name));
    // From here on the client's leaving ends whatever is awaited.
    c.x.watch(&c);
    c.client_left = c.client_left || c.x.client().has_departed();
    CO_CHECK_NOW(c.goes_on());
    co_return success();
}

}  // namespace penstock::gateway
