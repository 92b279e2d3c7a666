// Routes and addresses: what there is, and what there is not.
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

TEST(routes, give_no_id_back_that_is_not_valid) {
    running_front front;
    for (const std::string& id : {std::string(129, 'r'), std::string("r\xC3\xA9"), std::string()}) {
        const auto got = front.ask(get("/health", {{"x-request-id", id}}));
        EXPECT_EQ(got.status, 200) << id;
        EXPECT_FALSE(got.header("x-request-id")) << id;
    }
    const std::string longest(128, 'r');
    EXPECT_EQ(
        front.ask(get("/health", {{"x-request-id", longest}})).header("x-request-id"), longest
    );
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
    front.stop(0s);
    EXPECT_FALSE(std::filesystem::exists(path)) << "a door that is shut leaves no socket behind";
}

TEST(a_unix_socket, is_left_alone_when_it_is_anothers_by_now) {
    const auto path =
        std::filesystem::temp_directory_path() / ("worker-" + std::to_string(getpid()) + ".sock");
    front_options options;
    options.listen = {"unix:" + path.string()};
    running_front first([](const generation&) { return say("Hello."); }, options);
    std::filesystem::rename(path, path.string() + ".old");
    running_front second([](const generation&) { return say("Hello."); }, options);
    first.stop(0s);
    EXPECT_TRUE(std::filesystem::exists(path));
    test_client client(path.string());
    EXPECT_EQ(client.exchange(get("/health")).status, 200);
    std::filesystem::remove(path.string() + ".old");
}

TEST(a_unix_socket, is_removed_when_another_address_cannot_be_had) {
    const auto path =
        std::filesystem::temp_directory_path() / ("worker-" + std::to_string(getpid()) + ".sock");
    fake_engine speaker([](const generation&) { return say("x"); });
    const served_model model = tiny_model();
    front_options options;
    options.listen = {"unix:" + path.string(), "nowhere"};
    EXPECT_TRUE(front::open(speaker, model, options).has_error());
    EXPECT_FALSE(std::filesystem::exists(path));
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
