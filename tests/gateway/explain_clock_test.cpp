// An explanation and the path's own line at the same moment of a clock that a test moves.
#include "gateway/explain/decided.hpp"
#include "gateway/explain/question.hpp"
#include "gateway/request_state.hpp"
#include "gateway/stages/stages.hpp"
#include "gateway/still_parts.hpp"
#include "penstock/observe/log.hpp"

namespace penstock::gateway {
namespace {

const std::string one_slot_each =
    "models: {chat: {replicas: [{url: \"http://127.0.0.1:9\", slots: 1},"
    " {url: \"http://127.0.0.1:10\", slots: 1}]}}\n";

// A request in the path, up to its admission.
struct walk {
    walk(still_parts& parts, std::string_view json, time_point now) : waiting(parts.home) {
        EXPECT_TRUE(read_question(json, *parts.settings, asked).has_value());
        c.emplace(parts.process, parts.settings, asked.head, false, now);
        c->request_id = "the-id";
        EXPECT_TRUE(authenticate(*c).has_value());
        EXPECT_TRUE(take_facts(*c, asked.body).has_value());
        EXPECT_TRUE(limit(*c, now).has_value());
        EXPECT_TRUE(steer(*c).has_value());
    }
    std::string line_at(time_point now) const {
        std::string line;
        observe::log::set_output([&](std::string_view text) { line = text; });
        observe::log::set_level(observe::log::level::debug);
        log_decided(*c, c->model->admission->explain(c->work, now));
        observe::log::set_level(observe::log::level::error);
        observe::log::set_output({});
        return line;
    }
    explain_question asked;
    std::optional<request_state> c;
    admission_wait waiting;
};

// Each replica reads one prompt, so that its speed is known.
void teach(still_parts& parts, std::string_view json) {
    walk first(parts, json, parts.begin), second(parts, json, parts.begin);
    domain& admission = *first.c->model->admission;
    for (walk* each : {&first, &second})
        admission.arrive(each->c->work, each->waiting, parts.begin);
    parts.home.post([&] { parts.home.stop(); });
    parts.home.run();
    duration after_so_long = 250ms;
    for (walk* each : {&first, &second}) {
        ASSERT_TRUE(each->waiting.await_ready());
        const ticket who = std::get<granted>(each->waiting.await_resume()).who;
        const usage used{.prompt = 13'000, .output = 20, .known = true};
        admission.on(who, event::first_byte{}, parts.begin + after_so_long);
        admission.on(
            who,
            event::completed{.used = used, .end = ending::served, .streamed = true},
            parts.begin + after_so_long + 100ms
        );
        after_so_long += 500ms;
    }
}

TEST(explain_under_a_manual_clock, tells_the_numbers_of_the_line_digit_for_digit) {
    still_parts parts(one_slot_each);
    const std::string json = R"({"model":"chat","bytes":54321,"stream":true,"max_tokens":77})";
    std::vector<std::unique_ptr<walk>> in_path;
    std::vector<std::string> verdicts;
    teach(parts, json);
    time_point now = parts.begin + 2s;
    for (int i = 0; i < 4; ++i) {
        now += 137us;
        const auto told = parts.explain_at(json, now);
        ASSERT_TRUE(told.has_value());
        in_path.push_back(std::make_unique<walk>(parts, json, now));
        const log_line line(in_path.back()->line_at(now));
        const log_line read(told.value().substr(told.value().find("\"read\"")));
        const log_line steer(told.value().substr(told.value().find("\"steer\"")));
        const log_line admit(told.value().substr(told.value().find("\"admit\":")));
        for (const char* each : {"prompt_tokens", "prompt_error"})
            EXPECT_EQ(read[each], line[each]) << each;
        for (const char* each : {"version", "pool", "max_tokens", "output_tokens"})
            EXPECT_EQ(steer[each], line[each]) << each;
        for (const char* each :
             {"verdict", "wait_ms", "queued", "pools", "pending_left", "concurrency_left"})
            EXPECT_EQ(admit[each], line[each]) << each;
        if (admit["verdict"] == "admitted") {
            EXPECT_EQ(admit["replica"], line["replica"]);
            EXPECT_EQ(admit["predicted_ttft_ms"], line["predicted_ttft_ms"]);
            EXPECT_GT(line.number("predicted_ttft_ms"), 0) << line.text();
        }
        verdicts.push_back(line["verdict"] + " behind " + line["queued"]);
        auto& c = *in_path.back()->c;
        c.model->admission->arrive(c.work, in_path.back()->waiting, now);
    }
    EXPECT_EQ(
        verdicts,
        (std::vector<std::string>{
            "admitted behind 0", "admitted behind 0", "queued behind 0", "queued behind 1"
        })
    );
}

}  // namespace
}  // namespace penstock::gateway
