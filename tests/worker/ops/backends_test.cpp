// Opening devices, and their memory.
#include "worker/ops/backends.hpp"

#include "bench_of_ops.hpp"

#include <gmock/gmock.h>

namespace penstock::worker {
namespace {

using testing::HasSubstr;

TEST(open_backend, opens_the_processor_for_auto_and_for_cpu) {
    for (const char* word : {"auto", "cpu"})
        EXPECT_THAT(std::string(open_backend(word, {}).value()->name()), HasSubstr("cpu"));
}

TEST(open_backend, is_portable_where_it_must_be) {
    EXPECT_EQ(open_backend("cpu", {.portable = true}).value()->name(), "cpu portable");
    const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const bool has_avx512 = __builtin_cpu_supports("avx512f");
    EXPECT_EQ(
        open_backend("cpu", {}).value()->name(),
        has_avx512 ? "cpu avx512"
        : has_avx2 ? "cpu avx2"
                   : "cpu portable"
    );
}

// The tests of kernels are made of these: none may be missing.
TEST(usable_kernels, are_all_that_this_machine_has) {
    std::vector<std::string> names, wanted;
    for (const cpu_kernels* kernels : usable_kernels())
        names.emplace_back(kernels->name);
    if (__builtin_cpu_supports("avx512f")) wanted.emplace_back("cpu avx512");
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        wanted.emplace_back("cpu avx2");
    wanted.emplace_back("cpu portable");
    EXPECT_EQ(names, wanted);
}

TEST(open_backend, says_why_a_device_cannot_be_had) {
    for (const char* word : {"cuda:0", "cuda", "cuda:7"}) {
        const auto opened = open_backend(word, {});
        ASSERT_TRUE(opened.has_error());
        EXPECT_EQ(opened.error().code, errc::invalid_value);
        EXPECT_THAT(opened.error().detail, HasSubstr("this build has no CUDA"));
    }
    const auto opened = open_backend("tpu", {});
    ASSERT_TRUE(opened.has_error());
    EXPECT_EQ(opened.error().code, errc::invalid_value);
    EXPECT_THAT(opened.error().detail, HasSubstr("auto, cpu and cuda:N"));
}

TEST(memory, is_zeroed_and_aligned) {
    auto device = open(1);
    const auto memory = device->allocate(100'000).value();
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.data()) % 64, 0u);
    const auto* bytes = static_cast<const char*>(memory.data());
    for (std::size_t i = 0; i < 100'000; ++i)
        ASSERT_EQ(bytes[i], 0);
    EXPECT_EQ(device->bytes_of(3, 5), 60u);
}

TEST(memory, that_cannot_be_had_is_an_error) {
    const auto refused = open(1)->allocate(std::size_t(1) << 60);
    ASSERT_TRUE(refused.has_error());
    EXPECT_EQ(refused.error().code, errc::internal);
}

TEST(kv_store, refuses_shapes_that_cannot_be) {
    auto device = open(1);
    const attention_shape good{.num_heads = 4, .num_kv_heads = 2, .head_dim = 8, .scale = 1};
    attention_shape odd = good, uneven = good, none = good;
    odd.head_dim = 7;
    uneven.num_heads = 5;
    none.num_kv_heads = 0;
    EXPECT_TRUE(device->make_kv_store(1, 4, good, dtype::bf16).has_value());
    EXPECT_TRUE(device->make_kv_store(1, 4, good, dtype::f16).has_error());
    for (const auto& shape : {odd, uneven, none})
        EXPECT_TRUE(device->make_kv_store(1, 4, shape, dtype::f32).has_error());
    EXPECT_GE(device->bytes_per_page(3, good, dtype::f32), 3 * 64 * 2 * 16 * sizeof(float));
    EXPECT_EQ(
        device->bytes_per_page(3, good, dtype::f32),
        2 * device->bytes_per_page(3, good, dtype::bf16)
    );
}

TEST(rotations, refuse_what_does_not_fit_the_positions) {
    auto device = open(1);
    EXPECT_TRUE(device->load_rotations(numbers(10), numbers(10), 3).has_error());
    EXPECT_TRUE(device->load_rotations(numbers(10), numbers(5), 5).has_error());
    EXPECT_TRUE(device->load_rotations({}, {}, 0).has_error());
}

}  // namespace
}  // namespace penstock::worker
