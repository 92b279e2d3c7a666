// The product of rows and a weight: right, and the same bits whatever else is in the batch.
#include "bench_of_ops.hpp"
#include "invariance.hpp"

#include <algorithm>
#include <cmath>

namespace penstock::worker {
namespace {

struct shape {
    std::size_t rows, columns;
};

// Around the widths of panels (8 and 16), odd in both, and longer than one block of inputs.
const std::vector<shape> shapes{
    {1, 1},
    {3, 5},
    {7, 64},
    {8, 33},
    {15, 16},
    {16, 17},
    {17, 129},
    {64, 31},
    {65, 64},
    {100, 257},
    {129, 96},
    {48, 1025},
    {33, 2049}
};

class linear_op : public op_test {};
INSTANTIATE_TEST_SUITE_P(kernels, linear_op, testing::ValuesIn(every_kind()), name_of_kind);

TEST_P(linear_op, is_the_product_and_the_bias) {
    auto device = open_this(2);
    for (const auto [rows, columns] : shapes) {
        const numbers bias = random_numbers(rows, 3);
        const known_matrix w = load_numbers(
            *device, random_numbers(rows * columns, 1), columns, GetParam().type, bias
        );
        numbers x = random_numbers(19 * columns, 2), out(19 * rows, NAN);
        device->linear(*w.packed, view(x, columns), view(out, rows));
        for (std::size_t m = 0; m < 19; ++m)
            for (std::size_t n = 0; n < rows; ++n) {
                double sum = 0, size = 0;
                for (std::size_t k = 0; k < columns; ++k) {
                    const double term = double(x[m * columns + k]) * w.values[n * columns + k];
                    sum += term;
                    size += std::abs(term);
                }
                ASSERT_NEAR(out[m * rows + n], sum + bias[n], 3e-7 * (size + std::abs(bias[n]) + 1))
                    << rows << "x" << columns << " row " << m << " output " << n;
            }
    }
}

row_map product_of(backend& device, const matrix& w) {
    return [&](tensor x, tensor out) { device.linear(w, x, out); };
}

TEST_P(linear_op, gives_a_row_the_same_bits_in_every_batch_and_team) {
    auto single = open_this(1);
    for (const auto [rows, columns] :
         {shape{33, 65}, shape{129, 1030}, shape{40, 2050}, shape{77, 7}}) {
        const numbers weights = random_numbers(rows * columns, 4), bias = random_numbers(rows, 6);
        const auto one = load_numbers(*single, weights, columns, GetParam().type, bias);
        numbers x = random_numbers(row_counts.back() * columns, 5);
        for (const unsigned threads : {1u, 2u, 3u, 7u}) {
            auto device = open_this(threads);
            const auto w = load_numbers(*device, weights, columns, GetParam().type, bias);
            const auto alone = product_of(*single, *one.packed);
            const auto op = product_of(*device, *w.packed);
            ASSERT_EQ(first_variance(alone, op, x, columns, rows), "")
                << rows << "x" << columns << " by " << threads << " threads";
        }
    }
}

// As many rows as the largest step that is measured, by three blocks of inputs.
TEST_P(linear_op, gives_a_row_the_same_bits_in_a_batch_of_thousands) {
    auto single = open_this(1), device = open_this(3);
    constexpr std::size_t rows = 70, columns = 2050;
    const numbers weights = random_numbers(rows * columns, 16), bias = random_numbers(rows, 17);
    const auto one = load_numbers(*single, weights, columns, GetParam().type, bias);
    const auto many = load_numbers(*device, weights, columns, GetParam().type, bias);
    numbers x = random_numbers(2048 * columns, 18);
    const auto alone = product_of(*single, *one.packed), op = product_of(*device, *many.packed);
    EXPECT_EQ(first_variance(alone, op, x, columns, rows, {513, 1025, 2048}), "");
}

TEST_P(linear_op, gives_a_row_the_same_bits_in_every_place) {
    auto device = open_this(2);
    constexpr std::size_t rows = 50, columns = 70, batch = 17;
    const auto w =
        load_numbers(*device, random_numbers(rows * columns, 7), columns, GetParam().type);
    numbers row = random_numbers(columns, 8), wanted(rows);
    device->linear(*w.packed, view(row, columns), view(wanted, rows));
    for (std::size_t place = 0; place < batch; ++place) {
        numbers x = random_numbers(batch * columns, unsigned(place)), out(batch * rows);
        std::ranges::copy(row, x.begin() + std::ptrdiff_t(place * columns));
        device->linear(*w.packed, view(x, columns), view(out, rows));
        EXPECT_EQ(bits_of(out.data() + place * rows, rows), bits_of(wanted.data(), rows)) << place;
    }
}

TEST_P(linear_op, writes_nothing_beside_its_result) {
    auto device = open_this(2);
    constexpr std::size_t rows = 21, columns = 40, guard = 64;
    const auto w =
        load_numbers(*device, random_numbers(rows * columns, 9), columns, GetParam().type);
    for (const std::size_t m : row_counts) {
        numbers x = random_numbers(m * columns, 10), out(m * rows + 2 * guard, 77);
        device->linear(*w.packed, view(x, columns), {out.data() + guard, m, rows});
        EXPECT_EQ(std::ranges::count(out.begin(), out.begin() + guard, 77.0f), guard);
        EXPECT_EQ(std::ranges::count(out.end() - guard, out.end(), 77.0f), guard);
    }
}

TEST_P(linear_op, keeps_what_is_no_number_in_its_own_row) {
    auto device = open_this(2);
    constexpr std::size_t rows = 40, columns = 96, batch = 9;
    const auto w =
        load_numbers(*device, random_numbers(rows * columns, 11), columns, GetParam().type);
    numbers x = random_numbers(batch * columns, 12), clean(batch * rows), out(batch * rows);
    device->linear(*w.packed, view(x, columns), view(clean, rows));
    x[4 * columns + 3] = NAN;
    device->linear(*w.packed, view(x, columns), view(out, rows));
    for (std::size_t m = 0; m < batch; ++m)
        if (m == 4)
            EXPECT_TRUE(std::isnan(out[m * rows]));
        else
            EXPECT_EQ(bits_of(&out[m * rows], rows), bits_of(&clean[m * rows], rows));
}

TEST(load, stacks_parts_by_rows) {
    auto device = open(2);
    const numbers a = random_numbers(5 * 12, 13), b = random_numbers(20 * 12, 14);
    const weight_rows parts[] = {
        {std::as_bytes(std::span(a)), dtype::f32, 5, 12},
        {std::as_bytes(std::span(b)), dtype::f32, 20, 12},
    };
    const auto stacked = device->load(parts, {}).value();
    ASSERT_EQ(stacked->rows(), 25u);
    const auto first = load_numbers(*device, a, 12), second = load_numbers(*device, b, 12);
    numbers x = random_numbers(12, 15), out(25), out_a(5), out_b(20);
    device->linear(*stacked, view(x, 12), view(out, 25));
    device->linear(*first.packed, view(x, 12), view(out_a, 5));
    device->linear(*second.packed, view(x, 12), view(out_b, 20));
    out_a.insert(out_a.end(), out_b.begin(), out_b.end());
    EXPECT_EQ(out, out_a);
}

TEST(load, widens_half_precision_without_loss) {
    auto device = open(1);
    // 1, -2, the largest, the smallest normal, the smallest at all, -0, infinity, and no number
    const std::uint16_t halves[] = {0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x8000, 0x7c00, 0x7e00};
    const weight_rows part{std::as_bytes(std::span(halves)), dtype::f16, 1, 8};
    const auto w = device->load({&part, 1}, {}).value();
    numbers out(8);
    const token_id only[] = {0};
    device->embed(*w, only, view(out, 8));
    EXPECT_EQ(out[0], 1);
    EXPECT_EQ(out[1], -2);
    EXPECT_EQ(out[2], 65504);
    EXPECT_EQ(out[3], 0x1p-14f);
    EXPECT_EQ(out[4], 0x1p-24f);
    EXPECT_TRUE(out[5] == 0 && std::signbit(out[5]));
    EXPECT_TRUE(std::isinf(out[6]));
    EXPECT_TRUE(std::isnan(out[7]));
}

TEST(load, refuses_parts_that_do_not_fit) {
    auto device = open(1);
    const numbers values(24);
    const auto bytes = std::as_bytes(std::span(values));
    const weight_rows good{bytes, dtype::f32, 2, 12}, narrow{bytes, dtype::f32, 3, 8},
        other{bytes, dtype::bf16, 4, 12}, cut{bytes.first(40), dtype::f32, 2, 12};
    EXPECT_TRUE(device->load({}, {}).has_error());
    EXPECT_TRUE(device->load(std::vector{good, narrow}, {}).has_error());
    EXPECT_TRUE(device->load(std::vector{good, other}, {}).has_error());
    EXPECT_TRUE(device->load(std::vector{cut}, {}).has_error());
    EXPECT_TRUE(device->load(std::vector{good}, numbers(3)).has_error());
    EXPECT_TRUE(device->load(std::vector{good}, numbers(2)).has_value());
}

}  // namespace
}  // namespace penstock::worker
