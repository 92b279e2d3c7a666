// Admission by Little's law before engines that read prompts at a fixed pace: what each tenant and
// class gets.
#include "policies/admission/little.hpp"
#include "policies/admission_driver.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <queue>
#include <random>

namespace penstock::admission {
namespace {

// Two engines that read one prompt after the other and write answers side by side.
constexpr double read_rate = 10'000;  // tokens a second
constexpr duration per_token = 10ms;
constexpr std::uint32_t prompt = 500, answer = 50;
const double capacity = 2 * read_rate / (prompt + tuning{}.prompt_overhead);  // requests a second

class world {
 public:
    explicit world(const domain_spec& spec) : policy(spec, now) {}

    time_point now{1000s};
    little policy;
    std::mt19937_64 random{11};
    std::function<void(const work&, const granted&)> on_grant = [](auto&, auto&) {};
    std::function<void(const work&, duration)> on_first_token = [](auto&, auto) {};

    void at(time_point when, std::function<void()> what) {
        events_.push({when, ++sequence_, std::move(what)});
    }
    void send(work w) {
        w.arrived = now;
        w.prompt_tokens = prompt;
        w.output_expected = answer;
        w.id = ++sequence_;
        const ticket t = policy.arrive(w, now);
        sent_[{t.slot, t.generation}] = w;
    }
    // Arrivals without memory until then; `make` is asked for each.
    void stream_of(double per_second, time_point until, std::function<work()> make) {
        std::exponential_distribution<double> gap{per_second};
        const auto next =
            now + std::chrono::duration_cast<duration>(std::chrono::duration<double>(gap(random)));
        if (next >= until) return;
        at(next, [=, this] {
            send(make());
            stream_of(per_second, until, make);
        });
    }
    void run(time_point until) {
        while (now < until) {
            advance();
            const time_point next = events_.empty() ? until : std::min(events_.top().when, until);
            now = std::max(now, std::min(next, policy.next_wakeup()));
            while (!events_.empty() && events_.top().when <= now) {
                const auto what = events_.top().what;
                events_.pop();
                what();
            }
        }
        advance();
    }

 private:
    struct happening {
        time_point when;
        std::uint64_t sequence;
        std::function<void()> what;
        bool operator<(const happening& o) const {
            return std::pair(o.when, o.sequence) < std::pair(when, sequence);
        }
    };
    void advance() {
        for (bool more = true; more;) {
            verdict_batch batch;
            more = policy.advance(now, batch);
            for (const verdict& v : batch)
                std::visit(
                    [&](const auto& x) {
                        take(sent_.extract({x.who.slot, x.who.generation}).mapped(), x);
                    },
                    v
                );
        }
    }
    void take(const work&, const refused&) {}
    void take(const work& w, const granted& g) {
        on_grant(w, g);
        time_point& busy = busy_until_[g.replica.value];
        const double reading = (prompt + tuning{}.prompt_overhead) / read_rate;
        busy = std::max(busy, now) +
               std::chrono::duration_cast<duration>(std::chrono::duration<double>(reading));
        at(busy, [=, this] {
            if (w.streamed) policy.on(g.who, event::first_byte{}, now);
            on_first_token(w, now - w.arrived);
        });
        at(busy + answer * per_token, [=, this] {
            const usage used{.prompt = prompt, .output = answer, .known = true};
            const event::completed told{used, ending::served, w.streamed};
            policy.on(g.who, told, now);
        });
    }

    std::priority_queue<happening> events_;
    std::uint64_t sequence_ = 0;
    std::map<std::pair<std::uint32_t, std::uint32_t>, work> sent_;
    std::map<std::uint32_t, time_point> busy_until_;
};

domain_spec two_engines() {
    domain_spec spec = spec_of({{32, 32}});
    spec.classes[0] = {.pending = 1000, .timeout = 10s, .ttft = 2s, .tpot = 80ms};
    spec.classes[1] = {.pending = 1000, .timeout = 60s, .ttft = 30s, .tpot = 0s, .floor = 0.1};
    return spec;
}

work streamed(std::uint32_t tenant) {
    work w = work_for({0});
    w.streamed = true;
    w.tenant = {tenant};
    return w;
}

TEST(little, leaves_the_others_their_share_when_one_tenant_sends_most) {
    world w(two_engines());
    std::map<std::uint32_t, double> served;
    w.on_grant = [&](const work& what, const granted&) { ++served[what.tenant.value]; };
    const double seconds = 120, load = 1.5 * capacity;
    for (std::uint32_t t = 0; t < 5; ++t)
        w.stream_of(load * (t == 0 ? 0.6 : 0.1), w.now + 120s, [&w, t] {
            work each = streamed(t);
            each.ttft_deadline = w.now + 2s;
            return each;
        });
    w.run(w.now + 140s);
    // Of their max-min shares: the four ask for less than a fifth each, the first has the rest.
    double sum = 0, squares = 0, total = 0;
    for (std::uint32_t t = 0; t < 5; ++t) {
        const double fair = seconds * (t == 0 ? 0.4 : 0.15) * capacity;
        sum += served[t] / fair;
        squares += served[t] * served[t] / fair / fair;
        total += served[t];
    }
    EXPECT_GE(sum * sum / (5 * squares), 0.95);
    EXPECT_GE(total, 0.93 * seconds * capacity) << "shares of what is not used are no shares";
}

TEST(little, serves_backlogged_tenants_alike_up_to_one_request_of_each) {
    domain_spec spec = spec_of({{1}});
    spec.classes[0].timeout = 1h;
    driver_of<little> d{spec};
    std::mt19937_64 random{5};
    std::map<std::uint32_t, double> served;
    std::map<std::uint32_t, std::uint32_t> tenant_of, size_of;
    double largest = 0, low = 0, high = 0;
    ticket running;
    const auto send = [&](std::uint32_t tenant) {
        work w = streamed(tenant);
        w.prompt_tokens = 1 + static_cast<std::uint32_t>(random() % (tenant == 1 ? 4000 : 300));
        const ticket t = d.arrive(w);
        tenant_of[t.slot] = tenant;
        size_of[t.slot] = w.prompt_tokens;
        largest = std::max<double>(largest, w.prompt_tokens);
    };
    for (int i = 0; i < 20; ++i)
        send(1), send(2);
    for (int step = 0; step < 3000; ++step) {
        for (const verdict& v : d.advance()) {
            const auto* g = std::get_if<granted>(&v);
            ASSERT_TRUE(g);
            running = g->who;
            served[tenant_of[running.slot]] += size_of[running.slot];
            send(tenant_of[running.slot]);
        }
        const double ahead = served[1] - served[2];
        low = std::min(low, ahead);
        high = std::max(high, ahead);
        d.now += 1ms;
        d.end(running);
    }
    EXPECT_LE(high, largest);
    EXPECT_LE(-low, largest);
    EXPECT_GT(served[1], 50 * largest);
}

TEST(little, owes_no_class_for_the_time_when_it_asked_for_nothing) {
    for (const auto early : {request_class::realtime, request_class::bulk}) {
        domain_spec spec = spec_of({{1}});
        spec.classes[1].floor = 0.1;
        for (class_settings& each : spec.classes)
            each.timeout = 1h;
        spec.classes[0].ttft = 0s;  // bulk has its floor alone
        driver_of<little> d{spec};
        const auto send = [&](request_class klass) {
            work w = streamed(1);
            w.prompt_tokens = 1000;
            w.klass = klass;
            w.ttft_deadline = d.now + 1h;
            return d.arrive(w);
        };
        ticket running;
        const auto turn = [&] {
            for (const verdict& v : d.advance())
                running = std::get<granted>(v).who;
            d.end(std::exchange(running, {}));
            d.now += 1ms;
        };
        for (int i = 0; i < 400; ++i) {
            send(early);
            turn();
        }
        int bulk_starts = 0;
        for (int i = 0; i < 50; ++i)
            send(request_class::realtime);
        std::vector<ticket> waits;
        for (int i = 0; i < 50; ++i)
            waits.push_back(send(request_class::bulk));
        for (int i = 0; i < 30; ++i) {
            for (const verdict& v : d.advance())
                running = std::get<granted>(v).who;
            bulk_starts += std::count(waits.begin(), waits.end(), running) > 0;
            d.end(std::exchange(running, {}));
            d.now += 1ms;
        }
        EXPECT_NEAR(bulk_starts, 3, 1) << "a tenth of thirty, whoever was there before";
    }
}

TEST(little, knows_the_pace_of_a_queue_though_many_started_at_once_before) {
    domain_spec spec = spec_of({{1}});
    spec.classes[0].pending = 1000;
    spec.classes[0].timeout = spec.classes[0].ttft = 1h;
    driver_of<little> d{spec};
    for (int i = 0; i < 10'000; ++i) {
        d.run(streamed(1), ending::served);
        d.now += 1ms;
    }
    ticket running = d.start(streamed(1));
    for (int i = 0; i < 100; ++i)
        d.arrive(streamed(1));
    for (int i = 0; i < 10; ++i) {
        d.advance();
        d.now += 1s;
        d.end(running);
        for (const verdict& v : d.advance())
            running = std::get<granted>(v).who;
    }
    work w = streamed(1);
    w.no_queue = true;
    EXPECT_NEAR(seconds(d.refusal_of(d.arrive(w)).wait), 90, 9);
}

TEST(little, answers_in_one_piece_alone_below_capacity_leave_no_backlog) {
    world w(two_engines());
    double sent = 0, in_time = 0;
    w.on_first_token = [&](const work&, duration waited) { in_time += waited <= 2s; };
    w.stream_of(0.7 * capacity, w.now + 120s, [&] {
        ++sent;
        work each = work_for({0});
        each.tenant = {static_cast<std::uint32_t>(sent) % 3};
        return each;
    });
    w.run(w.now + 180s);
    EXPECT_GT(sent, 1000);
    EXPECT_GE(in_time, 0.98 * sent);
    EXPECT_EQ(w.policy.backlog(), 0);
    EXPECT_EQ(w.policy.in_flight(), 0u);
}

}  // namespace
}  // namespace penstock::admission
