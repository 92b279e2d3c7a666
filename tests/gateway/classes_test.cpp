// What a class is promised reaches admission, and a missed promise reaches the engine.
#include "gateway/running_gateway.hpp"
#include "gateway/scripted_admission.hpp"

namespace penstock::gateway {
namespace {

const std::string promises =
    "classes: {realtime: {ttft: 3s, timeout: 5s}, bulk: {ttft: 40s, timeout: 50s}}\n";

// Until its first token, as admission was told; nothing: never.
std::optional<duration> ttft_of(const work& w) {
    if (w.ttft_deadline == never) return std::nullopt;
    return w.ttft_deadline - w.arrived;
}

class classes : public testing::Test {
 protected:
    // What admission hears of a request with these lines.
    std::optional<duration> told(std::string_view more, const headers& lines) {
        EXPECT_EQ(g.ask(chat_request(more, lines)).status, 200);
        return ttft_of(script.arrived().back());
    }
    admission_script script;
    scripted_upstream upstream{[](const test::recorded& request) {
        const bool streams = request.body.find("\"stream\":true") != std::string::npos;
        return streams ? test::chat_stream({"a"}) : test::chat("a");
    }};
    running_gateway g{promises + chat_model(upstream), scripted_by(script)};
};

TEST_F(classes, leave_the_target_to_the_policy_where_a_client_wishes_nothing) {
    EXPECT_EQ(told(streamed, {}), std::nullopt);
    EXPECT_EQ(told({}, {}), std::nullopt);
}

TEST(classes_test, give_streams_until_their_target) {
    const allowance allowed = nothing_yet();
    scripted_upstream slow([&](const auto&) { return test::held(test::chat("a"), allowed); });
    running_gateway g(
        "classes: {realtime: {ttft: 100ms}, bulk: {ttft: 300ms}}\n" +
        chat_model({replica_of(slow, ", slots: 1")})
    );
    test_client first(g.port());
    first.send(chat_request());
    ASSERT_TRUE(slow.wait_for_requests(1));
    for (const auto& [klass, target] : {std::pair{"realtime", 100ms}, std::pair{"bulk", 300ms}}) {
        const auto asked = test::clock::now();
        const auto got = g.ask(chat_request(streamed, {{"x-penstock-class", klass}}));
        EXPECT_EQ(got.status, 503) << klass;
        EXPECT_EQ(got.header("x-penstock-shed-reason"), "too_late");
        EXPECT_GE(test::clock::now() - asked, target);
    }
    allowed->store(everything);
    EXPECT_EQ(first.read_response().status, 200);
}

TEST_F(classes, let_clients_wish_up_to_their_time_out) {
    for (const char* name : {"x-slo-ttft-ms", "x-llm-d-slo-ttft-ms"}) {
        EXPECT_EQ(told(streamed, {{name, "700"}}), 700ms);
        EXPECT_EQ(told(streamed, {{name, "4500"}}), 4500ms);
        EXPECT_EQ(told(streamed, {{name, "60000"}}), 5s);
        EXPECT_EQ(told({}, {{name, "700"}}), 700ms);
    }
}

TEST(classes_target, begins_anew_when_a_replica_has_failed) {
    const auto fails_late = [](const auto&) {
        test::answer a = test::failure(500);
        a.before_head = test::milliseconds(600);
        return a;
    };
    scripted_upstream first(fails_late);
    scripted_upstream second([](const auto&) { return test::chat_stream({"a"}); });
    running_gateway g(
        "classes: {realtime: {ttft: 400ms}}\n" + chat_model({replica_of(first), replica_of(second)})
    );
    EXPECT_EQ(g.ask(chat_request(streamed)).status, 200);
    EXPECT_EQ(first.num_requests(), 1u);
}

TEST_F(classes, are_said_of_every_answer) {
    EXPECT_EQ(g.ask(chat_request()).header("x-penstock-class"), "realtime");
    const headers bulk{{"x-penstock-class", "bulk"}};
    EXPECT_EQ(g.ask(chat_request(streamed, bulk)).header("x-penstock-class"), "bulk");
    EXPECT_EQ(g.ask(test::post(chat_path, "{", bulk)).header("x-penstock-class"), "bulk");
    EXPECT_EQ(g.ask(test::get("/nothing")).header("x-penstock-class"), std::nullopt);
}

TEST_F(classes, come_to_the_policy_as_the_settings_say) {
    // By what it does: a queue without a place.
    const allowance allowed = nothing_yet();
    scripted_upstream slow([&](const auto&) { return test::held(test::chat("a"), allowed); });
    running_gateway full(
        "classes: {bulk: {pending: 0}}\n" + chat_model({replica_of(slow, ", slots: 1")})
    );
    test_client holder(full.port());
    holder.send(chat_request());
    ASSERT_TRUE(slow.wait_for_requests(1));
    const auto answer = full.ask(chat_request({}, {{"x-penstock-class", "bulk"}}));
    EXPECT_EQ(answer.header("x-penstock-shed-reason"), "queue_full");
    allowed->store(everything);
    EXPECT_EQ(holder.read_response().status, 200);
}

// Its first stream takes 60 ms to begin.
struct late_start {
    scripted_upstream upstream{[](const test::recorded& request) {
        test::answer a = test::chat_stream({"a"});
        a.before_head = test::milliseconds(request.header("x-slow") ? 60 : 0);
        return a;
    }};
    explicit late_start(const std::string& more = {})
        : g("threads: 1\n" + more + chat_model(upstream)) {}
    running_gateway g;

    std::optional<std::string> hint_of(std::size_t number) const {
        return upstream.requests().at(number).header("x-slo-hint");
    }
};

TEST(slo_hint, goes_to_a_replica_that_was_late) {
    late_start rig("classes: {realtime: {ttft: 30ms}}\n");
    rig.g.ask(chat_request(streamed, {{"x-slow", "1"}}));
    EXPECT_EQ(rig.hint_of(0), std::nullopt);
    rig.g.ask(chat_request());
    EXPECT_EQ(rig.hint_of(1), "reduce_delta");
}

TEST(slo_hint, goes_to_no_replica_for_what_one_client_wishes) {
    late_start rig;
    rig.g.ask(chat_request(streamed, {{"x-slow", "1"}, {"x-slo-ttft-ms", "30"}}));
    rig.g.ask(chat_request());
    EXPECT_EQ(rig.hint_of(1), std::nullopt);
}

TEST(slo_hint, goes_to_a_replica_that_never_began) {
    scripted_upstream upstream([](const test::recorded& request) {
        return request.number == 0 ? test::silence() : test::chat("a");
    });
    running_gateway g(
        "timeouts: {first_byte: 60ms}\nclasses: {realtime: {ttft: 60ms}}\n" + chat_model(upstream)
    );
    EXPECT_EQ(g.ask(chat_request(streamed)).status, 504);
    EXPECT_EQ(g.ask(chat_request()).status, 200);
    EXPECT_EQ(upstream.requests().at(1).header("x-slo-hint"), "reduce_delta");
}

TEST(slo_hint, goes_to_no_replica_for_what_another_took_too_long_to_fail) {
    scripted_upstream first([](const auto&) {
        test::answer a = test::failure(500);
        a.before_head = test::milliseconds(150);
        return a;
    });
    scripted_upstream second([](const auto&) { return test::chat_stream({"a"}); });
    running_gateway g(
        "threads: 1\nclasses: {realtime: {ttft: 100ms}}\n" +
        chat_model({replica_of(first), replica_of(second)})
    );
    for (int i = 0; i < 2; ++i)
        EXPECT_EQ(g.ask(chat_request(streamed)).status, 200);
    EXPECT_GE(first.num_requests(), 1u);
    ASSERT_EQ(second.num_requests(), 2u);
    EXPECT_EQ(second.requests().at(1).header("x-slo-hint"), std::nullopt);
}

TEST(slo_hint, goes_to_no_replica_that_was_in_time_whatever_a_client_says) {
    late_start rig;
    rig.g.ask(chat_request(streamed, {{"x-slow", "1"}, {"x-slo-hint", "reduce_delta"}}));
    EXPECT_EQ(rig.hint_of(0), std::nullopt) << "the word is the gateway's";
    rig.g.ask(chat_request(streamed));
    EXPECT_EQ(rig.hint_of(1), std::nullopt);
}

}  // namespace
}  // namespace penstock::gateway
