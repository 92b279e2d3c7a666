// Clients that leave or do not read, and a worker that stops: no generation outlives its request.
#include "worker/api/running_front.hpp"

namespace penstock::worker::test {
namespace {

script endless(const generation&) {
    script said;
    said.tokens.assign(100'000, 'x');
    return said;
}

enum class leaving : std::uint8_t { fin, rst, half };

void leave(test_client& client, leaving how) {
    if (how == leaving::rst)
        client.reset();
    else if (how == leaving::half)
        client.shut_write();
    else
        client.close();
}

class client_gone : public testing::TestWithParam<std::tuple<leaving, bool>> {
 protected:
    leaving how() const { return std::get<0>(GetParam()); }
    std::string body() const {
        return chat_body(std::get<1>(GetParam()) ? R"("stream":true,"n":2)" : R"("n":2)");
    }
};

TEST_P(client_gone, from_an_answer_aborts_its_generations) {
    running_front front(endless);
    front.speaker().let(3);
    test_client client(front.port());
    client.send(post(chat_path, body()));
    ASSERT_TRUE(eventually([&] { return front.speaker().num_running() == 2; }));
    leave(client, how());
    EXPECT_TRUE(eventually([&] { return front.speaker().num_running() == 0; }));
    EXPECT_EQ(front.speaker().num_aborted(), 2u);
    EXPECT_TRUE(eventually([&] {
        return front.ask(get("/metrics")).body.find(R"(status="499"} 1)") != std::string::npos;
    }));
}

TEST_P(client_gone, before_the_first_token_aborts_as_well) {
    running_front front(endless);
    front.speaker().let(0);
    test_client client(front.port());
    client.send(post(chat_path, body()));
    ASSERT_TRUE(eventually([&] { return front.speaker().num_running() == 2; }));
    leave(client, how());
    EXPECT_TRUE(eventually([&] { return front.speaker().num_running() == 0; }));
}

INSTANTIATE_TEST_SUITE_P(
    by,
    client_gone,
    testing::Combine(
        testing::Values(leaving::fin, leaving::rst, leaving::half), testing::Values(false, true)
    ),
    [](const auto& info) {
        const leaving how = std::get<0>(info.param);
        const std::string name = how == leaving::fin   ? "fin"
                                 : how == leaving::rst ? "rst"
                                                       : "half_close";
        return name + (std::get<1>(info.param) ? "_streamed" : "_whole");
    }
);

TEST(a_stalled_client, loses_its_generation_after_the_stall_timeout) {
    front_options options;
    options.server.stall_timeout = 200ms;
    running_front front(
        [](const generation&) {
            script said;
            said.tokens.assign(300'000, 'x');
            return said;
        },
        options,
        1'000'000
    );
    front.speaker().let(200'000);  // more than sockets hold, less than all
    test_client client(front.port(), 4096);
    client.send(post(chat_path, chat_body(R"("stream":true,"logprobs":true)")));
    ASSERT_TRUE(eventually([&] { return front.speaker().num_running() == 1; }));
    EXPECT_TRUE(eventually([&] { return front.speaker().num_aborted() == 1; }));
}

TEST(a_connection, serves_the_next_request_after_an_answer) {
    running_front front;
    test_client client(front.port());
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(client.exchange(post(chat_path, chat_body())).status, 200);
        EXPECT_EQ(client.exchange(post(chat_path, chat_body(R"("stream":true)"))).status, 200);
        EXPECT_EQ(client.exchange(post(chat_path, "{}")).status, 400);
    }
}

TEST(stopping, lets_answers_end) {
    running_front front;
    front.speaker().let(2);
    test_client client(front.port());
    client.send(post(chat_path, chat_body()));
    ASSERT_TRUE(eventually([&] { return front.speaker().num_running() == 1; }));
    std::thread stopping([&] { front.stop(10s); });
    EXPECT_TRUE(eventually([&] {
        try {
            test_client late(front.port());
            return late.exchange(get("/health")).status != 200;
        } catch (const std::system_error&) {
            return true;
        }
    }));
    front.speaker().let(fake_engine::everything);
    const auto got = client.read_response();
    stopping.join();
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.header("connection"), "close");
}

TEST(stopping, ends_what_takes_too_long_with_an_error) {
    running_front front(endless);
    front.speaker().let(2);
    test_client whole(front.port()), streamed(front.port());
    whole.send(post(chat_path, chat_body()));
    streamed.send(post(chat_path, chat_body(R"("stream":true)")));
    EXPECT_EQ(streamed.read_head().status, 200);
    ASSERT_TRUE(eventually([&] { return front.speaker().num_running() == 2; }));
    front.stop(10ms);
    const auto refused = whole.read_response();
    EXPECT_EQ(refused.status, 503);
    EXPECT_NE(refused.body.find("shutting down"), std::string::npos);
    const std::string rest = streamed.read_rest();
    EXPECT_NE(rest.find("data: {\"error\""), std::string::npos) << rest;
    EXPECT_EQ(rest.find("[DONE]"), std::string::npos);
}

}  // namespace
}  // namespace penstock::worker::test
