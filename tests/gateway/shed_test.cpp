// Overload is refused from the head: no byte of the body is asked for.
#include "gateway/running_gateway.hpp"
#include "gateway/scripted_admission.hpp"

#include <gmock/gmock.h>

namespace penstock::gateway {
namespace {

using testing::HasSubstr;

// A head whose body never comes.
std::string head_alone(const headers& lines = {}) {
    std::string text =
        "POST /v1/chat/completions HTTP/1.1\r\nHost: t\r\n"
        "Content-Type: application/json\r\nContent-Length: 1000000\r\n";
    for (const auto& [name, value] : lines)
        text += name + ": " + value + "\r\n";
    return text + "\r\n";
}

const refused overload{
    .reason = errc::wait_too_long, .wait = 7s, .retry_after = std::chrono::milliseconds(5200)
};

// A model without a replica that takes anything, and one that serves.
class shed : public testing::Test {
 protected:
    void start(const std::string& more = {}) {
        g.emplace(
            "threads: 1\n" + more + "models:\n  chat: {replicas: [" +
                replica_of(upstream, ", state: drained") + "]}\n  other: {replicas: [" +
                replica_of(upstream) + "]}\n",
            scripted_by(script)
        );
    }
    // From here on the model is asked whether it sheds.
    void have_one_refused(const headers& lines = {}) {
        ASSERT_EQ(g->ask(chat_request({}, lines)).status, 503);
    }
    test::response ask_head(const headers& lines) const {
        test_client client(g->port());
        return client.exchange(head_alone(lines));
    }
    // Its body is waited for.
    bool is_let_in(const headers& lines) const {
        test_client client(g->port());
        client.send(head_alone(lines));
        return client.is_quiet_for(100ms);
    }

    admission_script script;
    scripted_upstream upstream;
    std::optional<running_gateway> g;
    const headers chat{{"x-penstock-model", "chat"}};
};

TEST_F(shed, is_not_asked_for_while_nobody_was_refused) {
    start();
    script.shed("chat", request_class::realtime, overload);
    script.shed("other", request_class::realtime, overload);
    EXPECT_TRUE(is_let_in(chat));
    EXPECT_TRUE(is_let_in({}));
    EXPECT_EQ(script.num_asked(), 0u);
}

TEST_F(shed, answers_before_the_body_and_says_when_to_come_again) {
    start();
    have_one_refused();
    script.shed("chat", request_class::realtime, overload);
    const auto answer = ask_head(chat);
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer.header("retry-after"), "6");
    EXPECT_EQ(answer.header("retry-after-ms"), "5200");
    EXPECT_EQ(answer.header("x-penstock-shed-reason"), describe(errc::wait_too_long).label);
    EXPECT_EQ(answer.header("x-penstock-predicted-wait-ms"), "7000");
    EXPECT_EQ(answer.header("x-penstock-class"), "realtime");
    EXPECT_EQ(answer.header("connection"), "close") << "the body that may still come is not read";
    const auto line = g->log(1);
    EXPECT_EQ(line["model"], "chat");
    EXPECT_EQ(line["verdict"], "refused");
    EXPECT_EQ(line["wait_pred_ms"], "7000.000");
    EXPECT_EQ(line["bytes_in"], "0");
    EXPECT_EQ(script.arrived().size(), 1u) << "only the first came as far as the queue";
}

TEST_F(shed, takes_the_model_that_the_path_names) {
    start();
    have_one_refused();
    script.shed("chat", request_class::realtime, overload);
    test_client client(g->port());
    const auto answer = client.exchange(
        "POST /openai/deployments/chat/chat/completions HTTP/1.1\r\nHost: t\r\n"
        "Content-Length: 1000000\r\n\r\n"
    );
    EXPECT_EQ(answer.status, 503);
}

TEST_F(shed, lets_a_request_in_that_may_be_for_another_model) {
    start();
    have_one_refused();
    script.shed("chat", request_class::realtime, overload);
    EXPECT_TRUE(is_let_in({})) << "it may be for `other`";
    EXPECT_TRUE(is_let_in({{"x-penstock-model", "nobody"}})) << "404 is for whoever reads the body";
    EXPECT_FALSE(is_let_in(chat));
}

TEST_F(shed, counts_only_models_that_the_key_may_use) {
    start(
        "keys: [{name: a, models: [chat], sha256: "
        "a046e4925c1c5162e2a952bf81b903655ab1b77d52aac4b82b9c4ca26ad5f73e}]\n"  // sk-all
    );
    const headers key{{"x-api-key", "sk-all"}};
    have_one_refused(key);
    script.shed("chat", request_class::realtime, overload);
    script.shed("other", request_class::realtime, overload);
    EXPECT_EQ(ask_head(key).status, 503) << "it may use nothing else";
    EXPECT_TRUE(is_let_in({{"x-api-key", "sk-all"}, {"x-penstock-model", "other"}}))
        << "of a model that the key may not use it hears nothing here";
}

TEST_F(shed, waits_for_the_fallbacks_to_shed_too) {
    const std::string out = "{replicas: [" + replica_of(upstream, ", state: drained") + "]";
    g.emplace(
        "threads: 1\nmodels:\n  chat: " + out + ", fallbacks: [other]}\n  other: " + out + "}\n",
        scripted_by(script)
    );
    have_one_refused();  // by both
    script.shed("chat", request_class::realtime, overload);
    EXPECT_TRUE(is_let_in(chat)) << "`other` may take it";
    EXPECT_FALSE(is_let_in({{"x-penstock-model", "chat"}, {"x-penstock-no-fallback", "1"}}));
    have_one_refused();
    script.shed("other", request_class::realtime, {.reason = errc::queue_full});
    const auto answer = ask_head(chat);
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer.header("x-penstock-shed-reason"), describe(overload.reason).label)
        << "what the named model says";
    script.shed_nothing();
    script.shed("other", request_class::realtime, overload);
    EXPECT_TRUE(is_let_in(chat));
}

TEST_F(shed, does_not_wait_for_a_fallback_that_the_key_may_not_use) {
    const std::string out = "{replicas: [" + replica_of(upstream, ", state: drained") + "]";
    g.emplace(
        "threads: 1\nkeys: [{name: a, models: [chat], sha256: "
        "a046e4925c1c5162e2a952bf81b903655ab1b77d52aac4b82b9c4ca26ad5f73e}]\n"  // sk-all
        "models:\n  chat: " +
            out + ", fallbacks: [other]}\n  other: " + out + "}\n",
        scripted_by(script)
    );
    have_one_refused({{"x-api-key", "sk-all"}});
    script.shed("chat", request_class::realtime, overload);
    EXPECT_FALSE(is_let_in({{"x-penstock-model", "chat"}, {"x-api-key", "sk-all"}}));
}

TEST_F(shed, asks_about_the_pools_that_are_not_reserved_for_others) {
    g.emplace(
        "threads: 1\nmodels:\n  chat:\n    pools:\n"
        "      open: {context: 1k, replicas: [" +
            replica_of(upstream, ", state: drained") +
            "]}\n"
            "      night: {context: 4k, classes: [bulk], replicas: [" +
            replica_of(upstream) + "]}\n",
        scripted_by(script)
    );
    have_one_refused();
    script.shed("chat", request_class::realtime, overload);
    EXPECT_EQ(ask_head(chat).status, 503);
    EXPECT_EQ(script.num_pools(), 1u);
}

TEST_F(shed, lets_in_who_has_more_patience_than_its_class) {
    start();
    have_one_refused();
    script.shed("chat", request_class::realtime, overload);
    EXPECT_EQ(ask_head({chat[0], {"x-slo-ttft-ms", "2000"}}).status, 503);
    EXPECT_TRUE(is_let_in({chat[0], {"x-slo-ttft-ms", "9000"}}));
}

TEST_F(shed, is_of_one_class) {
    start();
    have_one_refused();
    script.shed("chat", request_class::realtime, overload);
    script.shed("chat", request_class::bulk, overload);
    EXPECT_TRUE(is_let_in({{"x-penstock-model", "chat"}, {"x-penstock-class", "bulk"}}))
        << "nobody of this class was refused";
    EXPECT_FALSE(is_let_in(chat));
}

TEST_F(shed, ends_when_the_policy_says_so_and_is_asked_no_more) {
    start();
    have_one_refused();
    script.shed("chat", request_class::realtime, overload);
    EXPECT_EQ(ask_head(chat).status, 503);
    EXPECT_EQ(script.num_asked(), 1u);
    script.shed_nothing();
    EXPECT_TRUE(is_let_in(chat));
    EXPECT_EQ(script.num_asked(), 2u);
    EXPECT_TRUE(is_let_in(chat));
    EXPECT_EQ(script.num_asked(), 2u);
}

TEST_F(shed, does_not_begin_with_one_who_would_not_wait) {
    const allowance allowed = nothing_yet();
    scripted_upstream slow([&](const auto&) { return test::held(test::chat("a"), allowed); });
    g.emplace(chat_model({replica_of(slow, ", slots: 1")}), scripted_by(script));
    script.shed("chat", request_class::realtime, overload);
    test_client holder(g->port());
    holder.send(chat_request());
    ASSERT_TRUE(slow.wait_for_requests(1));
    EXPECT_EQ(g->ask(chat_request({}, {{"x-penstock-no-queue", "1"}})).status, 503);
    EXPECT_TRUE(is_let_in(chat));
    EXPECT_EQ(script.num_asked(), 0u);
    allowed->store(everything);
    EXPECT_EQ(holder.read_response().status, 200);
}

}  // namespace
}  // namespace penstock::gateway
