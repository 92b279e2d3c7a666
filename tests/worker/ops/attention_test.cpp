// Attention over pages: right, and a token's bits the same however it came to be computed.
#include "attention_rig.hpp"

namespace penstock::worker {
namespace {

class attention_op : public op_test {
 protected:
    static attention_shape shape(std::uint32_t heads, std::uint32_t kv_heads, std::uint32_t dim) {
        return {heads, kv_heads, dim, 1 / std::sqrt(float(dim))};
    }
};
INSTANTIATE_TEST_SUITE_P(kernels, attention_op, testing::ValuesIn(every_kind()), name_of_kind);

TEST_P(attention_op, is_the_softmax_over_the_keys_so_far) {
    for (const std::uint32_t group : {1u, 2u, 4u, 7u, 8u}) {
        attention_rig rig(*kernels_, GetParam().type, 2, shape(2 * group, 2, 24), 8, 400);
        rig.poison();
        const sequence of = rig.make(330, group);
        const numbers out = rig.step({{&of, 0, 330}});
        for (const std::uint32_t row : {0u, 1u, 63u, 64u, 127u, 255u, 256u, 257u, 320u, 329u})
            for (std::uint32_t head = 0; head < 2 * group; ++head) {
                const auto wanted = rig.reference(of, row, head);
                for (std::size_t d = 0; d < 24; ++d)
                    ASSERT_NEAR(out[(row * 2 * group + head) * 24 + d], wanted[d], 3e-6)
                        << "group " << group << " row " << row << " head " << head;
            }
    }
}

TEST_P(attention_op, takes_every_even_width_of_head) {
    for (const std::uint32_t dim : {2u, 6u, 8u, 16u, 18u, 64u, 80u, 128u}) {
        attention_rig rig(*kernels_, GetParam().type, 1, shape(3, 3, dim), 3, 100);
        rig.poison();
        const sequence of = rig.make(70, dim);
        const numbers out = rig.step({{&of, 0, 70}});
        for (const std::uint32_t row : {0u, 30u, 69u})
            for (std::uint32_t head = 0; head < 3; ++head) {
                const auto wanted = rig.reference(of, row, head);
                for (std::size_t d = 0; d < dim; ++d)
                    ASSERT_NEAR(out[(row * 3 + head) * dim + d], wanted[d], 3e-6) << dim;
            }
    }
}

// The largest and the smallest scores that come up must not overflow the powers of e.
TEST_P(attention_op, holds_scores_far_apart) {
    attention_rig rig(*kernels_, GetParam().type, 1, shape(1, 1, 8), 6, 400);
    sequence of = rig.make(300, 1);
    for (std::size_t i = 0; i < of.qkv.size(); ++i)
        if (i % 24 < 16) of.qkv[i] *= 30;  // q and k; values stay
    const numbers out = rig.step({{&of, 0, 300}});
    for (const std::uint32_t row : {0u, 99u, 256u, 299u}) {
        const auto wanted = rig.reference(of, row, 0);
        for (std::size_t d = 0; d < 8; ++d)
            ASSERT_NEAR(out[row * 8 + d], wanted[d], 2e-3);
    }
}

TEST_P(attention_op, decoding_token_by_token_gives_the_bits_of_the_whole_prompt) {
    const std::uint32_t length = 270;
    for (const std::uint32_t group : {1u, 7u}) {
        attention_rig rig(*kernels_, GetParam().type, 2, shape(group * 2, 2, 20), 10, length);
        rig.poison();
        const std::size_t n = rig.shape.q_columns();
        sequence whole = rig.make(length, 5), single = rig.make(length, 6);
        single.qkv = whole.qkv;
        const numbers at_once = rig.step({{&whole, 0, length}});
        for (std::uint32_t i = 0; i < length; ++i) {
            const numbers one = rig.step({{&single, i, i + 1}});
            ASSERT_EQ(row_bits(one, 0, n), row_bits(at_once, i, n)) << "keys " << i + 1;
        }
    }
}

TEST_P(attention_op, long_prompts_decode_alike) {
    const std::uint32_t length = 1100;
    attention_rig rig(*kernels_, GetParam().type, 2, shape(2, 1, 16), 40, length);
    rig.poison();
    const std::size_t n = rig.shape.q_columns();
    sequence whole = rig.make(length, 5), other = rig.make(length, 6);
    other.qkv = whole.qkv;
    const numbers at_once = rig.step({{&whole, 0, length}});
    rig.step({{&other, 0, 1000}});
    for (std::uint32_t i = 1000; i < length; ++i)
        ASSERT_EQ(row_bits(rig.step({{&other, i, i + 1}}), 0, n), row_bits(at_once, i, n)) << i;
}

TEST_P(attention_op, a_prompt_may_be_cut_anywhere) {
    const std::uint32_t length = 333;
    attention_rig rig(*kernels_, GetParam().type, 3, shape(4, 2, 16), 60, length);
    rig.poison();
    const std::size_t n = rig.shape.q_columns();
    const sequence whole = rig.make(length, 7);
    const numbers at_once = rig.step({{&whole, 0, length}});
    std::mt19937 engine(8);
    for (unsigned trial = 0; trial < 6; ++trial) {
        sequence cut = rig.make(length, 9 + trial);
        cut.qkv = whole.qkv;
        for (std::uint32_t begin = 0; begin < length;) {
            const auto size = std::uniform_int_distribution<std::uint32_t>(1, 130)(engine);
            const std::uint32_t end = std::min(length, begin + size);
            const numbers some = rig.step({{&cut, begin, end}});
            ASSERT_EQ(
                bits_of(some.data(), some.size()),
                bits_of(at_once.data() + begin * n, (end - begin) * n)
            ) << begin
              << " to " << end;
            begin = end;
        }
    }
}

TEST_P(attention_op, neighbours_and_threads_change_nothing) {
    const std::uint32_t length = 150;
    numbers alone;
    for (const unsigned threads : {1u, 2u, 3u, 7u}) {
        attention_rig rig(*kernels_, GetParam().type, threads, shape(4, 2, 12), 40, 700);
        rig.poison();
        const std::size_t n = rig.shape.q_columns();
        const sequence ours = rig.make(length, 11);
        const numbers by_itself = rig.step({{&ours, 0, length}});
        if (alone.empty()) alone = by_itself;
        ASSERT_EQ(bits_of(alone.data(), alone.size()), bits_of(by_itself.data(), alone.size()));
        const sequence a = rig.make(1, 12), b = rig.make(65, 13), c = rig.make(600, 14);
        rig.step({{&c, 0, 599}});
        const numbers all =
            rig.step({{&a, 0, 1}, {&b, 0, 65}, {&ours, 100, length}, {&c, 599, 600}});
        for (std::uint32_t i = 100; i < length; ++i)
            ASSERT_EQ(row_bits(all, 66 + i - 100, n), row_bits(alone, i, n)) << i;
    }
}

TEST_P(attention_op, layers_do_not_touch_each_other) {
    attention_rig rig(*kernels_, GetParam().type, 1, shape(1, 1, 8), 4, 100);
    const sequence of = rig.make(64, 15);
    const numbers before = rig.step({{&of, 0, 64}}, 0);
    sequence other = of;
    other.qkv = random_numbers(of.qkv.size(), 16);
    rig.step({{&other, 0, 64}}, 1);
    const numbers after = rig.step({{&of, 63, 64}}, 0);
    EXPECT_EQ(row_bits(before, 63, 8), row_bits(after, 0, 8));
}

}  // namespace
}  // namespace penstock::worker
