// In which order a domain serves those that wait for it on several threads.
#include "gateway/domain_of_threads.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <numeric>
#include <random>

namespace penstock::gateway {
namespace {

using test::eventually;

constexpr std::uint32_t num_loops = 4, num_waiting = 100;

domain_spec one_slot() {
    domain_spec spec = one_replica(1);
    for (class_settings& each : spec.classes)
        each.timeout = 24h;
    return spec;
}

class one_slot_for_many : public testing::Test {
 protected:
    // As many numbers as wait, in an order that nobody would find by itself.
    static std::vector<std::uint32_t> shuffled() {
        std::vector<std::uint32_t> numbers(num_waiting);
        std::iota(numbers.begin(), numbers.end(), 0u);
        std::shuffle(numbers.begin(), numbers.end(), std::mt19937(7));
        return numbers;
    }
    // One tenant, one class, one size.
    work due_at(time_point deadline) const {
        work w = d_.any();
        w.prompt_tokens = 100;
        w.output_expected = 100;
        w.deadline = deadline;
        return w;
    }
    // Has the slot until it is let go, or for a turn of its loop.
    io::task<void> hold(int loop, std::uint32_t number, work w, const std::atomic<bool>* until) {
        io::loop& home = *d_.loops[std::size_t(loop)];
        admission_wait wait(home);
        io::alarm alarm(home);
        d_.shared->arrive(w, wait, now());
        const verdict said = co_await wait;
        if (const auto* yes = std::get_if<granted>(&said)) {
            permit slot(*d_.shared, *yes);
            note(number);
            while (until && !*until)
                co_await alarm.wait_until(now());
            co_await home.turn();
            slot.end(event::completed{.end = ending::served}, now());
        }
        ++over_;
    }
    void begin(int loop, std::uint32_t number, work w, const std::atomic<bool>* until = nullptr) {
        d_.on(loop, [=, this] { return hold(loop, number, w, until); });
    }
    void note(std::uint32_t number) {
        const std::lock_guard held(mutex_);
        served_.push_back(number);
    }
    std::vector<std::uint32_t> served() const {
        const std::lock_guard held(mutex_);
        return served_;
    }

    std::atomic<bool> is_free_ = false;
    std::atomic<std::uint32_t> over_ = 0;

 private:
    mutable std::mutex mutex_;
    std::vector<std::uint32_t> served_;

 protected:
    // Stops its threads before what they use goes.
    domain_of_threads d_{one_slot(), int{num_loops}, {}, "little"};
};

TEST_F(one_slot_for_many, serves_those_of_four_threads_in_order_of_their_deadlines) {
    const time_point soonest = now() + 1h;
    begin(0, num_waiting, due_at(soonest + 10h), &is_free_);
    ASSERT_TRUE(eventually([&] { return served().size() == 1; }));

    // The number is the rank of its deadline.
    const auto numbers = shuffled();
    for (std::uint32_t i = 0; i < num_waiting; ++i)
        begin(int(i % num_loops), numbers[i], due_at(soonest + 1ms * numbers[i]));
    ASSERT_TRUE(eventually([&] { return d_.shared->waiting() == num_waiting; }));
    is_free_ = true;
    ASSERT_TRUE(eventually([&] { return over_ == num_waiting + 1; }));

    std::vector<std::uint32_t> by_deadline{num_waiting};
    for (std::uint32_t i = 0; i < num_waiting; ++i)
        by_deadline.push_back(i);
    EXPECT_EQ(served(), by_deadline);
    EXPECT_EQ(d_.shared->in_flight(), 0u);
    EXPECT_EQ(d_.shared->waiting(), 0u);
}

}  // namespace
}  // namespace penstock::gateway
