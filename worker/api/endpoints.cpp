// The one table of routes.
#include "worker/api/endpoints.hpp"

#include "penstock/http/head.hpp"
#include "worker/api/handlers.hpp"

#include <array>

namespace penstock::worker {
namespace {

constexpr std::array table{
    endpoint_row{"POST", "/v1/chat/completions", answer_chat},
    endpoint_row{"POST", "/v1/completions", answer_completion},
    endpoint_row{"GET", "/v1/models", list_models},
    endpoint_row{"GET", "/v1/models/{model}", show_model},
    endpoint_row{"POST", "/tokenize", tokenize},
    endpoint_row{"POST", "/detokenize", detokenize},
    endpoint_row{"GET", "/health", show_health},
    endpoint_row{"GET", "/version", show_version},
    endpoint_row{"GET", "/metrics", show_metrics},
    endpoint_row{"GET", "/internal/state", show_state},
};

constexpr std::string_view model_segment = "{model}";

// What stands for `{model}`, a slash in it plain or encoded; nothing when `path` is not of this
// route.
std::optional<std::string> match(std::string_view route, std::string_view path) {
    if (!route.ends_with(model_segment)) {
        if (route == path) return std::string();
        return std::nullopt;
    }
    route.remove_suffix(model_segment.size());
    if (!path.starts_with(route)) return std::nullopt;
    path.remove_prefix(route.size());
    std::string name;
    while (true) {
        const std::size_t slash = std::min({path.find('/'), path.find("%2F"), path.find("%2f")});
        const auto part = http::percent_decode(path.substr(0, slash));
        if (!part || part->empty()) return std::nullopt;
        name += *part;
        if (slash == std::string_view::npos) return name;
        path.remove_prefix(slash + (path[slash] == '/' ? 1 : 3));
        name += '/';
    }
}

}  // namespace

result<found_endpoint, errc> find_endpoint(
    std::string_view method, std::string_view path, std::string& allowed
) {
    for (const endpoint_row& row : table) {
        auto model = match(row.route, path);
        if (!model) continue;
        if (method == row.method || (method == "HEAD" && row.method == "GET"))
            return found_endpoint{&row, std::move(*model)};
        allowed = row.method == "GET" ? "GET, HEAD" : row.method;
        return errc::method_not_allowed;
    }
    return errc::unknown_route;
}

}  // namespace penstock::worker
