// /v1/models: the one model that is served.
#include "worker/api/answer_json.hpp"
#include "worker/api/handlers.hpp"

namespace penstock::worker {
namespace {

std::string model_json(const served_model& model) {
    std::string out = R"({"id":)";
    append_json_string(out, model.rules.model);
    out += R"(,"object":"model","created":)";
    append_number(out, static_cast<std::uint64_t>(model.created));
    out += R"(,"owned_by":"penstock","root":)";
    append_json_string(out, model.root);
    out += R"(,"parent":null,"max_model_len":)";
    append_number(out, model.rules.max_positions);
    out += '}';
    return out;
}

}  // namespace

io::task<stage_result<>> list_models(request_scope& r) {
    const std::string body = R"({"object":"list","data":[)" + model_json(r.host.model()) + "]}";
    auto sent = co_await r.respond(200, "application/json", body);
    co_return std::move(sent);
}

io::task<stage_result<>> show_model(request_scope& r) {
    if (r.path_model != r.host.model().rules.model)
        co_return refusal(
            errc::model_not_found,
            "There is no model '" + r.path_model.substr(0, 128) + "' here.",
            "model"
        );
    const std::string body = model_json(r.host.model());
    auto sent = co_await r.respond(200, "application/json", body);
    co_return std::move(sent);
}

}  // namespace penstock::worker
