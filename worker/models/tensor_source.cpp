// One fused weight at a time is held in host memory.
#include "worker/models/tensor_source.hpp"

#include "worker/weights/widen.hpp"

#include <algorithm>

namespace penstock::worker {

namespace {

template <class Sizes>
std::string text_of(const Sizes& shape) {
    std::string text = "[";
    for (const std::uint64_t size : shape)
        text += (text.size() > 1 ? ", " : "") + std::to_string(size);
    return text + "]";
}

std::vector<std::uint64_t> shape_of(const wanted_tensor& wanted) {
    if (wanted.rows == 0) return {wanted.columns};
    return {wanted.rows, wanted.columns};
}

}  // namespace

result<const tensor_place*> tensor_source::find(const wanted_tensor& wanted) const {
    const tensor_place* found = from_.find(wanted.name);
    const auto expected = shape_of(wanted);
    if (!found) {
        const std::string_view other = from_.other_type(wanted.name);
        if (!other.empty())
            return error(
                errc::invalid_value,
                "tensor '" + wanted.name + "' is of type " + std::string(other) +
                    "; F32, BF16 and F16 are read"
            );
        return error(
            errc::invalid_value,
            "tensor '" + wanted.name + "' of shape " + text_of(expected) +
                " is missing from the weights"
        );
    }
    if (found->shape != expected)
        return error(
            errc::invalid_value,
            "tensor '" + wanted.name + "' has shape " + text_of(found->shape) +
                "; config.json asks for " + text_of(expected)
        );
    return found;
}

result<std::vector<std::byte>> tensor_source::read(const tensor_place& place) const {
    std::vector<std::byte> bytes(place.bytes);
    CHECK(from_.read(place, bytes));
    return bytes;
}

result<std::unique_ptr<matrix>> tensor_source::load(
    std::span<const wanted_tensor> parts, std::span<const wanted_tensor> biases
) const {
    std::vector<std::vector<std::byte>> held;
    std::vector<weight_rows> rows;
    for (const wanted_tensor& part : parts) {
        TRY(const tensor_place* place, find(part));
        TRY(held.emplace_back(), read(*place));
        rows.push_back({held.back(), place->type, std::max<std::size_t>(part.rows, 1), part.columns}
        );
    }
    std::vector<float> bias;
    for (const wanted_tensor& part : biases) {
        TRY(const tensor_place* place, find(part));
        TRY(const std::vector<std::byte> bytes, read(*place));
        const std::vector<float> numbers = widen(bytes, place->type);
        bias.insert(bias.end(), numbers.begin(), numbers.end());
    }
    return device_.load(rows, bias);
}

result<bool> tensor_source::are_equal(const tensor_place& a, const tensor_place& b) const {
    if (a.type != b.type || a.bytes != b.bytes) return false;
    constexpr std::uint64_t piece_bytes = 32 * 1024 * 1024;
    std::vector<std::byte> of_a, of_b;
    for (std::uint64_t at = 0; at < a.bytes; at += piece_bytes) {
        const std::uint64_t n = std::min(piece_bytes, a.bytes - at);
        of_a.resize(n);
        of_b.resize(n);
        tensor_place piece_a = a, piece_b = b;
        piece_a.offset += at;
        piece_b.offset += at;
        piece_a.bytes = piece_b.bytes = n;
        CHECK(from_.read(piece_a, of_a));
        CHECK(from_.read(piece_b, of_b));
        if (of_a != of_b) return false;
    }
    return true;
}

}  // namespace penstock::worker
