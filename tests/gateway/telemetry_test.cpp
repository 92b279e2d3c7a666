// Engines' figures reach admission; an engine that has none is left alone.
#include "gateway/running_gateway.hpp"
#include "gateway/scripted_admission.hpp"

namespace penstock::gateway {
namespace {

constexpr std::string_view figures =
    "# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running{engine=\"0\"} 3.0\n"
    "vllm:num_requests_waiting{engine=\"0\"} 0.0\n";

// Answers /metrics with what it is told to, and counts how often it was asked.
struct engine {
    std::atomic<int> num_asked = 0;
    std::atomic<bool> has_figures = true;
    scripted_upstream upstream{[this](const test::recorded& request) {
        if (request.target() != "/metrics") return test::chat("a");
        ++num_asked;
        return has_figures ? test::json(std::string(figures)) : test::failure(404);
    }};
};

TEST(telemetry, tells_admission_what_an_engine_says_and_what_it_does_not) {
    engine e;
    admission_script script;
    running_gateway g(
        "health: {scrape: {every: 20ms}}\n" + chat_model(e.upstream), scripted_by(script)
    );
    ASSERT_TRUE(eventually([&] { return script.scraped().size() >= 3; })) << "again and again";
    EXPECT_EQ(script.scraped()[0].running, 3);
    EXPECT_EQ(script.scraped()[0].waiting, 0);
    EXPECT_EQ(script.scraped()[0].kv_used, -1);
    EXPECT_EQ(g.ask(chat_request()).status, 200);
}

TEST(telemetry, asks_an_engine_without_figures_once_each_time_it_comes_up) {
    engine e;
    e.has_figures = false;
    admission_script script;
    running_gateway g(
        "health: {every: 10ms, scrape: {every: 10ms}}\n" + chat_model(e.upstream),
        scripted_by(script)
    );
    ASSERT_TRUE(eventually([&] { return e.num_asked == 1; }));
    ASSERT_TRUE(e.upstream.wait_for_health_checks(e.upstream.num_health_checks() + 10));
    EXPECT_EQ(e.num_asked, 1) << "though ten probes have gone by";
    e.upstream.set_health(503);
    ASSERT_TRUE(eventually([&] {
        return g.ask(test::get("/health")).body.find("\"dead\"") != std::string::npos;
    }));
    e.has_figures = true;
    e.upstream.set_health(200);
    EXPECT_TRUE(eventually([&] { return script.scraped().size() >= 2; }))
        << "another engine, perhaps";
}

TEST(telemetry, never_asks_when_it_is_told_not_to_and_begins_with_a_reload) {
    engine e;
    admission_script script;
    const auto settings = [&](std::string_view every) {
        return "health: {every: 10ms, scrape: {timeout: 400ms, every: " + std::string(every) +
               "}}\n" + chat_model(e.upstream);
    };
    running_gateway g(settings("0s"), scripted_by(script));
    ASSERT_TRUE(e.upstream.wait_for_health_checks(5));
    EXPECT_EQ(e.num_asked, 0);
    ASSERT_TRUE(g.reload(settings("10ms")));
    EXPECT_TRUE(eventually([&] { return script.scraped().size() >= 2; }));
}

TEST(telemetry, holds_nothing_up_when_an_engine_never_answers) {
    scripted_upstream upstream([](const test::recorded& request) {
        return request.target() == "/metrics" ? test::silence() : test::chat("a");
    });
    running_gateway g(
        "health: {every: 10ms, scrape: {every: 10ms, timeout: 10ms}}\n" + chat_model(upstream)
    );
    ASSERT_TRUE(upstream.wait_for_requests(2)) << "it is asked again";
    EXPECT_EQ(g.ask(chat_request()).status, 200);
    EXPECT_TRUE(upstream.wait_for_health_checks(upstream.num_health_checks() + 3));
    EXPECT_EQ(g.ask(test::get("/health")).body.find("dead"), std::string::npos);
}

}  // namespace
}  // namespace penstock::gateway
