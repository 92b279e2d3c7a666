// Lengths, types and places of a safetensors header against the size of its file.
#include "worker/weights/safetensors_header.hpp"

#include "worker/weights/header_events.hpp"

#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>

namespace penstock::worker {

namespace {

struct element {
    std::string_view type;
    std::uint64_t bits;
};

// Every type of safetensors 0.6; sizes are checked also of those that no model here reads.
constexpr std::array elements = {
    element{"F32", 32},    element{"BF16", 16},   element{"F16", 16},    element{"F64", 64},
    element{"F8_E4M3", 8}, element{"F8_E5M2", 8}, element{"F8_E8M0", 8}, element{"F6_E2M3", 6},
    element{"F6_E3M2", 6}, element{"F4", 4},      element{"BOOL", 8},    element{"U8", 8},
    element{"I8", 8},      element{"U16", 16},    element{"I16", 16},    element{"U32", 32},
    element{"I32", 32},    element{"U64", 64},    element{"I64", 64},    element{"C64", 64},
};

error invalid(std::string why) {
    return {errc::invalid_value, std::move(why)};
}

std::optional<std::uint64_t> product(std::uint64_t a, std::uint64_t b) {
    std::uint64_t made = 0;
    if (__builtin_mul_overflow(a, b, &made)) return std::nullopt;
    return made;
}

result<void> check_size(const stored_tensor& tensor, std::uint64_t data_bytes) {
    const std::string subject = "tensor '" + tensor.name + "'";
    const auto known = std::ranges::find(elements, tensor.type, &element::type);
    if (known == elements.end())
        return invalid(subject + " has the unknown dtype '" + tensor.type + "'");
    std::optional<std::uint64_t> bits = known->bits;
    // A zero makes the whole zero, wherever it stands, and no overflow before it counts.
    if (std::ranges::find(tensor.shape, 0u) != tensor.shape.end()) bits = 0;
    for (std::size_t i = 0; i < tensor.shape.size() && bits && *bits != 0; ++i)
        bits = product(*bits, tensor.shape[i]);
    if (!bits) return invalid(subject + " has a shape of more than 2^64 bits");
    if (*bits % 8 != 0) return invalid(subject + " does not end on a whole byte");
    if (tensor.begin > tensor.end) return invalid(subject + " ends before it begins");
    if (tensor.end > data_bytes)
        return invalid(
            subject + " ends at byte " + std::to_string(tensor.end) + " of " +
            std::to_string(data_bytes) + " bytes of data"
        );
    if (tensor.end - tensor.begin != *bits / 8)
        return invalid(
            subject + " takes " + std::to_string(tensor.end - tensor.begin) +
            " bytes; its shape and dtype need " + std::to_string(*bits / 8)
        );
    return success();
}

}  // namespace

result<std::uint64_t> header_length(std::span<const std::byte> prefix, std::uint64_t file_bytes) {
    if (prefix.size() < header_prefix_bytes || file_bytes < header_prefix_bytes)
        return invalid("it is too short for a safetensors file");
    std::uint64_t length = 0;
    for (std::size_t i = header_prefix_bytes; i-- > 0;)
        length = length << 8 | std::to_integer<std::uint64_t>(prefix[i]);
    if (length > header_bytes_max)
        return invalid(
            "its header claims " + std::to_string(length) + " bytes; at most " +
            std::to_string(header_bytes_max) + " are read"
        );
    if (length > file_bytes - header_prefix_bytes)
        return invalid(
            "its header claims " + std::to_string(length) + " bytes in a file of " +
            std::to_string(file_bytes)
        );
    return length;
}

result<std::vector<stored_tensor>> parse_header(std::string_view json, std::uint64_t data_bytes) {
    // The reference demands it, so that a file cannot be another format as well.
    if (!json.starts_with('{')) return invalid("its header does not begin with '{'");
    boost::json::parse_options options;
    options.max_depth = 3;  // the header, a tensor, its list
    boost::json::basic_parser<header_events> parser(options);
    boost::json::error_code failed;
    const std::size_t used = parser.write_some(false, json.data(), json.size(), failed);
    header_events& events = parser.handler();
    if (failed && !events.fault.empty()) return invalid(std::move(events.fault));
    if (failed) return invalid("its header is not JSON: " + failed.message());
    if (json.find_first_not_of(" \t\r\n", used) != std::string_view::npos)
        return invalid("something follows the JSON of its header");

    std::vector<stored_tensor> tensors = std::move(events.tensors);
    for (const stored_tensor& tensor : tensors) {
        CHECK(check_size(tensor, data_bytes));
    }
    std::ranges::sort(tensors, [](const stored_tensor& a, const stored_tensor& b) {
        return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
    });
    std::uint64_t end = 0;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        const stored_tensor& tensor = tensors[i];
        if (tensor.begin < end)
            return invalid(
                "tensors '" + tensors[i - 1].name + "' and '" + tensor.name + "' overlap"
            );
        if (tensor.begin > end) return invalid("a gap stands before tensor '" + tensor.name + "'");
        end = tensor.end;
    }
    if (end != data_bytes)
        return invalid(
            "its tensors end at byte " + std::to_string(end) + " of " + std::to_string(data_bytes) +
            " bytes of data"
        );
    return tensors;
}

}  // namespace penstock::worker
