// Weights and row by row ops of the reference backend.
#include "worker/models/reference/reference_backend.hpp"

#include "worker/models/reference/reference_rows.hpp"
#include "worker/models/reference/reference_weights.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>

namespace penstock::worker::reference {

namespace {

double decode(const std::byte* at, dtype type) {
    if (type == dtype::f32) {
        float value = 0;
        std::memcpy(&value, at, sizeof value);
        return value;
    }
    std::uint16_t bits = 0;
    std::memcpy(&bits, at, sizeof bits);
    if (type == dtype::bf16) return std::bit_cast<float>(std::uint32_t(bits) << 16);
    const int exponent = bits >> 10 & 31;
    const double fraction = bits & 1023;
    const double magnitude = exponent == 0    ? std::ldexp(fraction, -24)
                             : exponent == 31 ? (fraction == 0 ? INFINITY : NAN)
                                              : std::ldexp(1024 + fraction, exponent - 25);
    return bits & 0x8000 ? -magnitude : magnitude;
}

void norm(std::span<const double> x, const matrix& weight, double epsilon, std::span<double> out) {
    const auto& numbers = dynamic_cast<const reference_matrix&>(weight).numbers;
    demand(numbers.size() == x.size() && out.size() == x.size(), "a norm of another width");
    double squares = 0;
    for (const double value : x)
        squares += value * value;
    const double divisor = std::sqrt(squares / static_cast<double>(x.size()) + epsilon);
    for (std::size_t i = 0; i < x.size(); ++i)
        out[i] = x[i] / divisor * numbers[i];
}

}  // namespace

void norm_head(std::span<double> head, const matrix* weight, double epsilon) {
    if (weight != nullptr) norm(head, *weight, epsilon, head);
}

result<device_memory> reference_backend::allocate(std::size_t bytes) {
    if (bytes > bytes_left) return error(errc::internal, "the reference device has no room");
    bytes_left -= bytes;
    const std::size_t rounded = (std::max<std::size_t>(bytes, 1) + 63) / 64 * 64;
    void* data = std::aligned_alloc(64, rounded);
    std::memset(data, 0, rounded);
    return device_memory(data, bytes, [](void* at, std::size_t) noexcept { std::free(at); });
}

std::size_t reference_backend::bytes_of(std::size_t rows, std::size_t columns) const noexcept {
    return rows * columns * sizeof(double);
}

result<std::unique_ptr<matrix>> reference_backend::load(
    std::span<const weight_rows> parts, std::span<const float> bias
) {
    std::size_t rows = 0;
    std::vector<double> numbers;
    for (const weight_rows& part : parts) {
        demand(part.columns == parts[0].columns, "parts of different columns");
        demand(part.type == parts[0].type, "parts of different types");
        const std::size_t count = part.rows * part.columns;
        demand(part.bytes.size() == count * size_of(part.type), "a part of another size");
        for (std::size_t i = 0; i < count; ++i)
            numbers.push_back(decode(part.bytes.data() + i * size_of(part.type), part.type));
        rows += part.rows;
    }
    demand(bias.empty() || bias.size() == rows, "a bias of another size");
    auto made = std::make_unique<reference_matrix>(rows, parts[0].columns);
    made->numbers = std::move(numbers);
    made->bias.assign(bias.begin(), bias.end());
    return std::unique_ptr<matrix>(std::move(made));
}

void reference_backend::embed(const matrix& table, std::span<const token_id> tokens, tensor out) {
    const auto& weight = dynamic_cast<const reference_matrix&>(table);
    demand(out.rows == tokens.size() && out.columns == table.columns(), "embed: another shape");
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        demand(tokens[i] >= 0 && std::size_t(tokens[i]) < table.rows(), "embed: no such token");
        std::ranges::copy(weight.row(static_cast<std::size_t>(tokens[i])), row_of(out, i).begin());
    }
}

void reference_backend::gather(tensor x, std::span<const std::uint32_t> rows, tensor out) {
    demand(out.rows == rows.size() && out.columns == x.columns, "gather: another shape");
    for (std::size_t i = 0; i < rows.size(); ++i) {
        demand(rows[i] < x.rows, "gather: no such row");
        std::ranges::copy(row_of(x, rows[i]), row_of(out, i).begin());
    }
}

void reference_backend::rms_norm(tensor x, const matrix& weight, float epsilon, tensor out) {
    demand(out.rows == x.rows, "rms_norm: another shape");
    for (std::size_t i = 0; i < x.rows; ++i)
        norm(row_of(x, i), weight, epsilon, row_of(out, i));
}

void reference_backend::add_rms_norm(
    tensor x, tensor delta, const matrix& weight, float epsilon, tensor out
) {
    demand(delta.rows == x.rows && delta.columns == x.columns, "add_rms_norm: another shape");
    for (std::size_t i = 0; i < x.rows; ++i)
        for (std::size_t j = 0; j < x.columns; ++j)
            row_of(x, i)[j] += row_of(delta, i)[j];
    rms_norm(x, weight, epsilon, out);
}

void reference_backend::linear(const matrix& w, tensor x, tensor out) {
    const auto& weight = dynamic_cast<const reference_matrix&>(w);
    demand(x.columns == w.columns(), "linear: another input");
    demand(out.rows == x.rows && out.columns == w.rows(), "linear: another output");
    for (std::size_t i = 0; i < x.rows; ++i)
        for (std::size_t j = 0; j < w.rows(); ++j) {
            const std::span<const double> a = row_of(x, i), b = weight.row(j);
            double sum = 0;
            for (std::size_t k = 0; k < a.size(); ++k)
                sum += a[k] * b[k];
            row_of(out, i)[j] = sum + (weight.bias.empty() ? 0.0 : weight.bias[j]);
        }
}

void reference_backend::silu_multiply(tensor gate_up, tensor out) {
    demand(gate_up.columns == 2 * out.columns && gate_up.rows == out.rows, "silu: another shape");
    for (std::size_t i = 0; i < out.rows; ++i)
        for (std::size_t j = 0; j < out.columns; ++j) {
            const double gate = row_of(gate_up, i)[j];
            row_of(out, i)[j] = gate / (1 + std::exp(-gate)) * row_of(gate_up, i)[j + out.columns];
        }
}

void reference_backend::download(tensor x, std::span<float> out) {
    demand(out.size() == x.rows * x.columns, "download: another size");
    const double* numbers = static_cast<const double*>(x.data);
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = static_cast<float>(numbers[i]);
}

}  // namespace penstock::worker::reference
