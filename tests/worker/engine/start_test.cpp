// What an engine needs before it starts.
#include "engine_run.hpp"

#include <gmock/gmock.h>

namespace penstock::worker {
namespace {

using test::fake_device;
using test::fake_model;
using test::fake_page_bytes;
using testing::HasSubstr;

error refusal_of(const engine_options& options) {
    auto started =
        start_engine(std::make_unique<fake_device>(), std::make_unique<fake_model>(), options);
    return started ? error(errc::end_of_stream, "it started") : started.error();
}

TEST(start_engine, refuses_options_that_hold_no_sequence_of_a_page) {
    engine_options options;
    options.kv_bytes = fake_page_bytes - 1;
    EXPECT_EQ(refusal_of(options).code, errc::invalid_value);
    EXPECT_THAT(refusal_of(options).detail, HasSubstr("1024"));
    options = {};
    options.max_step_tokens = page_size - 1;
    EXPECT_THAT(refusal_of(options).detail, HasSubstr("max_step_tokens"));
    options = {};
    options.max_sequences = 0;
    EXPECT_THAT(refusal_of(options).detail, HasSubstr("max_sequences"));
    options = {};
    options.max_waiting = 0;
    EXPECT_THAT(refusal_of(options).detail, HasSubstr("max_waiting"));
    for (const double share : {-0.1, 1.0, std::numeric_limits<double>::quiet_NaN()}) {
        options = {};
        options.bulk_reserve = share;
        EXPECT_THAT(refusal_of(options).detail, HasSubstr("bulk_reserve"));
    }
}

TEST(start_engine, says_when_the_device_has_no_room) {
    auto device = std::make_unique<fake_device>();
    device->max_pages = 3;
    const auto started =
        start_engine(std::move(device), std::make_unique<fake_model>(), engine_options());
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, errc::internal);
}

TEST(start_engine, takes_as_many_pages_as_fit_the_bytes_and_could_be_used) {
    engine_options options;
    options.kv_bytes = 10 * fake_page_bytes + 1023;
    options.max_sequences = 3;
    const auto pages_of = [&](dtype type) {
        auto model = std::make_unique<fake_model>(1000);
        model->shape_.type = type;
        auto started =
            start_engine(std::make_unique<fake_device>(), std::move(model), options).value();
        return started->state().kv_pages_total;
    };
    EXPECT_EQ(pages_of(dtype::f32), 10u);
    EXPECT_EQ(pages_of(dtype::bf16), 21u);
    EXPECT_EQ(pages_of(dtype::f16), 10u) << "kept in fp32";
    options.kv_bytes = std::uint64_t{1} << 60;
    EXPECT_EQ(pages_of(dtype::f32), 3 * 16u);
}

TEST(start_engine, says_what_the_model_is) {
    auto started = start_engine(
        std::make_unique<fake_device>(), std::make_unique<fake_model>(777), engine_options()
    );
    ASSERT_TRUE(started);
    EXPECT_EQ(started.value()->vocabulary(), test::fake_vocabulary);
    EXPECT_EQ(started.value()->max_positions(), 777u);
}

}  // namespace
}  // namespace penstock::worker
