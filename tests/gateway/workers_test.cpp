// Bundled workers that start, die and come back, as clients and operators see it.
#include "gateway/workers_rig.hpp"

#include <gmock/gmock.h>

#include <sys/stat.h>

namespace penstock::gateway {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(workers, get_no_request_before_they_answer_a_probe) {
    const model_folder model("ready_after 300\n");
    const running_gateway gateway(one_worker(model));
    EXPECT_TRUE(is_in_state(gateway, "starting"));
    EXPECT_EQ(gateway.metric(series("penstock_worker_up")), 0);
    EXPECT_EQ(gateway.ask(chat_request({}, {{"x-penstock-no-queue", "1"}})).status, 503);
    const auto waited = gateway.ask(chat_request());
    EXPECT_EQ(content_of(waited), std::to_string(model.pid())) << "it comes, so one waits for it";
    EXPECT_TRUE(is_in_state(gateway, "ready"));
    EXPECT_EQ(gateway.metric(series("penstock_worker_up")), 1);
    EXPECT_EQ(restarts(gateway), 0);
}

TEST(workers, are_told_what_the_settings_say) {
    const model_folder model;
    const running_gateway gateway(one_worker(
        model,
        ", device: cpu, threads: 3, text_threads: 2, max_batch: 7, max_step_tokens: 1k, "
        "max_positions: 4k, max_waiting: 9, max_choices: 5, kv_memory: 2Mi, prefix_cache: false, "
        "bulk_reserve: 25%, max_bulk_age: 1500ms"
    ));
    ASSERT_TRUE(becomes(gateway, "ready"));
    ASSERT_EQ(model.starts().size(), 1u);
    const std::string started = model.starts().front();
    EXPECT_THAT(started, HasSubstr(" --model " + model.path() + " --listen unix:/"));
    EXPECT_THAT(
        started,
        HasSubstr(" --served-name chat --device cpu --threads 3 --text-threads 2 "
                  "--max-sequences 7 --max-step-tokens 1024 --max-positions 4096 --max-waiting 9 "
                  "--max-choices 5 --kv-bytes 2097152 --bulk-reserve 0.25 --max-bulk-age 1.5 ")
    );
    EXPECT_THAT(started, HasSubstr(" --lifeline 3 --no-prefix-cache"));
    EXPECT_EQ(gateway.metric(series("penstock_upstream_slots")), 7)
        << "what it runs in one batch is what it gets at once";
}

// What passes the gateway must not be refused by its own worker, which has limits, too.
TEST(workers, take_what_the_gateway_lets_through_and_what_it_adds) {
    const model_folder model;
    const running_gateway gateway(
        one_worker(model, ", max_batch: 2, max_waiting: 10") +
        "threads: 3\n"
        "limits: {body: 64Mi, bodies: 128Mi, upstream_idle: 5}\n"
    );
    ASSERT_TRUE(becomes(gateway, "ready"));
    constexpr std::uint64_t mib = 1024 * 1024;
    const std::string body = std::to_string(64 * mib + 4096);
    const std::string bodies = std::to_string(128 * mib + 2 * 4096);
    const std::string connections = std::to_string(2 + 2 * 10 + 3 * 5 + 64);
    EXPECT_THAT(
        model.starts().front(),
        HasSubstr(
            " --body-bytes " + body + " --bodies-bytes " + bodies + " --max-connections " +
            connections + " "
        )
    );
    EXPECT_THAT(model.starts().front(), Not(HasSubstr("--no-prefix-cache")));
}

TEST(workers, are_restarted_with_growing_waits_until_they_can_start) {
    const model_folder model("die 3\n");
    const captured_log log;
    const running_gateway gateway(one_worker(model));
    captured_log::open();
    ASSERT_TRUE(log.wait_for("worker_died", 5));
    EXPECT_FALSE(is_in_state(gateway, "ready"));
    EXPECT_GE(restarts(gateway), 5);
    const auto deaths = log.of("worker_died");
    EXPECT_EQ(deaths[0]["how"], "status 3");
    EXPECT_EQ(deaths.back()["restart_in_ms"], "80") << "it grows to the longest wait";

    model.act("");
    ASSERT_TRUE(becomes(gateway, "ready"));
    EXPECT_EQ(gateway.ask(chat_request()).status, 200);
}

TEST(workers, that_were_killed_in_mid_stream_end_it_with_an_error_event_and_come_back) {
    const model_folder model("pause 20\nwords 5000\n");
    const running_gateway gateway(one_worker(model));
    ASSERT_TRUE(becomes(gateway, "ready"));
    test_client client(gateway.port());
    client.send(chat_request(streamed));
    EXPECT_EQ(client.read_head().status, 200);
    ASSERT_TRUE(client.read_event());
    const std::string victim = model.kill_worker();
    EXPECT_THAT(client.read_rest(), HasSubstr("\"error\""));
    EXPECT_EQ(gateway.log(0)["verdict"], "upstream_error");
    ASSERT_TRUE(model.wait_for_starts(2));
    const std::string answered_by = content_of(gateway.ask(chat_request()));
    EXPECT_EQ(answered_by, std::to_string(model.pid()));
    EXPECT_NE(answered_by, victim);
    EXPECT_EQ(restarts(gateway), 1);
    EXPECT_TRUE(gateway.comes_to_rest());
}

TEST(workers, that_die_are_out_of_admission_at_once_and_others_go_on) {
    const model_folder model;
    scripted_upstream other([](const auto&) { return test::chat("other"); });
    const running_gateway gateway(
        with_workers("restart: {first: 1h, most: 1h}") +
        chat_model({worker_of(model), replica_of(other)})
    );
    ASSERT_TRUE(becomes(gateway, "ready"));
    model.kill_worker();
    ASSERT_TRUE(becomes(gateway, "dead"));
    EXPECT_EQ(gateway.metric(series("penstock_worker_up")), 0);
    for (int i = 0; i < 4; ++i) {
        const auto answered = gateway.ask(chat_request());
        EXPECT_EQ(content_of(answered), "other");
        EXPECT_EQ(gateway.log(static_cast<std::size_t>(i))["attempts"], "1");
    }
}

// Nothing of its answer had come.
TEST(workers, that_die_over_a_request_lose_it_to_another_replica) {
    const model_folder model("think 3600000\n");
    scripted_upstream other([](const auto&) { return test::chat("other"); });
    const running_gateway gateway(
        with_workers("restart: {first: 1h, most: 1h}") +
        chat_model({worker_of(model), replica_of(other, ", slots: 1")}) + "retry: {budget: 100%}\n"
    );
    ASSERT_TRUE(becomes(gateway, "ready"));
    // Both are free and equally loaded: asked twice, one request is at the worker.
    std::vector<std::unique_ptr<test_client>> clients;
    for (int i = 0; i < 2; ++i) {
        clients.push_back(std::make_unique<test_client>(gateway.port()));
        clients.back()->send(chat_request());
    }
    ASSERT_TRUE(eventually([&] {
        return gateway.metric(series("penstock_upstream_in_flight")) == 1 &&
               other.num_requests() == 1;
    }));
    model.kill_worker();
    for (auto& client : clients)
        EXPECT_EQ(content_of(client->read_response()), "other");
    EXPECT_TRUE(gateway.comes_to_rest());
}

TEST(workers, that_are_not_ready_in_time_are_killed_and_tried_again) {
    const model_folder model("ready_after 3600000\n");
    const captured_log log;
    const running_gateway gateway(
        with_workers("start: 50ms, restart: {first: 10ms, most: 10ms}") +
        chat_model({worker_of(model)})
    );
    captured_log::open();
    ASSERT_TRUE(log.wait_for("worker_not_ready"));
    ASSERT_TRUE(log.wait_for("worker_died"));
    EXPECT_EQ(log.of("worker_died")[0]["how"], "signal 9");
    ASSERT_TRUE(model.wait_for_starts(3));
    model.act("");
    EXPECT_TRUE(becomes(gateway, "ready"));
}

TEST(workers, say_their_lines_in_the_gateways_log_however_long_they_are) {
    const model_folder model("say loading \"weights\"\nsay_long 1000\n");
    const captured_log log;
    const running_gateway gateway(
        with_workers("log_line: 400, restart: {first: 10ms, most: 10ms}") +
        chat_model({worker_of(model)})
    );
    ASSERT_TRUE(becomes(gateway, "ready"));
    captured_log::open();
    model.kill_worker();
    ASSERT_TRUE(log.wait_for("worker_said", 5));
    const auto said = log.of("worker_said");
    for (const auto& line : said)
        EXPECT_EQ(line["replica"], "chat/default/default/r0");
    EXPECT_THAT(said[0].text(), HasSubstr(R"("line":"loading \"weights\"")"));
    EXPECT_EQ(said[1]["line"], std::string(400, 'x'));
    EXPECT_EQ(said[2]["line"], std::string(400, 'x'));
    EXPECT_EQ(said[3]["line"], std::string(200, 'x'));
    EXPECT_TRUE(said[4]["line"].starts_with("ready unix:/")) << said[4].text();
}

TEST(workers, whose_program_is_gone_after_a_good_life_are_not_tried_again_and_again) {
    const model_folder model;
    const std::string program = model.path() + "/program";
    std::filesystem::copy_file(fake_worker(), program);
    const captured_log log;
    const running_gateway gateway(
        "worker: {program: \"" + program +
        "\", restart: {first: 10ms, most: 1h, reset_after: 0s}}\n" + chat_model({worker_of(model)})
    );
    ASSERT_TRUE(becomes(gateway, "ready"));
    captured_log::open();
    std::filesystem::remove(program);
    model.kill_worker();
    ASSERT_TRUE(log.wait_for("worker_died", 4));
    std::vector<std::string> waits;
    for (const auto& death : log.of("worker_died"))
        waits.push_back(death["restart_in_ms"]);
    waits.resize(4);
    EXPECT_THAT(waits, testing::ElementsAre("10", "20", "40", "80"));
    EXPECT_THAT(log.of("worker_died")[1]["how"], HasSubstr("No such file"));
}

TEST(workers, without_a_program_keep_the_gateway_from_starting) {
    const model_folder model;
    const std::string yaml = chat_model({worker_of(model)});
    gateway serving(settings_for_test(yaml, ""));
    const auto started = serving.start();
    ASSERT_TRUE(started.has_error());
    EXPECT_THAT(started.error().detail, HasSubstr("no program "));
    EXPECT_THAT(started.error().detail, HasSubstr("/penstock-worker; install it there"));
}

// A file that may be executed but cannot be.
TEST(workers, whose_program_cannot_run_are_dead_and_the_rest_serves) {
    const model_folder model;
    const std::string program = model.path() + "/program";
    std::ofstream(program) << "\177ELF, but no more";
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    scripted_upstream other([](const auto&) { return test::chat("other"); });
    const running_gateway gateway(
        "worker: {program: \"" + program + "\"}\n" +
        chat_model({worker_of(model), replica_of(other)})
    );
    ASSERT_TRUE(becomes(gateway, "dead"));
    EXPECT_EQ(content_of(gateway.ask(chat_request())), "other");
}

// ── the gateway's end ───────────────────────────────────────────────────────────────────────────

TEST(workers, are_stopped_when_the_requests_of_a_drain_have_ended) {
    const model_folder model("pause 20\nwords 20\n");
    running_gateway gateway(one_worker(model));
    ASSERT_TRUE(becomes(gateway, "ready"));
    test_client client(gateway.port());
    client.send(chat_request(streamed));
    ASSERT_EQ(client.read_head().status, 200);
    ASSERT_TRUE(client.read_event());
    std::thread draining([&] { gateway->drain(30s); });
    EXPECT_THAT(client.read_rest(), HasSubstr("data: [DONE]"));
    client.close();
    draining.join();
    EXPECT_FALSE(is_alive(model.pid()));
    EXPECT_EQ(model.starts().size(), 1u) << "and not started again";
}

TEST(workers, that_do_not_heed_sigterm_are_killed) {
    const model_folder model("ignore_term 1\n");
    {
        const running_gateway gateway(with_workers("stop: 50ms") + chat_model({worker_of(model)}));
        ASSERT_TRUE(becomes(gateway, "ready"));
        EXPECT_TRUE(is_alive(model.pid()));
    }
    EXPECT_FALSE(is_alive(model.pid()));
}

TEST(workers, leave_no_folder_behind) {
    const model_folder model;
    std::string folder;
    {
        const running_gateway gateway(one_worker(model));
        ASSERT_TRUE(becomes(gateway, "ready"));
        const std::string start = model.starts().front();
        const auto begin = start.find("unix:") + 5;
        folder = start.substr(begin, start.find("/1.sock") - begin);
        struct stat found{};
        ASSERT_EQ(::stat(folder.c_str(), &found), 0) << folder;
        EXPECT_EQ(found.st_mode & 0777, 0700u);
    }
    EXPECT_FALSE(std::filesystem::exists(folder));
}

}  // namespace
}  // namespace penstock::gateway
