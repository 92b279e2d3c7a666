// Every route of the gateway, one row each: method, path, dialect, kinds, and who may call it.
#pragma once

#include "penstock/io/task.hpp"
#include "penstock/openai/dialect.hpp"
#include "penstock/result.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace penstock::gateway {

enum class who_may : std::uint8_t {
    anyone,        // never needs a key
    key_holder,    // needs one once keys exist
    admin_or_key,  // on the admin listener nobody needs one
    master,        // needs the master key; on the admin listener only, where there is one
};

struct request_context;

// What the gateway answers by itself.
struct local_answer {
    int status = 200;
    std::string content_type = "application/json";
    std::string body;
};
using local_handler = io::task<local_answer> (*)(request_context&);

struct endpoint_row {
    std::string_view method;
    // Canonical: as logged, as an operator names it, and as it goes upstream. One name in braces
    // may stand in it, for a model or a replica, whose own names may have slashes.
    std::string_view route;
    openai::dialect spoken;
    openai::body_kind body;
    openai::work_kind work;
    who_may who;
    local_handler local;  // null: goes upstream
};

struct found_endpoint {
    const endpoint_row* row = nullptr;
    std::uint32_t index = 0;
    std::string name;  // in place of the braces, or the model that the path names
};

// All rows; the index of a row is its place.
std::span<const endpoint_row> endpoints() noexcept;
// Canonical routes by row, for rights of keys and what replicas serve.
std::span<const std::string_view> canonical_routes() noexcept;

// `path` as sent. Every route is also found without its "/v1", and inference routes under
// "/openai/deployments/{model}" (Azure) and "/engines/{model}". errc: unknown_route,
// method_not_allowed
// (`allowed` is then the methods that there are).
result<found_endpoint, errc> find_endpoint(
    std::string_view method, std::string_view path, std::string& allowed
);

// The dialect that an error about this path is best told in.
openai::dialect dialect_of_path(std::string_view path) noexcept;

}  // namespace penstock::gateway
