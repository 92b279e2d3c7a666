// Bundled workers through reloads.
#include "gateway/workers_rig.hpp"

#include <gmock/gmock.h>

namespace penstock::gateway {
namespace {

using testing::HasSubstr;

// A stream of the worker that goes on until the worker is gone.
class endless_stream {
 public:
    explicit endless_stream(const running_gateway& gateway) : client_(gateway.port()) {
        client_.send(chat_request(streamed));
        EXPECT_EQ(client_.read_head().status, 200);
        EXPECT_TRUE(client_.read_event());
    }
    std::string rest() { return client_.read_rest(); }
    void leave() { client_.close(); }

 private:
    test_client client_;
};

// The settings with a second model.
std::string beside(const scripted_upstream& other, const std::string& chat) {
    const std::string head = "models: {";
    const auto at = chat.find(head);
    return chat.substr(0, at + head.size()) + "second: {replicas: [" + replica_of(other) + "]}, " +
           chat.substr(at + head.size());
}

TEST(workers_reload, leaves_a_worker_alone_whose_settings_stay) {
    const model_folder model;
    scripted_upstream other;
    running_gateway gateway(one_worker(model));
    ASSERT_TRUE(becomes(gateway, "ready"));
    const pid_t before = model.pid();
    ASSERT_TRUE(gateway.reload(
        beside(other, with_workers("stop: 1s, log_line: 64") + chat_model({worker_of(model)}))
    ));
    EXPECT_EQ(gateway.metric("penstock_settings_generation"), 2);
    EXPECT_TRUE(is_in_state(gateway, "ready")) << "at no time was it anything else";
    EXPECT_EQ(content_of(gateway.ask(chat_request())), std::to_string(before));
    EXPECT_EQ(model.starts().size(), 1u);
}

TEST(workers_reload, ends_the_requests_of_a_removed_worker_before_it_stops_it) {
    const model_folder model("pause 20\nwords 25\n");
    const scripted_upstream other;
    running_gateway gateway(one_worker(model));
    ASSERT_TRUE(becomes(gateway, "ready"));
    endless_stream stream(gateway);
    ASSERT_TRUE(gateway.reload(chat_model(other)));
    EXPECT_EQ(content_of(gateway.ask(chat_request())), "hello") << "nothing new gets there";
    EXPECT_TRUE(is_alive(model.pid()));
    EXPECT_THAT(stream.rest(), HasSubstr("data: [DONE]"));
    EXPECT_TRUE(eventually([&] { return !is_alive(model.pid()); }));
    EXPECT_EQ(model.starts().size(), 1u);
}

TEST(workers_reload, starts_a_changed_worker_anew_once_its_requests_have_ended) {
    const model_folder model("pause 20\nwords 25\n");
    running_gateway gateway(one_worker(model));
    ASSERT_TRUE(becomes(gateway, "ready"));
    const pid_t before = model.pid();
    endless_stream stream(gateway);
    ASSERT_TRUE(gateway.reload(one_worker(model, ", max_batch: 3")));
    ASSERT_TRUE(becomes(gateway, "starting"));
    const std::string at_once = chat_request({}, {{"x-penstock-no-queue", "1"}});
    EXPECT_EQ(gateway.ask(at_once).status, 503) << "nothing new gets to the old one";
    EXPECT_TRUE(is_alive(before));
    EXPECT_THAT(stream.rest(), HasSubstr("data: [DONE]"));

    ASSERT_TRUE(model.wait_for_starts(2));
    ASSERT_TRUE(becomes(gateway, "ready"));
    EXPECT_FALSE(is_alive(before)) << "never two at once: the device has room for one";
    EXPECT_THAT(model.starts().back(), HasSubstr("--max-sequences 3"));
    EXPECT_EQ(content_of(gateway.ask(chat_request())), std::to_string(model.pid()));
    EXPECT_EQ(gateway.metric(series("penstock_upstream_slots")), 3);
    EXPECT_EQ(restarts(gateway), 0) << "it did not die";
}

TEST(workers_reload, ends_a_removed_workers_requests_at_the_deadline_of_a_drain) {
    const model_folder model("pause 20\nwords 5000\n");
    const scripted_upstream other;
    running_gateway gateway(one_worker(model));
    ASSERT_TRUE(becomes(gateway, "ready"));
    endless_stream stream(gateway);
    ASSERT_TRUE(gateway.reload(chat_model(other) + "timeouts: {drain: 100ms}\n"));
    EXPECT_THAT(stream.rest(), HasSubstr("\"error\""));
    EXPECT_TRUE(eventually([&] { return !is_alive(model.pid()); }));
    EXPECT_TRUE(gateway.comes_to_rest());
}

TEST(workers_reload, keeps_the_process_of_a_worker_that_is_put_back_before_it_was_stopped) {
    const model_folder model("pause 20\nwords 5000\n");
    const scripted_upstream other;
    running_gateway gateway(one_worker(model));
    ASSERT_TRUE(becomes(gateway, "ready"));
    endless_stream stream(gateway);
    ASSERT_TRUE(gateway.reload(chat_model(other)));
    ASSERT_TRUE(eventually([&] { return gateway.metric(series("penstock_worker_up")) == -1; }));
    ASSERT_TRUE(gateway.reload(one_worker(model)));
    ASSERT_TRUE(becomes(gateway, "ready"));
    EXPECT_EQ(content_of(gateway.ask(chat_request())), std::to_string(model.pid()));
    EXPECT_EQ(model.starts().size(), 1u);
    stream.leave();
}

TEST(workers_reload, starts_one_that_is_added_and_is_refused_without_a_program) {
    const model_folder model;
    scripted_upstream other([](const auto&) { return test::chat("other"); });
    running_gateway gateway(chat_model(other));
    EXPECT_FALSE(gateway.reload(chat_model({worker_of(model)})));
    EXPECT_EQ(content_of(gateway.ask(chat_request())), "other");
    ASSERT_TRUE(gateway.reload(one_worker(model)));
    ASSERT_TRUE(becomes(gateway, "ready"));
    EXPECT_EQ(content_of(gateway.ask(chat_request())), std::to_string(model.pid()));
}

// Whoever shortens the wait, or repairs what kept a worker from starting, need not wait it out.
TEST(workers_reload, starts_a_dead_worker_at_once_when_its_settings_change) {
    const model_folder model("die 1\n");
    const std::string patient = with_workers("restart: {first: 1h, most: 1h}");
    running_gateway gateway(patient + chat_model({worker_of(model)}));
    ASSERT_TRUE(becomes(gateway, "dead"));
    model.act("");
    ASSERT_TRUE(gateway.reload(patient + chat_model({worker_of(model, ", threads: 1")})));
    EXPECT_TRUE(becomes(gateway, "ready"));
}

}  // namespace
}  // namespace penstock::gateway
