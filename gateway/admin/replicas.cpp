// Cordon, drain and resume. The word is the domain's; here it is only passed on.
#include "gateway/admin/replicas.hpp"

#include "gateway/admin/replica_state.hpp"
#include "gateway/request_context.hpp"
#include "gateway/settings/scalars.hpp"
#include "penstock/observe/log.hpp"
#include "penstock/openai/error_body.hpp"

#include <boost/json.hpp>

namespace penstock::gateway {
namespace {

local_answer refuse(const request_context& c, const refusal& why) {
    return {
        .status = describe(why.code).status,
        .body = openai::error_body(openai::dialect::chat, why, c.request_id)
    };
}

boost::json::object describe_replica(const replica_place& here, const replica_view& view) {
    const operator_word word = here.model->admission->word_of(view.index);
    return {
        {"id", here.replica->id},
        {"model", here.model->name},
        {"version", here.version->id},
        {"pool", here.pool->id},
        {"state", shown_state(view)},
        {"operator", text_of(word)},
        {"in_flight", view.in_flight},
        {"slots", view.slots},
        {"breaker_open", view.breaker_open}
    };
}

replica_view view_of(const replica_place& here, time_point now) {
    for (auto& view : here.model->admission->replicas(now))
        if (view.index == here.replica->index) return std::move(view);
    return {.index = here.replica->index, .pool = here.pool->index, .id = here.replica->id};
}

local_answer answer_with(request_context& c, const replica_place& here) {
    return {.body = serialize(describe_replica(here, view_of(here, c.now())))};
}

// How long the answer may wait; of `?wait=30s`, nothing else.
stage_result<duration> wait_in(const request_context& c) {
    constexpr std::string_view name = "wait=";
    const std::string_view query = c.x.head().query;
    if (query.empty()) return duration::zero();
    const auto asked = query.starts_with(name) ? settings::parse_duration(query.substr(name.size()))
                                               : std::nullopt;
    if (!asked)
        return refusal(
            errc::invalid_value, "A duration with its unit is expected, as in ?wait=30s.", "wait"
        );
    return std::min(*asked, c.settings->settings.timeouts.total);
}

constexpr duration look_every = std::chrono::milliseconds(20);

// Until the replica is empty, `end` has come, or nobody waits any more.
io::task<void> await_empty(request_context& c, replica_place here, time_point end) {
    io::alarm pause(c.thread.loop);
    c.x.watch(&c);
    while (view_of(here, c.now()).in_flight > 0 && c.now() < end && !c.client_left &&
           !c.thread.is_draining())
        co_await pause.wait_until(after(c.now(), look_every));
    c.x.watch(nullptr);
}

io::task<local_answer> obey(request_context& c, operator_word word) {
    const replica_place here = find_replica(*c.settings, c.path_name);
    if (!here)
        co_return refuse(
            c,
            refusal(
                errc::unknown_route,
                "There is no replica '" + c.path_name.substr(0, 256) +
                    "'; GET /admin/replicas lists those that there are."
            )
        );
    const auto wait = wait_in(c);
    if (wait.has_error()) co_return refuse(c, wait.error());
    const bool waits = word == operator_word::drained && wait.value() > duration::zero();
    here.model->admission->say(here.replica->index, word, c.now());
    observe::log::info("operator_said", {{"replica", here.replica->id}, {"word", text_of(word)}});
    if (word == operator_word::ready) c.thread.process.probe_now(here.replica->id);
    if (waits) co_await await_empty(c, here, after(c.now(), wait.value()));
    co_return answer_with(c, here);
}

}  // namespace

io::task<local_answer> list_replicas(request_context& c) {
    boost::json::array all;
    for (const auto& model : c.settings->models) {
        const auto views = model.admission->replicas(c.now());
        for_each_replica(model, [&](const replica_place& here) {
            for (const auto& view : views)
                if (view.index == here.replica->index) all.push_back(describe_replica(here, view));
        });
    }
    co_return local_answer{.body = serialize(boost::json::object{{"replicas", std::move(all)}})};
}

io::task<local_answer> cordon_replica(request_context& c) {
    return obey(c, operator_word::cordoned);
}
io::task<local_answer> drain_replica(request_context& c) {
    return obey(c, operator_word::drained);
}
io::task<local_answer> resume_replica(request_context& c) {
    return obey(c, operator_word::ready);
}

}  // namespace penstock::gateway
