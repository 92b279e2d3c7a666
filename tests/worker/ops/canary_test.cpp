// That the checks of invariance can turn red: ops whose order of summing is taken from the batch,
// as libraries do, must be found out by the very checks that the backend's ops pass.
#include "invariance.hpp"

#include <algorithm>

namespace penstock::worker {
namespace {

constexpr std::size_t columns = 300, outputs = 20;

// A product that cuts its sum into so many parts, and folds them.
void multiply_in_parts(const numbers& w, tensor x, tensor out, std::size_t parts) {
    for (std::size_t m = 0; m < x.rows; ++m)
        for (std::size_t n = 0; n < outputs; ++n) {
            float sum = 0;
            for (std::size_t part = 0; part < parts; ++part) {
                float some = 0;
                const std::size_t end = (part + 1) * columns / parts;
                for (std::size_t k = part * columns / parts; k < end; ++k)
                    some += x.row(m)[k] * w[n * columns + k];
                sum += some;
            }
            out.row(m)[n] = sum;
        }
}

class canary : public testing::Test {
 protected:
    std::string variance(const std::function<std::size_t(std::size_t rows)>& num_parts) {
        const row_map op = [&](tensor x, tensor out) {
            multiply_in_parts(weights_, x, out, num_parts(x.rows));
        };
        return first_variance(op, op, x_, columns, outputs);
    }

 private:
    numbers weights_ = random_numbers(outputs * columns, 1);
    numbers x_ = random_numbers(row_counts.back() * columns, 2);
};

TEST_F(canary, a_fixed_order_of_summing_passes) {
    EXPECT_EQ(variance([](std::size_t) { return 4; }), "");
}

TEST_F(canary, splitting_the_sum_of_small_batches_is_found_out) {
    EXPECT_NE(variance([](std::size_t rows) { return rows <= 4 ? 4 : 1; }), "");
}

TEST_F(canary, an_order_that_only_the_largest_batch_has_is_found_out) {
    EXPECT_EQ(variance([](std::size_t rows) { return rows > 128 ? 2 : 1; }), "row 0 of 129");
}

TEST_F(canary, one_wrong_bit_in_one_place_is_found_out) {
    const numbers weights = random_numbers(outputs * columns, 3);
    numbers x = random_numbers(row_counts.back() * columns, 4);
    const row_map right = [&](tensor in, tensor out) { multiply_in_parts(weights, in, out, 1); };
    const row_map wrong = [&](tensor in, tensor out) {
        right(in, out);
        if (in.rows == 33) out.row(32)[19] = std::nextafter(out.row(32)[19], 1e9f);
    };
    EXPECT_EQ(first_variance(right, wrong, x, columns, outputs), "row 32 of 33");
}

}  // namespace
}  // namespace penstock::worker
