// The stages of the path, without a connection.
#include "gateway/explain/explanation.hpp"

#include "gateway/explain/decided.hpp"
#include "gateway/explain/plain_json.hpp"
#include "gateway/explain/question.hpp"
#include "gateway/explain/stage_numbers.hpp"
#include "gateway/request_state.hpp"
#include "gateway/stages/stages.hpp"

namespace penstock::gateway {
namespace {

using boost::json::object;

struct stage_row {
    std::string_view name;
    stage_result<> (*decide)(request_state&, std::string_view body, time_point now);
    void (*tell)(const request_state&, object& out);
};

constexpr stage_row before_admit[] = {
    {"authenticate", [](auto& c, auto, auto) { return authenticate(c); }, tell_authenticate},
    {"read", [](auto& c, auto body, auto) { return take_facts(c, body); }, tell_read},
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

// True: it came to admission.
bool run_stages(request_state& c, std::string_view body, time_point now, object& out) {
    for (const stage_row& row : before_admit) {
        const auto done = row.decide(c, body, now);
        object& told = out[row.name].emplace_object();
        told["verdict"] = done.has_error() ? "refused" : "passed";
        row.tell(c, told);
        if (done.has_value()) continue;
        tell_refusal(c, done.error(), told);
        out["verdict"] = "refused";
        out["decided_by"] = row.name;
        return false;
    }
    return true;
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
    if (!run_stages(c, asked.body, now, out)) return out;
    const decided said = decided_of(c, c.model->admission->explain(c.work, now));
    out["verdict"] = said.verdict;
    tell_admit(c, said, out["admit"].emplace_object());
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
