// Sampling when memory runs out: nothing is asked for inside the team, where an exception would end
// the process.
#include "bench_of_ops.hpp"
#include "worker/ops/cpu/sampler.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<bool> is_used_up = false;

}  // namespace

// Of this whole program: as the usual ones, but while memory is said to be used up.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
    void* made = is_used_up ? nullptr : std::malloc(bytes ? bytes : 1);
    if (!made) throw std::bad_alloc();
    return made;
}
[[gnu::noinline]] void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
    return is_used_up ? nullptr : std::malloc(bytes ? bytes : 1);
}
[[gnu::noinline]] void operator delete(void* what) noexcept {
    std::free(what);
}
[[gnu::noinline]] void operator delete(void* what, std::size_t) noexcept {
    std::free(what);
}

namespace penstock::worker {
namespace {

class used_up_memory {
 public:
    used_up_memory() { is_used_up = true; }
    ~used_up_memory() { is_used_up = false; }
    used_up_memory(const used_up_memory&) = delete;
    used_up_memory& operator=(const used_up_memory&) = delete;
};

constexpr std::size_t num_logits = 5000;
constexpr sampling_params greedy{.temperature = 0}, free_draw{.seed = 1},
    narrow_draw{.top_k = 50, .top_p = 0.9f, .min_p = 0.01f, .seed = 2};

sampling_row row_of(const sampling_params& params, std::uint32_t row) {
    sampling_row made;
    made.row = row;
    made.params = &params;
    made.vocabulary = num_logits;
    made.logprobs = true;
    made.top_logprobs = 20;
    return made;
}

TEST(a_sampler, asks_for_no_memory_once_it_has_its_room) {
    const numbers logits = random_numbers(num_logits, 1, 3);
    for (const sampling_params* params : {&greedy, &free_draw, &narrow_draw}) {
        const sampling_row row = row_of(*params, 0);
        sampled_token wanted, chosen;
        sampler usual, frugal;
        usual.choose(logits, row, wanted);
        frugal.reserve(num_logits);
        chosen.top.reserve(row.top_logprobs);
        {
            const used_up_memory none;
            frugal.choose(logits, row, chosen);
        }
        EXPECT_EQ(chosen.id, wanted.id);
        EXPECT_EQ(chosen.logprob, wanted.logprob);
        EXPECT_EQ(chosen.top.size(), 20u);
    }
}

TEST(sampling, without_memory_throws_to_its_caller_and_goes_on_when_there_is_some) {
    const auto device = open(4);
    numbers logits = random_numbers(4 * num_logits, 1, 3);
    std::vector<sampling_row> rows;
    for (std::uint32_t i = 0; i < 4; ++i)
        rows.push_back(row_of(narrow_draw, i));
    std::vector<sampled_token> chosen(rows.size());
    bool has_thrown = false;
    try {
        const used_up_memory none;
        device->sample(view(logits, num_logits), rows, chosen);
    } catch (const std::bad_alloc&) {
        has_thrown = true;
    }
    EXPECT_TRUE(has_thrown);
    device->sample(view(logits, num_logits), rows, chosen);
    for (const sampled_token& each : chosen)
        EXPECT_EQ(each.top.size(), 20u);
}

}  // namespace
}  // namespace penstock::worker
