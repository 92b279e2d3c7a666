// Embedding, gathering, norms, activation, rotation: against plain arithmetic in double precision.
#include "bench_of_ops.hpp"
#include "invariance.hpp"

#include <cmath>

namespace penstock::worker {
namespace {

class row_ops : public op_test {};
INSTANTIATE_TEST_SUITE_P(kernels, row_ops, testing::ValuesIn(every_kind()), name_of_kind);

const std::vector<std::size_t> widths{1, 3, 7, 8, 9, 16, 31, 64, 100, 257, 2049, 4097};

TEST_P(row_ops, embed_gives_the_rows_of_the_table) {
    auto device = open_this(2);
    const auto table = load_numbers(*device, random_numbers(37 * 21, 1), 21, GetParam().type);
    const std::vector<token_id> tokens{0, 36, 7, 8, 15, 16, 7};
    numbers out(tokens.size() * 21);
    device->embed(*table.packed, tokens, view(out, 21));
    for (std::size_t i = 0; i < tokens.size(); ++i)
        for (std::size_t k = 0; k < 21; ++k)
            ASSERT_EQ(out[i * 21 + k], table.values[std::size_t(tokens[i]) * 21 + k]);
}

TEST_P(row_ops, gather_takes_the_named_rows) {
    auto device = open_this(2);
    numbers x = random_numbers(9 * 5, 2), out(3 * 5);
    const std::vector<std::uint32_t> rows{1, 4, 8};
    device->gather(view(x, 5), rows, view(out, 5));
    for (std::size_t i = 0; i < 3; ++i)
        EXPECT_EQ(bits_of(&out[i * 5], 5), bits_of(&x[rows[i] * 5], 5));
}

TEST_P(row_ops, rms_norm_divides_by_the_root_of_the_mean_square) {
    auto device = open_this(3);
    for (const std::size_t n : widths) {
        const auto weight = load_numbers(*device, random_numbers(n, 3), n, GetParam().type);
        numbers x = random_numbers(5 * n, 4, 3), delta = random_numbers(5 * n, 5), sums = x;
        numbers plain(5 * n), added(5 * n);
        device->rms_norm(view(x, n), *weight.packed, 1e-6f, view(plain, n));
        device->add_rms_norm(view(sums, n), view(delta, n), *weight.packed, 1e-6f, view(added, n));
        for (std::size_t r = 0; r < 5; ++r) {
            double squares = 0, squares_of_sums = 0;
            for (std::size_t i = r * n; i < (r + 1) * n; ++i) {
                ASSERT_EQ(sums[i], x[i] + delta[i]);
                squares += double(x[i]) * x[i];
                squares_of_sums += double(sums[i]) * sums[i];
            }
            for (std::size_t i = r * n; i < (r + 1) * n; ++i) {
                const double w = weight.values[i - r * n];
                const double a = x[i] / std::sqrt(squares / double(n) + 1e-6) * w;
                const double b = sums[i] / std::sqrt(squares_of_sums / double(n) + 1e-6) * w;
                ASSERT_NEAR(plain[i], a, 1e-6 * (std::abs(a) + 0.1)) << n;
                ASSERT_NEAR(added[i], b, 1e-6 * (std::abs(b) + 0.1)) << n;
            }
        }
    }
}

TEST_P(row_ops, a_row_has_the_same_bits_in_every_batch) {
    auto single = open_this(1), device = open_this(3);
    constexpr std::size_t n = 99;
    const numbers weights = random_numbers(n, 3);
    const auto one = load_numbers(*single, weights, n, GetParam().type);
    const auto many = load_numbers(*device, weights, n, GetParam().type);
    numbers x = random_numbers(row_counts.back() * 2 * n, 6);
    const auto norm_of = [](backend& by, const matrix& weight) -> row_map {
        return [&](tensor in, tensor out) { by.rms_norm(in, weight, 1e-5f, out); };
    };
    const auto silu_of = [](backend& by) -> row_map {
        return [&](tensor in, tensor out) { by.silu_multiply(in, out); };
    };
    EXPECT_EQ(
        first_variance(norm_of(*single, *one.packed), norm_of(*device, *many.packed), x, n, n), ""
    );
    EXPECT_EQ(first_variance(silu_of(*single), silu_of(*device), x, 2 * n, n), "");
}

TEST_P(row_ops, silu_multiplies_the_second_half_by_the_activated_first) {
    auto device = open_this(3);
    for (const std::size_t n : widths) {
        numbers x = random_numbers(3 * 2 * n, 7, 5), out(3 * n), one(n);
        x[0] = -300;  // e^300 is no float
        device->silu_multiply(view(x, 2 * n), view(out, n));
        for (std::size_t r = 0; r < 3; ++r) {
            for (std::size_t i = 0; i < n; ++i) {
                const double gate = x[r * 2 * n + i], up = x[r * 2 * n + n + i];
                const double wanted = gate / (1 + std::exp(-gate)) * up;
                ASSERT_NEAR(out[r * n + i], wanted, 1e-6 * std::abs(wanted) + 1e-30) << gate;
            }
            device->silu_multiply({&x[r * 2 * n], 1, 2 * n}, view(one, n));
            ASSERT_EQ(bits_of(&out[r * n], n), bits_of(one.data(), n)) << n;
        }
    }
}

TEST_P(row_ops, silu_is_right_for_every_size_of_number) {
    auto device = open_this(1);
    for (float gate = -120; gate < 120; gate += 0.0371f) {
        numbers x{gate, 1}, out(1);
        device->silu_multiply(view(x, 2), view(out, 1));
        // Below -89 the power of e is infinite, and the result 0.
        const double wanted = double(gate) / (1 + std::exp(-double(gate)));
        ASSERT_NEAR(out[0], wanted, 6e-7 * std::abs(wanted) + 4e-37) << gate;
    }
    numbers x{NAN, 1}, out(1);
    device->silu_multiply(view(x, 2), view(out, 1));
    EXPECT_TRUE(std::isnan(out[0]));
}

// q of the rows after rotation; what is done to k shows in attention.
TEST_P(row_ops, rotation_turns_halves_of_a_normed_head) {
    auto device = open_this(2);
    const attention_shape shape{.num_heads = 3, .num_kv_heads = 1, .head_dim = 20, .scale = 1};
    constexpr std::size_t positions = 9, half = 10;
    numbers cosines(positions * half), sines(positions * half);
    for (std::size_t i = 0; i < cosines.size(); ++i) {
        const std::size_t position = i / half;
        const double angle = double(position) * std::pow(10000.0, -double(i % half) / half);
        cosines[i] = float(std::cos(angle));
        sines[i] = float(std::sin(angle));
    }
    const auto rotations = device->load_rotations(cosines, sines, positions).value();
    const auto q_norm = load_numbers(*device, random_numbers(20, 8), 20, GetParam().type);
    const auto kv = device->make_kv_store(1, 1, shape, GetParam().type).value();
    for (const bool normed : {false, true}) {
        step_batch batch;
        batch.tokens = {1, 2};
        batch.positions = {8, 3};
        batch.slots = {8, 3};
        numbers x = random_numbers(2 * shape.qkv_columns(), 9);
        const numbers before = x;
        const head_norms norms{normed ? q_norm.packed.get() : nullptr, nullptr, 1e-6f};
        device->rotate_and_store(view(x, shape.qkv_columns()), norms, *rotations, batch, 0, *kv);
        for (std::size_t i = 0; i < x.size(); ++i) {
            const std::size_t row = i / shape.qkv_columns(), column = i % shape.qkv_columns();
            if (column >= shape.q_columns()) continue;
            const float* head = &before[i - column % 20];
            double squares = 0;
            for (std::size_t k = 0; k < 20; ++k)
                squares += double(head[k]) * head[k];
            const auto value = [&](std::size_t k) {
                if (!normed) return double(head[k]);
                return head[k] / std::sqrt(squares / 20 + 1e-6) * q_norm.values[k];
            };
            const std::size_t k = column % 20, angle = batch.positions[row] * half + k % half;
            const double cosine = cosines[angle], sine = sines[angle];
            const double wanted = k < half ? value(k) * cosine - value(k + half) * sine
                                           : value(k) * cosine + value(k - half) * sine;
            ASSERT_NEAR(x[i], wanted, 2e-6) << row << " " << column;
        }
    }
}

TEST(download, gives_the_numbers) {
    auto device = open(1);
    numbers x = random_numbers(12, 10), out(12);
    device->download(view(x, 4), out);
    EXPECT_EQ(out, x);
}

}  // namespace
}  // namespace penstock::worker
