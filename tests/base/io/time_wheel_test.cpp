// The time wheel against the obvious: a table of deadlines.
#include "penstock/io/loop.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <random>
#include <vector>

namespace penstock::io {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr duration tick = time_wheel::tick;
const time_point start = time_point(seconds(1000));

struct ringer final : timed {
    std::function<void(ringer&)> rings;
    int times = 0;
    void on_time() noexcept override {
        EXPECT_EQ(deadline(), never);
        ++times;
        if (rings) rings(*this);
    }
};

TEST(time_wheel, rings_after_the_deadline_and_within_a_tick_of_it) {
    for (const duration wait :
         {duration(0),
          duration(1),
          tick - duration(1),
          tick,
          tick * 7,
          tick * 511,
          tick * 512,
          tick * 1300}) {
        time_wheel wheel(start);
        ringer one;
        wheel.set(one, start + wait);
        for (time_point now = start; now < start + wait; now += tick / 4) {
            wheel.advance(now);
            ASSERT_EQ(one.times, 0) << (now - start).count() << " of " << wait.count();
        }
        wheel.advance(start + wait + tick);
        EXPECT_EQ(one.times, 1) << wait.count();
    }
}

TEST(time_wheel, rings_at_once_for_a_deadline_that_has_passed) {
    time_wheel wheel(start);
    wheel.advance(start + seconds(5));
    ringer one;
    wheel.set(one, start - seconds(100));
    wheel.advance(start + seconds(5) + tick);
    EXPECT_EQ(one.times, 1);
}

TEST(time_wheel, never_rings_for_never) {
    time_wheel wheel(start);
    ringer one;
    wheel.set(one, start + tick);
    wheel.set(one, never);
    wheel.advance(start + seconds(60));
    EXPECT_EQ(one.times, 0);
}

TEST(time_wheel, follows_a_deadline_that_moves_either_way) {
    time_wheel wheel(start);
    ringer one;
    wheel.set(one, start + seconds(20));
    wheel.set(one, start + seconds(1));
    wheel.set(one, start + seconds(2));
    wheel.advance(start + milliseconds(1900));
    EXPECT_EQ(one.times, 0);
    wheel.advance(start + milliseconds(2040));
    EXPECT_EQ(one.times, 1);
    wheel.advance(start + seconds(40));
    EXPECT_EQ(one.times, 1);
}

TEST(time_wheel, lets_who_rings_destroy_clear_and_set_others_of_the_same_tick) {
    time_wheel wheel(start);
    auto destroyed = std::make_unique<ringer>();
    ringer cleared, put_off, first;
    int others = 0;
    const auto act = [&](ringer&) {
        if (++others > 1) return;
        destroyed.reset();
        wheel.clear(cleared);
        wheel.set(put_off, start + seconds(1));
    };
    for (ringer* each : {destroyed.get(), &cleared, &put_off})
        wheel.set(*each, start);
    first.rings = act;
    // The last that was set in a bucket rings first.
    wheel.set(first, start);
    wheel.advance(start + tick);
    EXPECT_EQ(first.times + cleared.times + put_off.times, 1);
    wheel.advance(start + seconds(2));
    EXPECT_EQ(put_off.times, 1);
    EXPECT_EQ(cleared.times, 0);
}

TEST(time_wheel, lets_who_rings_set_itself_again) {
    time_wheel wheel(start);
    ringer one;
    time_point now = start;
    one.rings = [&](ringer& self) { wheel.set(self, now + seconds(1)); };
    wheel.set(one, start);
    for (; now < start + milliseconds(10'500); now += milliseconds(10))
        wheel.advance(now);
    EXPECT_EQ(one.times, 11);
}

// Every deadline rings once, not before its time, and in the first advance that passes the end of
// its tick; whatever is set, cleared, destroyed or skipped in between.
class random_deadlines {
 public:
    explicit random_deadlines(unsigned seed) : random_(seed), wheel_(start) {
        for (auto& each : all_)
            make(each);
    }

    void step() {
        entry& one = all_[below(all_.size())];
        switch (below(8)) {
            case 0:
                wheel_.clear(*one.who);
                one.due = never;
                break;
            case 1:
                make(one);
                break;
            case 2:
            case 3:
                advance();
                break;
            default:
                set(one, now_ + duration(range(-milliseconds(100), milliseconds(300))));
        }
    }

    void jump() {
        set(all_[below(all_.size())], now_ + duration(range(seconds(0), seconds(30))));
        now_ += duration(range(seconds(0), seconds(25)));
        advance();
    }

    void advance() {
        now_ += duration(range(duration(0), milliseconds(50)));
        wheel_.advance(now_);
        for (auto& each : all_) {
            if (each.due == never) continue;
            EXPECT_GT(end_of_tick(std::max(each.due, each.set_at)), now_) << "should have rung";
        }
    }

 private:
    struct entry {
        std::unique_ptr<ringer> who;
        time_point due = never, set_at{};
    };

    std::size_t below(std::size_t n) { return random_() % n; }
    std::int64_t range(duration low, duration high) {
        return std::uniform_int_distribution<std::int64_t>(low.count(), high.count())(random_);
    }
    static time_point end_of_tick(time_point t) { return start + ((t - start) / tick + 1) * tick; }

    void make(entry& one) {
        one.who = std::make_unique<ringer>();
        one.due = never;
        one.who->rings = [this, &one](ringer&) {
            EXPECT_NE(one.due, never) << "rang twice, or after it was cleared";
            EXPECT_LE(one.due, now_) << "rang before its time";
            one.due = never;
        };
    }
    void set(entry& one, time_point when) {
        wheel_.set(*one.who, when);
        EXPECT_EQ(one.who->deadline(), when);
        one.due = when;
        one.set_at = now_;
    }

    std::mt19937 random_;
    time_wheel wheel_;
    time_point now_ = start;
    std::array<entry, 40> all_;
};

TEST(time_wheel, agrees_with_a_table_of_deadlines_under_random_use) {
    for (unsigned seed = 0; seed < 50; ++seed) {
        random_deadlines table(seed);
        for (int i = 0; i < 3000; ++i) {
            if (i % 100 == 99)
                table.jump();
            else
                table.step();
        }
        if (HasFailure()) FAIL() << "seed " << seed;
    }
}

}  // namespace
}  // namespace penstock::io
