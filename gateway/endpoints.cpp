// The one table of routes.
#include "gateway/endpoints.hpp"

#include "gateway/admin/explain.hpp"
#include "gateway/admin/health.hpp"
#include "gateway/admin/metrics.hpp"
#include "gateway/admin/models.hpp"
#include "gateway/admin/replicas.hpp"
#include "penstock/http/head.hpp"

#include <algorithm>
#include <array>

namespace penstock::gateway {
namespace {

using openai::body_kind;
using openai::dialect;
using openai::work_kind;

constexpr auto generative = work_kind::generative;
constexpr auto one_shot = work_kind::one_shot;
constexpr auto no_work = work_kind::none;
constexpr auto json = body_kind::json;
constexpr auto multipart = body_kind::multipart;
constexpr auto no_body = body_kind::none;
constexpr auto key_holder = who_may::key_holder;

// clang-format off
//   method, canonical route, dialect, body, work, who may, answered by the gateway itself
constexpr std::array table{
    endpoint_row{"POST", "/v1/chat/completions", dialect::chat, json, generative, key_holder, nullptr},
    endpoint_row{"POST", "/v1/completions", dialect::completions, json, generative, key_holder, nullptr},
    endpoint_row{"POST", "/v1/fim/completions", dialect::fim, json, generative, key_holder, nullptr},
    endpoint_row{"POST", "/v1/embeddings", dialect::embeddings, json, one_shot, key_holder, nullptr},
    endpoint_row{"POST", "/v1/rerank", dialect::rerank, json, one_shot, key_holder, nullptr},
    endpoint_row{"POST", "/v2/rerank", dialect::rerank, json, one_shot, key_holder, nullptr},
    endpoint_row{"POST", "/rerank", dialect::rerank, json, one_shot, key_holder, nullptr},
    endpoint_row{"POST", "/v1/responses", dialect::responses, json, generative, key_holder, nullptr},
    endpoint_row{"POST", "/v1/messages", dialect::messages, json, generative, key_holder, nullptr},
    endpoint_row{"POST", "/v1/audio/transcriptions", dialect::transcription, multipart, one_shot, key_holder, nullptr},
    endpoint_row{"POST", "/v1/audio/speech", dialect::speech, json, one_shot, key_holder, nullptr},
    endpoint_row{"POST", "/tokenize", dialect::tokenize, json, one_shot, key_holder, nullptr},
    endpoint_row{"GET", "/v1/models", dialect::none, no_body, no_work, key_holder, list_models},
    endpoint_row{"GET", "/v1/models/{model}", dialect::none, no_body, no_work, key_holder, show_model},
    endpoint_row{"GET", "/health", dialect::none, no_body, no_work, who_may::admin_or_key, show_health},
    endpoint_row{"GET", "/health/liveliness", dialect::none, no_body, no_work, who_may::anyone, say_alive},
    endpoint_row{"GET", "/health/liveness", dialect::none, no_body, no_work, who_may::anyone, say_alive},
    endpoint_row{"GET", "/health/readiness", dialect::none, no_body, no_work, who_may::anyone, say_ready},
    endpoint_row{"GET", "/admin/replicas", dialect::none, no_body, no_work, who_may::master, list_replicas},
    endpoint_row{"POST", "/admin/replicas/{replica}/cordon", dialect::none, no_body, no_work, who_may::master, cordon_replica},
    endpoint_row{"POST", "/admin/replicas/{replica}/drain", dialect::none, no_body, no_work, who_may::master, drain_replica},
    endpoint_row{"POST", "/admin/replicas/{replica}/resume", dialect::none, no_body, no_work, who_may::master, resume_replica},
    endpoint_row{"POST", "/admin/explain", dialect::none, json, no_work, who_may::master, explain_request},
    endpoint_row{"GET", "/metrics", dialect::none, no_body, no_work, who_may::admin_or_key, expose_metrics},
};
// clang-format on

constexpr auto routes = [] {
    std::array<std::string_view, table.size()> names{};
    for (std::size_t i = 0; i < table.size(); ++i)
        names[i] = table[i].route;
    return names;
}();

// Names of models and replicas may hold a slash, plain or encoded; none of their parts is empty.
std::optional<std::string> decode_name(std::string_view text) {
    std::string name;
    while (true) {
        const std::size_t plain = text.find('/');
        const std::size_t encoded = std::min(text.find("%2F"), text.find("%2f"));
        const std::size_t end = std::min(plain, encoded);
        const auto part = http::percent_decode(text.substr(0, end));
        if (!part || part->empty()) return std::nullopt;
        name += *part;
        if (end == std::string_view::npos) return name;
        name += '/';
        text.remove_prefix(end + (end == plain ? 1 : 3));
    }
}

// What stands for the name in braces; nothing when `path` is not of this route.
std::optional<std::string> match(std::string_view route, std::string_view path) {
    const std::size_t open = route.find('{');
    if (open == std::string_view::npos) {
        if (route == path) return std::string();
        return std::nullopt;
    }
    const std::string_view before = route.substr(0, open);
    const std::string_view behind = route.substr(route.find('}') + 1);
    if (path.size() < before.size() + behind.size() || !path.starts_with(before) ||
        !path.ends_with(behind))
        return std::nullopt;
    path.remove_prefix(before.size());
    path.remove_suffix(behind.size());
    return decode_name(path);
}

result<found_endpoint, errc> find_canonical(
    std::string_view method, std::string_view path, std::string& allowed
) {
    for (std::uint32_t i = 0; i < table.size(); ++i) {
        auto name = match(table[i].route, path);
        if (!name) continue;
        if (method == table[i].method || (method == "HEAD" && table[i].method == "GET"))
            return found_endpoint{&table[i], i, std::move(*name)};
        allowed = table[i].method;
        return errc::method_not_allowed;
    }
    return errc::unknown_route;
}

// "/openai/deployments/{model}/chat/completions" names the model in its path.
bool split_deployment(std::string_view& path, std::string& model) {
    for (const std::string_view prefix : {"/openai/deployments/", "/engines/"}) {
        if (!path.starts_with(prefix)) continue;
        const auto end = path.find('/', prefix.size());
        if (end == std::string_view::npos) return false;
        auto decoded = decode_name(path.substr(prefix.size(), end - prefix.size()));
        if (!decoded) return false;
        model = std::move(*decoded);
        path.remove_prefix(end);
        return true;
    }
    return false;
}

}  // namespace

std::span<const endpoint_row> endpoints() noexcept {
    return table;
}
std::span<const std::string_view> canonical_routes() noexcept {
    return routes;
}

result<found_endpoint, errc> find_endpoint(
    std::string_view method, std::string_view path, std::string& allowed
) {
    std::string model;
    const bool by_path = split_deployment(path, model);
    auto found = find_canonical(method, path, allowed);
    if (found.has_error() && found.error() == errc::unknown_route)
        found = find_canonical(method, "/v1" + std::string(path), allowed);
    if (by_path && found.has_value()) {
        if (found.value().row->local) return errc::unknown_route;
        found.value().name = std::move(model);
    }
    return found;
}

dialect dialect_of_path(std::string_view path) noexcept {
    return path.find("/messages") != std::string_view::npos ? dialect::messages : dialect::chat;
}

}  // namespace penstock::gateway
