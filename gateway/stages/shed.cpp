// Under overload the body is what a refusal would cost: reading and scanning it.
#include "gateway/stages/shed.hpp"

#include "gateway/request_state.hpp"
#include "gateway/stages/fall_back.hpp"

namespace penstock::gateway {
namespace {

// Those that this class and tenant may use, whatever the length of the request.
pool_list pools_of(const model_entry& model, request_class klass, tenant_index tenant) {
    pool_list all;
    for (const auto& version : model.versions)
        for (const auto& pool : version.terms)
            if (pool.is_open_to(klass, tenant) && !all.push(pool.pool)) return all;
    return all;
}

std::optional<refused> sheds(const request_state& c, const model_entry& model) {
    domain& admission = *model.admission;
    const request_class klass = c.record.klass;
    if (!admission.may_shed(klass)) return std::nullopt;
    // Who has more patience than its class is judged by its own, when it is read.
    if (c.wishes.ttft.value_or(duration::zero()) > c.settings->limits_of(klass).ttft)
        return std::nullopt;
    const tenant_index tenant = c.key->tenant_number;
    return admission.sheds(klass, tenant, pools_of(model, klass, tenant), c.record.arrived);
}

// What the model itself says, when no fallback of it would take the request either.
std::optional<refused> sheds_with_fallbacks(const request_state& c, const model_entry& model) {
    const auto why = sheds(c, model);
    if (!why || c.wishes.no_fallback) return why;
    for (const model_index each : model.fallbacks) {
        const model_entry& other = c.settings->models[each.value];
        if (may_use(c, other) && !sheds(c, other)) return std::nullopt;
    }
    return why;
}

stage_result<> refuse(request_state& c, const refused& why) {
    c.record.predicted_wait = why.wait;
    return as_refusal(why);
}

}  // namespace

refusal as_refusal(const refused& why) {
    using std::chrono::ceil;
    using std::chrono::milliseconds;
    refusal r(why.reason);
    if (why.retry_after > duration::zero()) r.retry_after = ceil<milliseconds>(why.retry_after);
    r.predicted_wait = ceil<milliseconds>(why.wait);
    return r;
}

stage_result<> shed(request_state& c) {
    const std::string_view named =
        c.path_name.empty() ? c.head.headers.find("x-penstock-model") : c.path_name;
    if (!named.empty()) {
        // A model that is not there, or not for this key, is refused where its name is read.
        const model_entry* model = c.settings->find_model(named);
        if (!model || !may_use(c, *model)) return success();
        const auto why = sheds_with_fallbacks(c, *model);
        if (!why) return success();
        c.model = model;
        c.record.model = model->name;
        return refuse(c, *why);
    }
    std::optional<refused> soonest;
    for (const auto& model : c.settings->models) {
        if (!may_use(c, model)) continue;
        const auto why = sheds(c, model);
        if (!why) return success();
        if (!soonest || why->retry_after < soonest->retry_after) soonest = why;
    }
    return soonest ? refuse(c, *soonest) : success();
}

}  // namespace penstock::gateway
