// The worker's door on a port of the system's choice, before an engine that says what a test wrote.
#pragma once

#include "penstock/observe/log.hpp"
#include "support/eventually.hpp"
#include "support/test_client.hpp"
#include "worker/api/fake_engine.hpp"
#include "worker/api/front.hpp"
#include "worker/api/tiny_text.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace penstock::worker::test {

namespace json = boost::json;
using namespace std::chrono_literals;
using penstock::test::eventually;
using penstock::test::get;
using penstock::test::post;
using penstock::test::response;
using penstock::test::test_client;

inline constexpr std::string_view chat_path = "/v1/chat/completions";
inline constexpr std::string_view completion_path = "/v1/completions";

// A text, said byte by byte, and the end of the turn.
inline script say(std::string_view text) {
    script said{ids_of(text)};
    said.tokens.push_back(im_end);
    return said;
}

// The same with tokens for what stands between.
inline script say(const std::vector<std::vector<token_id>>& parts) {
    script said;
    for (const auto& each : parts)
        said.tokens.insert(said.tokens.end(), each.begin(), each.end());
    said.tokens.push_back(im_end);
    return said;
}

inline served_model tiny_model() {
    generation_defaults defaults;
    defaults.stop_ids = {end_of_text, im_end};
    served_model model("tiny", tiny_tokenizer(), tiny_template(), defaults);
    model.fingerprint = "fp_test";
    return model;
}

class running_front {
 public:
    explicit running_front(
        fake_engine::author write = [](const generation&) { return say("Hello."); },
        front_options options = {},
        std::uint32_t max_positions = 4096
    )
        : speaker_(std::make_unique<fake_engine>(std::move(write), max_positions)),
          model_(tiny_model()) {
        observe::log::set_level(observe::log::level::error);
        model_.fit(*speaker_);
        if (options.listen.empty()) options.listen = {"127.0.0.1:0"};
        options.service.version = "1.2.3";
        front_ = must(front::open(*speaker_, model_, options));
    }
    ~running_front() {
        if (!stopped_) stop(0s);
        speaker_.reset();  // its tokens go to the door's loop
    }

    // Once.
    void stop(duration drain) {
        front_->stop(drain);
        stopped_ = true;
    }

    std::uint16_t port() const { return front_->port(); }
    fake_engine& speaker() { return *speaker_; }
    front& door() { return *front_; }

    response ask(const std::string& request) const {
        test_client client(port());
        return client.exchange(request);
    }
    // An answer that must be 200.
    json::object answer(std::string_view path, std::string_view body) const {
        const response got = ask(post(path, body));
        EXPECT_EQ(got.status, 200) << got.body;
        if (got.status != 200) return {};
        return json::parse(got.body).as_object();
    }
    // The events of a stream, without its `[DONE]`, which must be the last.
    std::vector<json::object> stream(std::string_view path, std::string_view body) const {
        test_client client(port());
        client.send(post(path, body));
        const response head = client.read_head();
        EXPECT_EQ(head.status, 200);
        return read_events(client);
    }
    static std::vector<json::object> read_events(test_client& client) {
        std::vector<json::object> events;
        bool done = false;
        while (const auto event = client.read_event()) {
            EXPECT_FALSE(done) << "nothing comes behind [DONE]";
            const std::string data = event->text.substr(6, event->text.size() - 8);
            done = data == "[DONE]";
            if (!done) events.push_back(json::parse(data).as_object());
        }
        EXPECT_TRUE(done);
        return events;
    }

 private:
    std::unique_ptr<fake_engine> speaker_;
    served_model model_;
    std::unique_ptr<front> front_;
    bool stopped_ = false;
};

// The body of a chat request, with these members added.
inline std::string chat_body(std::string_view more = "") {
    std::string body = R"({"model":"tiny","messages":[{"role":"user","content":"Hi"}])";
    if (!more.empty()) body += "," + std::string(more);
    return body + "}";
}

inline std::string text_in(const json::value& value) {
    return std::string(value.as_string());
}

inline const json::object& choice_of(const json::object& answer, std::size_t i = 0) {
    return answer.at("choices").at(i).as_object();
}
inline const json::object& message_of(const json::object& answer, std::size_t i = 0) {
    return choice_of(answer, i).at("message").as_object();
}

// What the deltas of one choice say under this name, joined.
inline std::string joined(
    const std::vector<json::object>& events, std::string_view name, std::int64_t index = 0
) {
    std::string text;
    for (const auto& event : events) {
        for (const auto& each : event.at("choices").as_array()) {
            if (each.at("index") != index) continue;
            const auto* delta = each.as_object().if_contains("delta");
            const json::object& from = delta ? delta->as_object() : each.as_object();
            if (const auto* said = from.if_contains(name)) text += said->as_string();
        }
    }
    return text;
}

inline std::string finish_of(const std::vector<json::object>& events, std::int64_t index = 0) {
    std::string why;
    for (const auto& event : events)
        for (const auto& each : event.at("choices").as_array())
            if (each.at("index") == index && each.at("finish_reason").is_string()) {
                EXPECT_EQ(why, "") << "it ends once";
                why = each.at("finish_reason").as_string();
            }
    return why;
}

}  // namespace penstock::worker::test
