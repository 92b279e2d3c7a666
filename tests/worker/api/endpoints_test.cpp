// Routes: what there is, what there is not, and what the worker says about itself.
#include "worker/api/running_front.hpp"

#include <filesystem>
#include <unistd.h>

namespace penstock::worker {

// The engine's sources are not linked here: the fake one has bounds of its own.
std::span<const double> ttft_bounds() noexcept {
    static constexpr double bounds[] = {0.1, 1, 10};
    return bounds;
}

}  // namespace penstock::worker

namespace penstock::worker::test {
namespace {

TEST(routes, that_are_unknown_are_404) {
    running_front front;
    const auto got = front.ask(get("/v1/embeddings"));
    EXPECT_EQ(got.status, 404);
    EXPECT_NE(got.body.find("\"error\""), std::string::npos);
}

TEST(routes, say_which_methods_they_take) {
    running_front front;
    const auto posted = front.ask(get(chat_path));
    EXPECT_EQ(posted.status, 405);
    EXPECT_EQ(posted.header("allow"), "POST");
    const auto got = front.ask(post("/v1/models", "{}"));
    EXPECT_EQ(got.status, 405);
    EXPECT_EQ(got.header("allow"), "GET, HEAD");
}

TEST(routes, give_the_id_of_a_request_back) {
    running_front front;
    EXPECT_EQ(front.ask(get("/health", {{"x-request-id", "r-7"}})).header("x-request-id"), "r-7");
}

TEST(models, are_listed_with_their_context) {
    running_front front;
    const auto list = json::parse(front.ask(get("/v1/models")).body);
    const auto& model = list.at("data").at(0);
    EXPECT_EQ(model.at("id"), "tiny");
    EXPECT_EQ(model.at("root"), "tiny");
    EXPECT_EQ(model.at("max_model_len"), 4096);
    EXPECT_EQ(front.ask(get("/v1/models/tiny")).status, 200);
    EXPECT_EQ(front.ask(get("/v1/models/huge")).status, 404);
}

TEST(health, is_503_once_the_engine_has_failed) {
    running_front front;
    EXPECT_EQ(front.ask(get("/health")).status, 200);
    front.speaker().fail("the device is gone");
    const auto got = front.ask(get("/health"));
    EXPECT_EQ(got.status, 503);
    EXPECT_NE(got.body.find("the device is gone"), std::string::npos);
}

TEST(the_state, has_every_field_of_the_engines) {
    running_front front;
    engine_state state;
    state.bulk.q_tokens_prefill = 77;
    state.prefix_hit_tokens = 5;
    state.ttft_buckets = {1, 2, 3, 3};
    front.speaker().set_state(state);
    const auto said = json::parse(front.ask(get("/internal/state")).body);
    EXPECT_EQ(said.at("bulk").at("q_tokens_prefill"), 77);
    EXPECT_EQ(said.at("prefix_hit_tokens"), 5);
    EXPECT_EQ(said.at("ttft_buckets").as_array().size(), 4u);
    EXPECT_EQ(said.at("ttft_bounds").as_array().size(), 3u);
    EXPECT_EQ(said.at("fingerprint"), "fp_test");
}

TEST(metrics, count_requests_and_show_the_engine) {
    running_front front;
    engine_state state;
    state.realtime.finished = 4;
    state.kv_pages_used = 96;
    state.ttft_buckets = {1, 2, 3, 4};
    state.ttft_seconds_sum = 2.5;
    front.speaker().set_state(state);
    front.answer(chat_path, chat_body());
    front.ask(post(chat_path, "{}"));
    front.ask(get("/nowhere"));
    const auto got = front.ask(get("/metrics"));
    EXPECT_EQ(got.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    for (const char* line : {
             R"(penstock_worker_requests_total{route="/v1/chat/completions",status="200"} 1)",
             R"(penstock_worker_requests_total{route="/v1/chat/completions",status="400"} 1)",
             R"(penstock_worker_requests_total{route="other",status="404"} 1)",
             R"(penstock_worker_generations_total{class="realtime",end="finished"} 4)",
             R"(penstock_worker_kv_pages{state="used"} 96)",
             R"(penstock_worker_kv_pages{state="free"} 4000)",
             R"(penstock_worker_time_to_first_token_seconds_bucket{le="1"} 2)",
             R"(penstock_worker_time_to_first_token_seconds_bucket{le="+Inf"} 4)",
             "penstock_worker_time_to_first_token_seconds_sum 2.5",
             "penstock_worker_up 1",
         })
        EXPECT_NE(got.body.find(line), std::string::npos) << line << "\n" << got.body;
}

TEST(tokenize, gives_the_ids_of_a_text_or_of_a_conversation) {
    running_front front;
    const auto text =
        front.answer("/tokenize", R"({"prompt":"a<|im_end|>","return_token_strs":true})");
    EXPECT_EQ(text.at("tokens"), json::value({97, 258}));
    EXPECT_EQ(text.at("count"), 2);
    EXPECT_EQ(text.at("max_model_len"), 4096);
    EXPECT_EQ(text.at("token_strs"), json::value({"a", "<|im_end|>"}));
    const auto chat = front.answer("/tokenize", chat_body());
    front.answer(chat_path, chat_body());
    const auto prompt = front.speaker().submitted().at(0).prompt;
    EXPECT_EQ(chat.at("tokens"), json::value_from(prompt)) << "the same that is generated from";
}

TEST(detokenize, gives_the_text_of_ids) {
    running_front front;
    const auto got = front.answer("/detokenize", R"({"tokens":[208,175,258,226]})");
    EXPECT_EQ(got.at("prompt"), "Я<|im_end|>\xEF\xBF\xBD");
}

TEST(a_long_text, is_read_beside_the_loop_with_the_same_result) {
    front_options options;
    options.service.in_place_bytes = 100;
    running_front front([](const generation&) { return say("Hello."); }, options, 100'000);
    const std::string text(50'000, 'y');
    const auto got = front.answer("/tokenize", R"({"prompt":")" + text + "\"}");
    EXPECT_EQ(got.at("count"), 50'000);
    const auto answer =
        front.answer(chat_path, R"({"messages":[{"role":"user","content":")" + text + R"("}]})");
    EXPECT_EQ(message_of(answer).at("content"), "Hello.");
    EXPECT_EQ(front.ask(post(chat_path, std::string(200, '['))).status, 400);
}

TEST(a_long_text, is_refused_when_too_many_wait) {
    front_options options;
    options.service.in_place_bytes = 100;
    options.service.max_waiting_texts = 0;
    running_front front([](const generation&) { return say("Hello."); }, options);
    const std::string text(500, 'y');
    EXPECT_EQ(front.ask(post("/tokenize", R"({"prompt":")" + text + "\"}")).status, 503);
    EXPECT_EQ(front.ask(post("/tokenize", R"({"prompt":"y"})")).status, 200);
}

TEST(a_body_over_the_limit, is_413) {
    front_options options;
    options.server.body_bytes = 1000;
    running_front front([](const generation&) { return say("Hello."); }, options);
    EXPECT_EQ(front.ask(post(chat_path, std::string(1001, ' '))).status, 413);
}

TEST(connections_over_the_limit, are_refused_with_503) {
    front_options options;
    options.max_connections = 1;
    running_front front([](const generation&) { return say("Hello."); }, options);
    test_client first(front.port());
    EXPECT_EQ(first.exchange(get("/health")).status, 200);
    test_client second(front.port());
    EXPECT_EQ(second.read_response().status, 503);
}

TEST(a_unix_socket, serves_as_well) {
    const auto path =
        std::filesystem::temp_directory_path() / ("worker-" + std::to_string(getpid()) + ".sock");
    front_options options;
    options.listen = {"unix:" + path.string(), "127.0.0.1:0"};
    running_front front([](const generation&) { return say("Hello."); }, options);
    test_client client(path.string());
    const auto got = client.exchange(post(chat_path, chat_body()));
    EXPECT_EQ(got.status, 200);
    EXPECT_NE(got.body.find("Hello."), std::string::npos);
    EXPECT_NE(front.port(), 0) << "of the first TCP address";
    EXPECT_EQ(front.door().addresses().size(), 2u);
}

TEST(an_address_that_cannot_be_had, is_an_error_with_its_name) {
    running_front taken;
    fake_engine speaker([](const generation&) { return say("x"); });
    const served_model model = tiny_model();
    front_options options;
    options.listen = {"nowhere"};
    EXPECT_NE(
        front::open(speaker, model, options).error().detail.find("nowhere"), std::string::npos
    );
}

TEST(http_1_0, gets_a_stream_that_ends_with_its_connection) {
    running_front front;
    const std::string body = chat_body(R"("stream":true)");
    test_client client(front.port());
    const auto got = client.exchange(
        "POST /v1/chat/completions HTTP/1.0\r\nHost: t\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body
    );
    EXPECT_EQ(got.status, 200);
    EXPECT_FALSE(got.header("transfer-encoding"));
    EXPECT_TRUE(got.body.ends_with("data: [DONE]\n\n")) << got.body;
}

}  // namespace
}  // namespace penstock::worker::test
