// /v1/models: what a key may use, aliases included.
#include "gateway/admin/models.hpp"

#include "gateway/request_context.hpp"
#include "penstock/openai/error_body.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace penstock::gateway {
namespace {

// Constant, as LiteLLM's is: a model has no creation date here.
constexpr std::int64_t created = 1677610602;

boost::json::object describe_model(const model_entry& model, std::string_view name) {
    boost::json::object o{
        {"id", name}, {"object", "model"}, {"created", created}, {"owned_by", "penstock"}
    };
    const std::uint32_t context = model.versions.front().pools.back().context;
    if (context > 0) o["max_model_len"] = context;
    if (name != model.name) o["root"] = model.name;
    return o;
}

bool may_use(const request_context& c, const model_entry& model) {
    return c.key->rights.models.contains(model.index.value);
}

}  // namespace

io::task<local_answer> list_models(request_context& c) {
    std::vector<std::pair<std::string_view, const model_entry*>> named;
    for (const auto& [name, index] : c.settings->model_names)
        if (const auto& model = c.settings->models[index.value]; may_use(c, model))
            named.emplace_back(name, &model);
    std::sort(named.begin(), named.end());
    boost::json::array data;
    for (const auto& [name, model] : named)
        data.push_back(describe_model(*model, name));
    co_return local_answer{
        .body = serialize(boost::json::object{{"object", "list"}, {"data", std::move(data)}})
    };
}

io::task<local_answer> show_model(request_context& c) {
    const model_entry* model = c.settings->find_model(c.path_name);
    if (model && may_use(c, *model))
        co_return local_answer{.body = serialize(describe_model(*model, c.path_name))};
    refusal why(errc::model_not_found);
    why.param = "model";
    co_return local_answer{
        .status = describe(why.code).status,
        .body = openai::error_body(openai::dialect::chat, why, c.request_id)
    };
}

}  // namespace penstock::gateway
