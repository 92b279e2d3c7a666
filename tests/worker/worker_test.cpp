// The whole worker: a folder with a real, tiny model, asked over HTTP.
#include "worker/worker.hpp"

#include "penstock/observe/log.hpp"
#include "support/eventually.hpp"
#include "support/test_client.hpp"
#include "worker/tiny_folder.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <thread>

namespace penstock::worker::test {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using penstock::test::eventually;
using penstock::test::get;
using penstock::test::post;
using penstock::test::response;
using penstock::test::test_client;
using penstock::test::write_text;

constexpr std::string_view chat_path = "/v1/chat/completions";

worker_options options_of(const tiny_folder& folder) {
    observe::log::set_level(observe::log::level::error);
    worker_options options;
    options.model = folder.path();
    options.door.listen = {"127.0.0.1:0"};
    options.device = "cpu";
    options.threads = 1;
    options.engine.kv_bytes = 4 << 20;
    options.drain_timeout = 1s;
    return options;
}

response ask(const worker& w, const std::string& request) {
    test_client client(w.port());
    return client.exchange(request);
}

json::object answer(const worker& w, std::string_view path, std::string_view body) {
    const response got = ask(w, post(path, body));
    EXPECT_EQ(got.status, 200) << got.body;
    if (got.status != 200) return {};
    return json::parse(got.body).as_object();
}

json::object state(const worker& w) {
    return json::parse(ask(w, get("/internal/state")).body).as_object();
}

std::string content_of(const json::object& answer) {
    return std::string(answer.at("choices").at(0).at("message").at("content").as_string());
}

std::string chat(std::string_view text, std::string_view more) {
    return R"({"messages":[{"role":"user","content":")" + std::string(text) + R"("}],)" +
           std::string(more) + "}";
}

TEST(a_worker, answers_from_its_folder) {
    const tiny_folder folder;
    const auto w = must(worker::start(options_of(folder)));
    EXPECT_EQ(ask(*w, get("/health")).status, 200);
    const auto models = json::parse(ask(*w, get("/v1/models")).body);
    EXPECT_EQ(models.at("data").at(0).at("id"), "tiny-model");
    EXPECT_EQ(models.at("data").at(0).at("max_model_len"), 512);
    const auto said = answer(*w, chat_path, chat("Hi", R"("temperature":0,"max_tokens":12)"));
    EXPECT_TRUE(said.at("system_fingerprint").as_string().starts_with("fp_"));
    EXPECT_LE(said.at("usage").at("completion_tokens").as_int64(), 12);
    EXPECT_GT(state(*w).at("steps").as_int64(), 0);
}

TEST(a_worker, says_the_same_streamed_and_whole_and_beside_others) {
    const tiny_folder folder;
    const auto w = must(worker::start(options_of(folder)));
    const std::string how = R"("temperature":0.8,"seed":11,"max_tokens":40,"ignore_eos":true)";
    const std::string alone = content_of(answer(*w, chat_path, chat("Tell me", how)));
    EXPECT_FALSE(alone.empty());
    std::vector<std::thread> others;
    for (int i = 0; i < 6; ++i)
        others.emplace_back([&w, i, &how] {
            answer(*w, chat_path, chat(std::string(std::size_t(20 * i), 'z'), how));
        });
    std::string beside;
    test_client client(w->port());
    client.send(post(chat_path, chat("Tell me", how + R"(,"stream":true)")));
    client.read_head();
    while (const auto event = client.read_event()) {
        if (event->text.starts_with("data: [DONE]")) break;
        const auto parsed = json::parse(event->text.substr(6));
        const auto& delta = parsed.at("choices").at(0).at("delta").as_object();
        if (const auto* some = delta.if_contains("content")) beside += some->as_string();
    }
    for (auto& each : others)
        each.join();
    EXPECT_EQ(alone, beside);
}

TEST(a_worker, finds_the_prefix_of_an_earlier_prompt) {
    const tiny_folder folder;
    const auto w = must(worker::start(options_of(folder)));
    const std::string body =
        chat(std::string(150, 'p'), R"("temperature":0,"max_tokens":4,"ignore_eos":true)");
    const auto first = answer(*w, chat_path, body), second = answer(*w, chat_path, body);
    const auto cached = [](const json::object& of) {
        return of.at("usage").at("prompt_tokens_details").at("cached_tokens").as_int64();
    };
    EXPECT_EQ(cached(first), 0);
    EXPECT_EQ(cached(second), 128) << "two pages of 64";
    EXPECT_EQ(content_of(first), content_of(second));
}

TEST(a_worker, gives_the_pages_of_those_who_left_back) {
    const tiny_folder folder;
    const auto w = must(worker::start(options_of(folder)));
    for (int i = 0; i < 8; ++i) {
        test_client client(w->port());
        const bool stream = i % 2 == 0;
        client.send(post(
            chat_path,
            chat("Hi", stream ? R"("stream":true,"ignore_eos":true)" : R"("ignore_eos":true)")
        ));
        if (stream) client.read_head();
    }
    EXPECT_TRUE(eventually([&] {
        const auto now = state(*w);
        const auto& of = now.at("realtime").as_object();
        return now.at("kv_pages_used") == 0 && of.at("q_len_prefill") == 0 &&
               of.at("q_len_decode") == 0;
    }));
}

TEST(a_worker, promises_other_bits_for_any_other_byte_of_its_folder) {
    const auto fingerprint = [](const std::function<void(const std::filesystem::path&)>& change) {
        const tiny_folder folder;
        change(folder.path());
        const auto w = must(worker::start(options_of(folder)));
        return std::string(state(*w).at("fingerprint").as_string());
    };
    const auto appended = [&](const char* file, const char* text) {
        return fingerprint([&](const auto& folder) {
            std::ofstream(folder / file, std::ios::app) << text;
        });
    };
    const std::string one = fingerprint([](const auto&) {});
    EXPECT_EQ(one, fingerprint([](const auto&) {}));
    const std::string of_weights = fingerprint([](const auto& folder) {
        std::fstream weights(folder / "model.safetensors", std::ios::in | std::ios::out);
        weights.seekg(-4, std::ios::end);  // the least bits of the last number
        const char least = static_cast<char>(weights.get() ^ 1);
        weights.seekp(-4, std::ios::end);
        weights.put(least);
    });
    std::set<std::string> all{one, of_weights};
    for (const char* file :
         {"config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json"})
        all.insert(appended(file, " "));
    all.insert(appended("chat_template.jinja", "{# #}"));
    EXPECT_EQ(all.size(), 7u);
}

TEST(a_worker, without_a_chat_template_serves_completions_alone) {
    const tiny_folder folder;
    std::filesystem::remove(folder.path() / "chat_template.jinja");
    for (const char* config : {R"({"eos_token":"<|im_end|>"})", R"({"chat_template": null})"}) {
        write_text(folder.path() / "tokenizer_config.json", config);
        const auto w = must(worker::start(options_of(folder)));
        EXPECT_EQ(ask(*w, post(chat_path, chat("Hi", R"("n":1)"))).status, 400);
        answer(*w, "/v1/completions", R"({"prompt":"Hi","max_tokens":3})");
    }
}

TEST(a_worker, holds_requests_against_the_bounds_that_it_was_given) {
    const tiny_folder folder;
    auto options = options_of(folder);
    options.requests.max_stops = 1;
    const std::string two = R"("stop":["a","b"],"max_tokens":1)";
    EXPECT_EQ(ask(*must(worker::start(options)), post(chat_path, chat("Hi", two))).status, 400);
    options.requests.max_stops = 2;
    EXPECT_EQ(ask(*must(worker::start(options)), post(chat_path, chat("Hi", two))).status, 200);
    options.chat.steps = 1;
    const response got = ask(*must(worker::start(options)), post(chat_path, chat("Hi", two)));
    EXPECT_EQ(got.status, 400) << "the template may do nothing";
}

TEST(a_worker, stops_while_answers_run) {
    const tiny_folder folder;
    auto options = options_of(folder);
    options.drain_timeout = 0s;
    const auto w = must(worker::start(options));
    test_client client(w->port());
    client.send(post(chat_path, chat("Hi", R"("stream":true,"ignore_eos":true)")));
    client.read_head();
    w->stop();
    client.read_rest();
    EXPECT_THROW(test_client late(w->port()), std::system_error);
}

std::string error_of(const worker_options& options) {
    const auto started = worker::start(options);
    EXPECT_TRUE(started.has_error());
    return started.has_error() ? started.error().detail : "";
}

TEST(a_bad_folder, is_named_with_what_is_wrong) {
    const tiny_folder folder;
    auto options = options_of(folder);
    options.model = "/nonexistent";
    EXPECT_NE(error_of(options).find("/nonexistent"), std::string::npos);

    const auto broken = [](const char* file, const char* text, const char* named) {
        const tiny_folder made;
        if (text)
            write_text(made.path() / file, text);
        else
            std::filesystem::remove(made.path() / file);
        const std::string said = error_of(options_of(made));
        EXPECT_NE(said.find(named), std::string::npos) << file << ": " << said;
    };
    broken("tokenizer.json", nullptr, "tokenizer.json");
    broken("tokenizer.json", "{", "tokenizer.json");
    broken("config.json", nullptr, "config.json");
    broken("config.json", "{}", "config.json");
    broken("model.safetensors", nullptr, "safetensors");
    broken("generation_config.json", R"({"temperature":"hot"})", "temperature");
    broken("chat_template.jinja", "{% if %}", "chat_template.jinja");
}

TEST(a_bad_option, is_named) {
    const tiny_folder folder;
    auto options = options_of(folder);
    options.door.listen = {"nowhere"};
    EXPECT_NE(error_of(options).find("nowhere"), std::string::npos);
    options = options_of(folder);
    options.device = "abacus";
    EXPECT_NE(error_of(options).find("abacus"), std::string::npos);
    options = options_of(folder);
    options.engine.kv_bytes = 1;
    EXPECT_NE(error_of(options).find("kv_bytes"), std::string::npos);
}

}  // namespace
}  // namespace penstock::worker::test
