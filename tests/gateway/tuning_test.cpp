// The numbers that no operator sets decide alike wherever admission is asked: on the path, in what
// is explained, and in the simulator.
#include "gateway/running_gateway.hpp"
#include "policies/catalogue.hpp"
#include "simulator/policies.hpp"

namespace penstock::gateway {
namespace {

using admission::tuning;

constexpr std::size_t leave = 6, wait_on = 10;  // the queue's departures, and who is left then
constexpr auto each_takes = 100ms;
// A request that may wait for so many times what it is predicted to wait.
constexpr double patience_of_it = 1.5;

std::string expected(double optimism) {
    return optimism > patience_of_it ? "wait_too_long" : "queued";
}

// One slot, before which `leave` requests have left a queue in which `wait_on` are left.
class queue_at_a_replica {
 public:
    explicit queue_at_a_replica(make_admission make) : g_(settings(), std::move(make)) {
        for (std::size_t i = 0; i < 1 + leave + wait_on; ++i) {
            clients_.push_back(std::make_unique<test_client>(g_.port()));
            clients_.back()->send(chat_request());
        }
        EXPECT_TRUE(eventually([&] { return g_.log().size() == leave; }));
        EXPECT_TRUE(eventually([&] { return g_.waiting() == wait_on; }));
    }
    ~queue_at_a_replica() {
        allowed_->store(everything);
        for (const auto& each : clients_)
            EXPECT_EQ(each->read_response().status, 200);
        if (one_more_) one_more_->read_response();
    }

    std::string explained(duration ttft) const { return verdict(explain(ttft)); }

    // "queued", or what a 503 says.
    std::string told(duration ttft) {
        one_more_.emplace(g_.port());
        one_more_->send(chat_request(streamed, wish_of(ttft)));
        EXPECT_TRUE(eventually([&] {
            return g_.waiting() == wait_on + 1 || g_.log().size() > leave;
        }));
        if (g_.waiting() == wait_on + 1) return "queued";
        const auto got = std::exchange(one_more_, {})->read_response();
        EXPECT_EQ(got.status, 503);
        EXPECT_TRUE(got.header("retry-after-ms"));
        return got.header("x-penstock-shed-reason").value_or("nothing");
    }

    // Of one that waits for as long as it takes.
    duration predicted_wait() const {
        const auto admit = explain(1min);
        return std::chrono::milliseconds(static_cast<int>(admit.number("wait_ms")));
    }

 private:
    static constexpr std::string_view master = "sk-master-0123456789";

    std::string settings() const {
        return "threads: 1\nadmin: {master_key: " + std::string(master) +
               "}\nclasses: {realtime: {ttft: 30s, timeout: 60s}}\n" +
               chat_model({replica_of(upstream_, ", slots: 1")});
    }
    static headers wish_of(duration ttft) {
        const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(ttft).count();
        return {{"x-slo-ttft-ms", std::to_string(ms)}};
    }
    log_line explain(duration ttft) const {
        const auto [name, value] = wish_of(ttft).front();
        const std::string asked = R"({"body":)" + chat_body(streamed) + R"(,"headers":{")" + name +
                                  R"(":")" + value + R"("}})";
        const auto got = g_.ask(test::post(
            "/admin/explain", asked, {{"Authorization", "Bearer " + std::string(master)}}
        ));
        EXPECT_EQ(got.status, 200) << got.body;
        return log_line(got.body.substr(got.body.find(R"("admit":{)")));
    }
    static std::string verdict(const log_line& admit) {
        return admit["verdict"] == "refused" ? admit["reason"] : admit["verdict"];
    }

    allowance allowed_ = nothing_yet();
    std::atomic<std::size_t> answers_ = 0;
    scripted_upstream upstream_{[this](const auto&) {
        if (answers_++ >= leave) return test::held(test::chat("a"), allowed_);
        auto a = test::chat("a");
        a.before_head = each_takes;
        return a;
    }};
    running_gateway g_;
    std::vector<std::unique_ptr<test_client>> clients_;
    std::optional<test_client> one_more_;
};

// The same queue in virtual time, and one more that comes to it.
std::string simulated(const tuning& how) {
    using simulator::request;
    constexpr std::uint32_t tokens = 10;
    simulator::setup s;
    s.how = how;
    s.spec.pools.push_back({.id = "p", .replicas = {{.id = "p/r", .slots = 1}}});
    s.spec.classes[0] = {.timeout = 60s, .ttft = 30s};
    s.spec.slow_start = {};
    s.engines = {{.iteration = each_takes / tokens, .per_sequence = {}, .prefill = 1e9}};
    s.load.warm_up = {};
    s.load.length = 10s;
    s.load.classes[0].patience = {};
    const request first{.prompt = 50, .output = tokens, .est_prompt = 50, .streamed = false};
    std::vector<request> all(1 + leave + wait_on, first);
    request last = first;
    last.arrived = time_point(leave * each_takes + each_takes / 2);
    // A departure each time that one has been served, until half of one ago.
    const double wait = wait_on * (leave + 0.5) / leave * penstock::seconds(each_takes);
    last.deadline =
        std::chrono::duration_cast<duration>(std::chrono::duration<double>(patience_of_it * wait));
    all.push_back(last);
    s.trace = all;
    const auto run = simulator::run(s, simulator::find_policy("little")->make);
    const simulator::record& r = run.records.back();
    return r.granted && r.dispatched > r.arrived ? "queued"
           : r.granted                           ? "admitted"
                                                 : std::string(describe(r.reason).label);
}

void expect_the_same(queue_at_a_replica& queue, const tuning& how) {
    const duration may_wait = std::chrono::duration_cast<duration>(
        patience_of_it * std::chrono::duration<double>(queue.predicted_wait())
    );
    ASSERT_GT(may_wait, 500ms);
    EXPECT_EQ(queue.explained(may_wait), expected(how.optimism));
    EXPECT_EQ(queue.told(may_wait), expected(how.optimism));
    EXPECT_EQ(simulated(how), expected(how.optimism));
}

// As the gateway's own, but for the numbers.
make_admission admission_by(const tuning& how) {
    return [how] {
        const auto kind = policies::admission_policies.front().name;
        return policies::make_admission(kind, domain_spec{}, io::loop::exact_now(), how);
    };
}

class tuning_of_admission : public testing::TestWithParam<double> {};

TEST_P(tuning_of_admission, decides_alike_on_the_path_in_explanations_and_in_the_simulator) {
    const tuning how{.optimism = GetParam()};
    queue_at_a_replica queue(admission_by(how));
    expect_the_same(queue, how);
}

INSTANTIATE_TEST_SUITE_P(optimism, tuning_of_admission, testing::Values(0.5, 2));

TEST(built_in_tuning, counts_where_nobody_says_another) {
    queue_at_a_replica queue(default_admission());
    expect_the_same(queue, {});
}

}  // namespace
}  // namespace penstock::gateway
