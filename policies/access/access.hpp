// Access: may this key use this model and this route, and in which class does it run?
#pragma once

#include "penstock/ids.hpp"
#include "penstock/refusal.hpp"

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace penstock::access {

// A set of table indices. Nothing ever put in means all: a key without a list is not restricted.
class index_set {
 public:
    void add(std::uint32_t index);
    bool all() const noexcept { return words_.empty(); }
    bool contains(std::uint32_t index) const noexcept {
        if (all()) return true;
        const std::size_t word = index / 64;
        return word < words_.size() && (words_[word] >> (index % 64) & 1);
    }

 private:
    std::vector<std::uint64_t> words_;
};

// Rights of one key. Names are resolved when settings are read: a listed alias becomes the model
// that it stands for, and comparing indices here is comparing canonical names exactly.
struct rights {
    index_set models;   // by model_index
    index_set routes;   // by row of the caller's table of canonical routes
    index_set classes;  // by request_class
};

struct question {
    model_index model;
    std::string_view model_name;  // canonical
    std::uint32_t route = 0;      // row of the table of canonical routes
};

// Refuses with model_not_allowed, which names the model, or route_not_allowed, which names the
// routes that the key may use.
stage_result<> check(
    const rights& key, const question& asked, std::span<const std::string_view> routes
);

// The route alone, before the body is read.
stage_result<> check_route(
    const rights& key, std::uint32_t route, std::span<const std::string_view> routes
);

// A class that the key may not use is not an error but clamped to the best that it may.
request_class clamp_class(const rights& key, request_class asked) noexcept;

}  // namespace penstock::access
