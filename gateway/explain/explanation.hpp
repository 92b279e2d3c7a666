// What would become of a request now, stage by stage, with the numbers of each.
#pragma once

#include "penstock/clock.hpp"
#include "penstock/refusal.hpp"

#include <boost/json.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace penstock::gateway {

struct explain_question;
struct shared_parts;
struct snapshot;

// The very functions that decide of a real request decide here, of a request that is on no
// connection; nothing stays reserved, nothing is queued, nothing is learned or counted. `now`: its
// arrival and the moment of every decision. Members are `verdict`, `decided_by` (the stage) and one
// object for each stage that it came to; `fallbacks`, where the model that it names would refuse
// it, a list of the models that it would be passed on to, each with the same members, and
// `fell_back_to`, the one that would take it. `id`: its request id, where its head has none.
//
// Refuses only a key name that is not there (`param` key_name). Blocks for no more than locks. Any
// thread.
stage_result<boost::json::object> explain(
    shared_parts& process,
    std::shared_ptr<const snapshot> settings,
    const explain_question& asked,
    std::string_view id,
    time_point now
);

// `json` is a question, the answer is an explanation's text.
stage_result<std::string> explain(
    shared_parts& process,
    std::shared_ptr<const snapshot> settings,
    std::string_view json,
    std::string_view id,
    time_point now
);

}  // namespace penstock::gateway
