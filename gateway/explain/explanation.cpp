// The stages of the path, without a connection.
#include "gateway/explain/explanation.hpp"

#include "gateway/explain/decided.hpp"
#include "gateway/explain/plain_json.hpp"
#include "gateway/explain/question.hpp"
#include "gateway/explain/stage_numbers.hpp"
#include "gateway/request_state.hpp"
#include "gateway/stages/fall_back.hpp"
#include "gateway/stages/stages.hpp"

#include <optional>
#include <span>

namespace penstock::gateway {
namespace {

using boost::json::array;
using boost::json::object;

struct stage_row {
    std::string_view name;
    stage_result<> (*decide)(request_state&, std::string_view body, time_point now);
    void (*tell)(const request_state&, object& out);
};

constexpr stage_row of_request[] = {
    {"authenticate", [](auto& c, auto, auto) { return authenticate(c); }, tell_authenticate},
    {"read", [](auto& c, auto body, auto) { return take_facts(c, body); }, tell_read},
};
// … and of its pass at each model, before it is admitted there.
constexpr stage_row of_pass[] = {
    {"limit", [](auto& c, auto, auto now) { return limit(c, now); }, tell_limit},
    {"steer", [](auto& c, auto, auto) { return steer(c); }, tell_steer},
};

// Null: there is none of this name.
const key_entry* key_named(const snapshot& s, std::string_view name) {
    for (const auto& [_, key] : s.keys)
        if (key.name == name) return &key;
    return nullptr;
}

stage_result<> find_whose(request_state& c, std::string_view key_name) {
    if (key_name.empty()) return success();
    c.spoken_for = key_named(*c.settings, key_name);
    if (c.spoken_for) return success();
    // Not repeated: it may be a key that was put in the wrong place.
    return refusal(errc::invalid_value, "No key of the settings has this name.", "key_name");
}

// Empty: none refused.
std::optional<refusal> run(
    std::span<const stage_row> rows,
    request_state& c,
    std::string_view body,
    time_point now,
    object& out
) {
    for (const stage_row& row : rows) {
        const auto done = row.decide(c, body, now);
        object& told = out[row.name].emplace_object();
        told["verdict"] = done.has_error() ? "refused" : "passed";
        row.tell(c, told);
        if (done.has_value()) continue;
        tell_refusal(c, done.error(), told);
        out["verdict"] = "refused";
        out["decided_by"] = row.name;
        return done.error();
    }
    return std::nullopt;
}

// At the model that the request is at. Empty: it would be admitted or queued.
std::optional<refusal> run_pass(request_state& c, time_point now, object& out) {
    auto refused = run(of_pass, c, {}, now, out);
    const prediction said = c.model->admission->explain(c.work, now);
    tell_limits_left(said, out["limit"].as_object());
    if (refused) return refused;
    const decided numbers = decided_of(c, said);
    out["verdict"] = numbers.verdict;
    out["decided_by"] = "admit";
    tell_admit(c, numbers, out["admit"].emplace_object());
    return numbers.no;
}

// The models that it would be passed on to, in order.
void run_fallbacks(request_state& c, refusal why, time_point now, object& out) {
    array passes;
    std::optional<refusal> refused = std::move(why);
    while (refused && pass_on(c, *refused, now)) {
        object told{{"model", c.model->name}, {"verdict", "refused"}, {"decided_by", ""}};
        tell_read(c, told["read"].emplace_object());
        refused = run_pass(c, now, told);
        if (!refused) {
            out["verdict"] = told["verdict"];
            out["decided_by"] = told["decided_by"];
            out["fell_back_to"] = c.model->name;
        }
        passes.push_back(std::move(told));
    }
    if (!passes.empty()) out["fallbacks"] = std::move(passes);
}

}  // namespace

stage_result<object> explain(
    shared_parts& process,
    std::shared_ptr<const snapshot> settings,
    const explain_question& asked,
    std::string_view id,
    time_point now
) {
    request_state c(process, std::move(settings), asked.head, false, now);
    if (c.request_id.empty()) c.request_id = id;
    CHECK(find_whose(c, asked.key_name));
    object out{{"verdict", "refused"}, {"decided_by", "admit"}};
    if (run(of_request, c, asked.body, now, out)) return out;
    if (const auto refused = run_pass(c, now, out)) run_fallbacks(c, *refused, now, out);
    return out;
}

stage_result<std::string> explain(
    shared_parts& process,
    std::shared_ptr<const snapshot> settings,
    std::string_view json,
    std::string_view id,
    time_point now
) {
    explain_question asked;
    CHECK(read_question(json, *settings, asked));
    TRY(const object told, explain(process, std::move(settings), asked, id, now));
    return plain_json(told);
}

}  // namespace penstock::gateway
