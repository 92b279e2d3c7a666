// Cordon, drain and resume over HTTP: who may, what becomes of requests, and how a replica returns.
#include "gateway/running_gateway.hpp"

#include <gmock/gmock.h>

namespace penstock::gateway {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view master = "sk-master-0123456789";
const std::string with_master = "admin: {master_key: " + std::string(master) + "}\n";
const headers by_master{{"Authorization", "Bearer " + std::string(master)}};

std::string path_of(std::string_view replica, std::string_view verb) {
    return "/admin/replicas/chat/default/default/" + std::string(replica) + "/" + std::string(verb);
}

test::response say(
    const running_gateway& g,
    std::string_view replica,
    std::string_view verb,
    headers key = by_master
) {
    return g.ask(test::post(path_of(replica, verb), "", key));
}

std::string list(const running_gateway& g) {
    return g.ask(test::get("/admin/replicas", by_master)).body;
}

// What `GET /admin/replicas` says of one.
std::string state_of(const running_gateway& g, std::string_view replica) {
    const std::string all = list(g);
    const auto at = all.find("default/default/" + std::string(replica) + "\"");
    const std::string key = R"("state":")";
    const auto begin = all.find(key, at) + key.size();
    return at == std::string::npos ? "" : all.substr(begin, all.find('"', begin) - begin);
}

// ── who may ─────────────────────────────────────────────────────────────────────────────────────

TEST(replicas_admin, are_for_the_master_key_alone) {
    scripted_upstream upstream;
    const std::string keys =
        "keys: [{name: a, sha256: "
        "a046e4925c1c5162e2a952bf81b903655ab1b77d52aac4b82b9c4ca26ad5f73e}]\n";  // sk-all
    running_gateway g(with_master + keys + chat_model(upstream));
    EXPECT_EQ(g.ask(test::get("/admin/replicas")).status, 401);
    EXPECT_EQ(say(g, "r0", "cordon", {{"x-api-key", "sk-all"}}).status, 401);
    EXPECT_EQ(say(g, "r0", "cordon", {{"x-api-key", "sk-master-012345678"}}).status, 401);
    EXPECT_EQ(g.ask(chat_request({}, by_master)).status, 401) << "and opens nothing else";
    EXPECT_EQ(g.ask(chat_request({}, {{"x-api-key", "sk-all"}})).status, 200) << "nothing happened";
    EXPECT_EQ(say(g, "r0", "cordon").status, 200);
}

TEST(replicas_admin, are_closed_without_a_master_key) {
    scripted_upstream upstream;
    running_gateway g(chat_model(upstream));
    const auto answer = say(g, "r0", "cordon");
    EXPECT_EQ(answer.status, 403);
    EXPECT_THAT(answer.body, HasSubstr("admin.master_key"));
}

TEST(replicas_admin, are_on_the_admin_listener_only_where_there_is_one) {
    scripted_upstream upstream;
    running_gateway g(
        "admin: {address: \"127.0.0.1:0\", master_key: " + std::string(master) + "}\n" +
        chat_model(upstream)
    );
    EXPECT_EQ(say(g, "r0", "cordon").status, 404);
    test_client admin(g.port(1));
    EXPECT_EQ(admin.exchange(test::get("/admin/replicas")).status, 401)
        << "a key is needed there, too";
    EXPECT_EQ(admin.exchange(test::post(path_of("r0", "cordon"), "", by_master)).status, 200);
}

TEST(replicas_admin, name_a_replica_that_is_not_there) {
    scripted_upstream upstream;
    running_gateway g(with_master + chat_model(upstream));
    const auto answer = say(g, "r7", "drain");
    EXPECT_EQ(answer.status, 404);
    EXPECT_THAT(answer.body, HasSubstr("no replica 'chat/default/default/r7'"));
}

// ── what becomes of requests ────────────────────────────────────────────────────────────────────

TEST(replicas_admin, send_nothing_new_to_a_cordoned_one_which_ends_what_it_has) {
    const allowance allowed = nothing_yet();
    scripted_upstream first([&](const auto&) { return test::held(test::chat("a"), allowed); });
    scripted_upstream second;
    running_gateway g(with_master + chat_model({replica_of(first), replica_of(second)}));
    std::vector<std::unique_ptr<test_client>> running;
    while (first.num_requests() == 0) {
        running.push_back(std::make_unique<test_client>(g.port()));
        running.back()->send(chat_request());
        ASSERT_TRUE(eventually([&] {
            return first.num_requests() + second.num_requests() == running.size();
        }));
    }
    const auto said = say(g, "r0", "cordon");
    EXPECT_THAT(said.body, HasSubstr(R"("state":"cordoned")"));
    EXPECT_THAT(said.body, HasSubstr(R"("in_flight":1)"));
    const std::size_t before = first.num_requests();
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(g.ask(chat_request()).status, 200);
    EXPECT_EQ(first.num_requests(), before);
    allowed->store(everything);
    for (auto& each : running)
        EXPECT_EQ(each->read_response().status, 200);
    EXPECT_EQ(say(g, "r0", "resume").status, 200);
    EXPECT_EQ(state_of(g, "r0"), "ready");
    for (int i = 0; i < 4; ++i)
        g.ask(chat_request());
    EXPECT_GT(first.num_requests(), before) << "back at once, after a short absence";
    EXPECT_TRUE(g.comes_to_rest());
}

TEST(replicas_admin, have_requests_wait_for_a_models_only_one_while_it_is_cordoned) {
    scripted_upstream upstream;
    running_gateway g(with_master + chat_model(upstream));
    say(g, "r0", "cordon");
    test_client waiting(g.port());
    waiting.send(chat_request());
    EXPECT_TRUE(waiting.is_quiet_for(50ms));
    EXPECT_EQ(upstream.num_requests(), 0u);
    say(g, "r0", "resume");
    EXPECT_EQ(waiting.read_response().status, 200);
    EXPECT_TRUE(g.comes_to_rest());
}

TEST(replicas_admin, answer_a_drain_when_the_replica_is_empty) {
    const allowance allowed = nothing_yet();
    scripted_upstream upstream([&](const auto&) { return test::held(test::chat("a"), allowed); });
    running_gateway g(with_master + chat_model(upstream));
    test_client running(g.port());
    running.send(chat_request());
    ASSERT_TRUE(upstream.wait_for_requests(1));
    const auto at_once = say(g, "r0", "drain");
    EXPECT_THAT(at_once.body, HasSubstr(R"("state":"draining")"));
    EXPECT_THAT(at_once.body, HasSubstr(R"("operator":"drained")"));
    const auto too_short = say(g, "r0", "drain?wait=50ms");
    EXPECT_THAT(too_short.body, HasSubstr(R"("in_flight":1)"));
    test_client patient(g.port());
    patient.send(test::post(path_of("r0", "drain?wait=30s"), "", by_master));
    EXPECT_TRUE(patient.is_quiet_for(100ms));
    allowed->store(everything);
    EXPECT_EQ(running.read_response().status, 200);
    const auto empty = patient.read_response();
    EXPECT_THAT(empty.body, HasSubstr(R"("state":"drained")"));
    EXPECT_THAT(empty.body, HasSubstr(R"("in_flight":0)"));
    EXPECT_EQ(g.ask(chat_request()).status, 503);
}

TEST(replicas_admin, take_a_wait_with_its_unit_only) {
    scripted_upstream upstream;
    running_gateway g(with_master + chat_model(upstream));
    for (const char* wrong : {"drain?wait=30", "drain?wait=", "drain?for=30s", "drain?wait=-1s"}) {
        const auto answer = say(g, "r0", wrong);
        EXPECT_EQ(answer.status, 400) << wrong;
        EXPECT_THAT(answer.body, HasSubstr("?wait=30s"));
    }
    EXPECT_EQ(state_of(g, "r0"), "ready") << "nothing was done";
}

TEST(replicas_admin, let_an_operator_who_leaves_wait_no_longer) {
    scripted_upstream upstream([&](const auto&) { return test::silence(); });
    running_gateway g("threads: 1\n" + with_master + chat_model(upstream));
    test_client running(g.port());
    running.send(chat_request());
    ASSERT_TRUE(upstream.wait_for_requests(1));
    {
        test_client patient(g.port());
        patient.send(test::post(path_of("r0", "drain?wait=10m"), "", by_master));
        EXPECT_TRUE(patient.is_quiet_for(50ms));
    }
    EXPECT_TRUE(eventually([&] {
        return g.metric(R"(penstock_connections{side="client",state="open"})") == 1;
    }));
}

// 200 requests, a replica cordoned and resumed among them all the time: each is answered.
TEST(replicas_admin, lose_no_request_under_load) {
    const auto slowly = [](const auto&) {
        test::answer a = test::chat("a");
        a.before_head = test::milliseconds(5);
        return a;
    };
    scripted_upstream first(slowly), second(slowly);
    running_gateway g(
        with_master + "classes: {realtime: {timeout: 1m}}\n" +
        chat_model({replica_of(first, ", slots: 16"), replica_of(second, ", slots: 16")})
    );
    constexpr int num_clients = 200, each_asks = 3;
    std::atomic<int> answered = 0, refused = 0;
    std::vector<std::thread> clients;
    for (int i = 0; i < num_clients; ++i)
        clients.emplace_back([&] {
            test_client client(g.port());
            for (int n = 0; n < each_asks; ++n)
                ++(client.exchange(chat_request()).status == 200 ? answered : refused);
        });
    int rounds = 0;
    for (; answered + refused < num_clients * each_asks; ++rounds) {
        EXPECT_EQ(say(g, "r0", "cordon").status, 200);
        EXPECT_EQ(say(g, "r0", "resume").status, 200);
    }
    for (auto& each : clients)
        each.join();
    EXPECT_EQ(answered, num_clients * each_asks);
    EXPECT_GT(rounds, 1);
    EXPECT_TRUE(g.comes_to_rest());
    EXPECT_EQ(first.num_requests() + second.num_requests(), std::size_t(num_clients * each_asks));
}

// ── settings and words ──────────────────────────────────────────────────────────────────────────

TEST(replicas_admin, keep_an_operators_word_through_a_reload) {
    scripted_upstream first, second;
    const auto settings = [&](std::string_view more) {
        return with_master + chat_model({replica_of(first, more), replica_of(second)});
    };
    running_gateway g(settings(", slots: 3"));
    say(g, "r0", "cordon");
    ASSERT_TRUE(g.reload(settings(", slots: 4")));
    EXPECT_EQ(state_of(g, "r0"), "cordoned");
    say(g, "r0", "resume");
    ASSERT_TRUE(g.reload(settings(", slots: 3")));
    EXPECT_EQ(state_of(g, "r0"), "ready");
}

TEST(replicas_admin, begin_with_the_settings_word_and_take_it_again_when_it_changes) {
    scripted_upstream first, second;
    const auto settings = [&](std::string_view state) {
        return with_master +
               chat_model({replica_of(first, ", state: " + std::string(state)), replica_of(second)}
               );
    };
    running_gateway g(settings("drained"));
    EXPECT_EQ(state_of(g, "r0"), "drained");
    for (int i = 0; i < 4; ++i)
        EXPECT_EQ(g.ask(chat_request()).status, 200);
    EXPECT_EQ(first.num_requests(), 0u);
    say(g, "r0", "resume");
    EXPECT_EQ(state_of(g, "r0"), "ready");
    ASSERT_TRUE(g.reload(settings("drained")));
    EXPECT_EQ(state_of(g, "r0"), "ready") << "the settings say nothing new";
    ASSERT_TRUE(g.reload(settings("cordoned")));
    EXPECT_EQ(state_of(g, "r0"), "cordoned");
    ASSERT_TRUE(g.reload(settings("ready")));
    EXPECT_EQ(state_of(g, "r0"), "ready");
}

// ── coming back ─────────────────────────────────────────────────────────────────────────────────

TEST(replicas_admin, say_dead_of_a_cordoned_one_that_died_and_have_it_warmed_before_it_returns) {
    std::atomic<int> warm_ups = 0;
    scripted_upstream upstream([&](const auto& request) {
        if (request.target() == "/warm") ++warm_ups;
        return test::chat("a");
    });
    running_gateway g(
        with_master + "health: {every: 10ms, slow_start: 1h}\n" +
        chat_model(upstream, ", warmup: {path: /warm, body: \"{}\"}")
    );
    ASSERT_TRUE(eventually([&] { return state_of(g, "r0") == "ready"; }));
    EXPECT_EQ(warm_ups, 1);
    say(g, "r0", "drain");
    upstream.set_health(503);
    ASSERT_TRUE(eventually([&] { return state_of(g, "r0") == "dead"; }));
    upstream.set_health(200);
    ASSERT_TRUE(eventually([&] { return state_of(g, "r0") == "drained"; }));
    EXPECT_EQ(warm_ups, 2) << "a new process, cold as the first was";
    say(g, "r0", "resume");
    EXPECT_EQ(state_of(g, "r0"), "ready");
    EXPECT_THAT(list(g), HasSubstr(R"("slots":1,)")) << "of 64: they come one after the other";
    EXPECT_EQ(g.ask(chat_request()).status, 200);
}

}  // namespace
}  // namespace penstock::gateway
