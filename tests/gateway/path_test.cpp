// The path from end to end: bytes as they arrive upstream and at the client, and what is left
// behind.
#include "gateway/running_gateway.hpp"

#include <gmock/gmock.h>

namespace penstock::gateway {
namespace {

using testing::HasSubstr;

TEST(path, brings_a_body_upstream_byte_for_byte) {
    scripted_upstream upstream;
    running_gateway g(chat_model(upstream));
    const std::string body =
        "\r\n { \"seed\" : 9007199254740993,\t\"temperature\":1E-07 , \"x\":1,\"x\" :  2,\n"
        R"("messages":[{"role":"user","content":"\u00e9\ud83d\ude00 \/ привет"}],)"
        "\"top_p\":0.10000000000000000555 ,\"x\":[ ],\"model\":\"chat\"  ,\"n\":1 } \n\n";
    const auto answer = g.ask(test::post(chat_path, body));
    EXPECT_EQ(answer.status, 200);
    ASSERT_EQ(upstream.num_requests(), 1u);
    EXPECT_EQ(upstream.requests()[0].body, body);
    EXPECT_EQ(upstream.requests()[0].header("content-length"), std::to_string(body.size()));
    EXPECT_EQ(upstream.requests()[0].target(), chat_path);
}

TEST(path, brings_a_large_body_upstream_byte_for_byte) {
    scripted_upstream upstream;
    running_gateway g(chat_model(upstream));
    std::string text;
    for (int i = 0; text.size() < 3'000'000; ++i)
        text += std::to_string(i) + " ";
    const std::string body =
        R"({"model":"chat","messages":[{"role":"user","content":")" + text + "\"}]}";
    EXPECT_EQ(g.ask(test::post(chat_path, body)).status, 200);
    ASSERT_EQ(upstream.num_requests(), 1u);
    EXPECT_TRUE(upstream.requests()[0].body == body);
}

TEST(path, brings_a_chunked_body_upstream_with_its_length) {
    scripted_upstream upstream;
    running_gateway g(chat_model(upstream));
    const std::string body = chat_body();
    std::string request =
        "POST /v1/chat/completions HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n"
        "Content-Type: application/json\r\n\r\n";
    for (const char c : body)
        request += std::string("1;x=y\r\n") + c + "\r\n";
    request += "0\r\nTrailer: 1\r\n\r\n";
    EXPECT_EQ(g.ask(request).status, 200);
    ASSERT_EQ(upstream.num_requests(), 1u);
    EXPECT_EQ(upstream.requests()[0].body, body);
    EXPECT_EQ(upstream.requests()[0].header("content-length"), std::to_string(body.size()));
    EXPECT_EQ(upstream.requests()[0].header("transfer-encoding"), std::nullopt);
}

TEST(path, brings_an_answer_to_the_client_byte_for_byte) {
    scripted_upstream upstream;
    running_gateway g(chat_model(upstream));
    std::string body = " {\"big\" :9007199254740993,\"e\":1E-07,\"usage\":{\"prompt_tokens\":3}";
    for (int c = 1; c < 256; ++c)
        body += static_cast<char>(c);  // no JSON at all: untouched too
    for (const auto framed :
         {test::framing::sized, test::framing::chunked, test::framing::until_close}) {
        auto scripted = test::json(body);
        scripted.framed = framed;
        upstream.enqueue(scripted);
        const auto answer = g.ask(chat_request());
        EXPECT_EQ(answer.status, 200);
        EXPECT_TRUE(answer.whole);
        EXPECT_EQ(answer.body, body);
        EXPECT_EQ(
            answer.header("content-length"),
            framed == test::framing::sized ? std::optional(std::to_string(body.size()))
                                           : std::nullopt
        );
    }
}

TEST(path, keeps_status_reason_and_headers_of_an_answer) {
    scripted_upstream upstream;
    running_gateway g(chat_model(upstream));
    auto scripted = test::json("{}", 202);
    scripted.headers.emplace_back("X-Engine", "  v1 ");
    scripted.headers.emplace_back("Set-Cookie", "a=1");
    scripted.headers.emplace_back("Set-Cookie", "b=2");
    upstream.enqueue(scripted);
    const auto answer = g.ask(chat_request());
    EXPECT_EQ(test::first_line(answer.head), "HTTP/1.1 202 Scripted");
    EXPECT_EQ(answer.header("x-engine"), "v1");
    EXPECT_EQ(test::num_headers_of(answer.head, "set-cookie"), 2u);
}

TEST(path, serves_an_answer_without_a_body) {
    scripted_upstream upstream;
    running_gateway g(chat_model(upstream));
    test::answer scripted;
    scripted.raw = "HTTP/1.1 204 No Content\r\n\r\n";
    upstream.enqueue(scripted);
    test_client client(g.port());
    EXPECT_EQ(client.exchange(chat_request()).status, 204);
    EXPECT_EQ(client.exchange(chat_request()).status, 200) << "the connection goes on";
}

TEST(path, says_in_one_log_line_what_a_request_was) {
    scripted_upstream upstream([](const auto&) { return test::chat("hi", 11, 13); });
    running_gateway g(chat_model(upstream));
    const auto answer = g.ask(chat_request(R"(,"max_tokens":50)", {{"x-request-id", "mine-1"}}));
    EXPECT_EQ(answer.header("x-request-id"), "mine-1");
    const log_line line = g.log(0);
    EXPECT_EQ(line["request_id"], "mine-1");
    EXPECT_EQ(line["route"], chat_path);
    EXPECT_EQ(line["model"], "chat");
    EXPECT_EQ(line["version"], "chat/default");
    EXPECT_EQ(line["pool"], "chat/default/default");
    EXPECT_EQ(line["replica"], "chat/default/default/r0");
    EXPECT_EQ(line["verdict"], "served");
    EXPECT_EQ(line["reason"], "");
    EXPECT_EQ(line["status"], "200");
    EXPECT_EQ(line["prompt"], "11");
    EXPECT_EQ(line["output"], "13");
    EXPECT_EQ(line["estimated"], "false");
    EXPECT_EQ(line["streamed"], "false");
    EXPECT_EQ(line["max_tokens"], "50");
    EXPECT_EQ(line["attempts"], "1");
    EXPECT_EQ(line["bytes_in"], std::to_string(chat_body(R"(,"max_tokens":50)").size()));
    EXPECT_LE(line.number("t_arrive"), line.number("t_dispatch"));
    EXPECT_LE(line.number("t_dispatch"), line.number("t_first"));
    EXPECT_LE(line.number("t_first"), line.number("t_last"));
    EXPECT_THAT(line.text(), testing::Not(HasSubstr("hello"))) << "no prompt is logged";
}

TEST(path, counts_what_it_served) {
    scripted_upstream upstream([](const auto&) { return test::chat("hi", 11, 13); });
    running_gateway g(chat_model(upstream));
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(g.ask(chat_request()).status, 200);
    ASSERT_TRUE(g.comes_to_rest());
    EXPECT_EQ(
        g.metric(
            R"(penstock_requests_total{route="/v1/chat/completions",model="chat",status="200"})"
        ),
        3
    );
    EXPECT_EQ(g.metric(R"(penstock_tokens_total{model="chat",direction="prompt"})"), 33);
    EXPECT_EQ(g.metric(R"(penstock_tokens_total{model="chat",direction="output"})"), 39);
}

TEST(path, keeps_upstream_connections_for_the_next_request) {
    scripted_upstream upstream;
    running_gateway g("threads: 1\n" + chat_model(upstream));
    ASSERT_TRUE(upstream.wait_for_health_checks(1));
    test_client client(g.port());
    for (int i = 0; i < 20; ++i)
        ASSERT_EQ(client.exchange(chat_request()).status, 200);
    const auto requests = upstream.requests();
    for (const auto& each : requests)
        EXPECT_EQ(each.connection, requests[0].connection);
}

TEST(path, serves_requests_of_every_dialect) {
    scripted_upstream upstream([](const auto&) { return test::json("{}"); });
    running_gateway g(chat_model(upstream));
    const std::vector<std::pair<std::string, std::string>> asked{
        {"/v1/chat/completions", chat_body()},
        {"/v1/completions", R"({"model":"chat","prompt":"a"})"},
        {"/v1/fim/completions", R"({"model":"chat","prompt":"a","suffix":"b"})"},
        {"/v1/embeddings", R"({"model":"chat","input":["a","b"]})"},
        {"/v1/rerank", R"({"model":"chat","query":"a","documents":["b"]})"},
        {"/v2/rerank", R"({"model":"chat","query":"a","documents":["b"]})"},
        {"/rerank", R"({"model":"chat","query":"a","documents":["b"]})"},
        {"/v1/responses", R"({"model":"chat","input":"a"})"},
        {"/v1/messages", R"({"model":"chat","max_tokens":5,"messages":[]})"},
        {"/v1/audio/speech", R"({"model":"chat","input":"a","voice":"b"})"},
        {"/tokenize", R"({"model":"chat","prompt":"a"})"}
    };
    test_client client(g.port());
    for (const auto& [path, body] : asked) {
        EXPECT_EQ(client.exchange(test::post(path, body)).status, 200) << path;
        EXPECT_EQ(upstream.requests().back().target(), path);
        EXPECT_EQ(upstream.requests().back().body, body);
    }
    EXPECT_EQ(upstream.num_requests(), asked.size());
}

TEST(path, serves_azure_paths_and_paths_without_v1) {
    scripted_upstream upstream;
    running_gateway g(chat_model(upstream));
    test_client client(g.port());
    for (const std::string path :
         {"/chat/completions",
          "/openai/deployments/chat/chat/completions?api-version=2024-06-01",
          "/engines/chat/chat/completions"}) {
        EXPECT_EQ(client.exchange(test::post(path, chat_body())).status, 200) << path;
        EXPECT_EQ(upstream.requests().back().target(), chat_path);
    }
    // The path's model counts, whatever the body says.
    const std::string other = R"({"model":"gpt","messages":[]})";
    EXPECT_EQ(
        client.exchange(test::post("/openai/deployments/chat/chat/completions", other)).status, 200
    );
}

TEST(path, passes_a_query_on) {
    scripted_upstream upstream;
    running_gateway g(chat_model(upstream));
    EXPECT_EQ(g.ask(test::post("/v1/chat/completions?beta=true&x=%20y", chat_body())).status, 200);
    EXPECT_EQ(upstream.requests()[0].target(), "/v1/chat/completions?beta=true&x=%20y");
}

TEST(path, passes_a_multipart_body_on_but_for_the_models_name) {
    scripted_upstream upstream([](const auto&) { return test::json(R"({"text":"hi"})"); });
    running_gateway g(chat_model(upstream, ", upstream_model: whisper-large"));
    const auto body_with = [](std::string model) {
        std::string audio = "RIFF";
        for (int c = 0; c < 256; ++c)
            audio += static_cast<char>(c);
        return "--b0\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n" + model +
               "\r\n--b0\r\nContent-Disposition: form-data; name=\"file\"; "
               "filename=\"a.wav\"\r\n\r\n" +
               audio + "\r\n--b0--\r\n";
    };
    const std::string body = body_with("chat");
    const auto answer = g.ask(
        "POST /v1/audio/transcriptions HTTP/1.1\r\nHost: t\r\nContent-Type: multipart/form-data; "
        "boundary=b0\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body
    );
    EXPECT_EQ(answer.status, 200);
    ASSERT_EQ(upstream.num_requests(), 1u);
    EXPECT_EQ(upstream.requests()[0].body, body_with("whisper-large"));
    EXPECT_EQ(upstream.requests()[0].header("content-type"), "multipart/form-data; boundary=b0");
}

TEST(path, serves_a_unix_socket_on_both_sides) {
    const auto folder = std::filesystem::temp_directory_path();
    const std::string id = std::to_string(::getpid());
    const std::string up = folder / ("penstock-up-" + id), down = folder / ("penstock-down-" + id);
    scripted_upstream upstream(up, {});
    running_gateway g("listen: [{address: \"unix:" + down + "\"}]\n" + chat_model(upstream));
    test_client client(down);
    EXPECT_EQ(client.exchange(chat_request()).status, 200);
    EXPECT_EQ(client.exchange(chat_request()).status, 200);
    EXPECT_EQ(upstream.num_requests(), 2u);
    std::filesystem::remove(down);
}

TEST(path, leaves_nothing_behind) {
    scripted_upstream upstream;
    running_gateway g(chat_model({replica_of(upstream, ", slots: 1")}));
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(g.ask(chat_request()).status, 200) << "the permit is back";
    EXPECT_TRUE(g.comes_to_rest());
    EXPECT_EQ(g.metric("penstock_body_bytes_held"), 0);
}

}  // namespace
}  // namespace penstock::gateway
