// Access: may this key use this model and this route, and in which class does it run?
#include "policies/access/access.hpp"

#include <string>

namespace penstock::access {
namespace {

std::string name_of(std::span<const std::string_view> routes, std::uint32_t route) {
    return route < routes.size() ? std::string(routes[route]) : std::string("this route");
}

std::string list_of_allowed(const rights& key, std::span<const std::string_view> routes) {
    std::string list;
    for (std::uint32_t i = 0; i < routes.size(); ++i) {
        if (!key.routes.contains(i)) continue;
        if (!list.empty()) list += ", ";
        list += routes[i];
    }
    return list.empty() ? "none" : list;
}

}  // namespace

void index_set::add(std::uint32_t index) {
    const std::size_t word = index / 64;
    if (words_.size() <= word) words_.resize(word + 1);
    words_[word] |= std::uint64_t{1} << (index % 64);
}

stage_result<> check_route(
    const rights& key, std::uint32_t route, std::span<const std::string_view> routes
) {
    if (key.routes.contains(route)) return success();
    return refusal{
        errc::route_not_allowed,
        "This key may not use " + name_of(routes, route) +
            "; it may use: " + list_of_allowed(key, routes) + "."
    };
}

stage_result<> check(
    const rights& key, const question& asked, std::span<const std::string_view> routes
) {
    CHECK(check_route(key, asked.route, routes));
    if (key.models.contains(asked.model.value)) return success();
    return refusal{
        errc::model_not_allowed,
        "This key may not use the model '" + std::string(asked.model_name) + "'.",
        "model"
    };
}

request_class clamp_class(const rights& key, request_class asked) noexcept {
    const auto may = [&](request_class c) {
        return key.classes.contains(static_cast<std::uint32_t>(c));
    };
    if (may(asked)) return asked;
    return may(request_class::realtime) ? request_class::realtime : request_class::bulk;
}

}  // namespace penstock::access
