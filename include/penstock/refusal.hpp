// What a client is told when its request ends without an answer of an upstream.
#pragma once

#include "penstock/result.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace penstock {

// Client-facing: `message` never contains internals, addresses or request text beyond names of
// fields, models and routes.
struct refusal {
    errc code = errc::internal;
    std::string message;  // empty: the table's own
    std::string param;    // the field at fault, empty when none is
    std::optional<std::chrono::milliseconds> retry_after;
    std::optional<std::chrono::milliseconds> predicted_wait;
    std::string detail;  // for the log only

    refusal() = default;
    refusal(errc code, std::string message = {}, std::string param = {})
        : code(code), message(std::move(message)), param(std::move(param)) {}
    refusal(error cause) : code(cause.code), detail(std::move(cause.detail)) {}
};

// What a stage of the path returns.
template <class T = void>
using stage_result = result<T, refusal>;

}  // namespace penstock
