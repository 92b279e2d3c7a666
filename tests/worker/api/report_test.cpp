// What the worker says about itself: /health, /internal/state and /metrics, all of each.
#include "worker/api/running_front.hpp"

#include <sstream>
#include <thread>

namespace penstock::worker::test {
namespace {

// No two numbers are equal, nor is one the sum of others by chance: one in another's place shows.
engine_state all_distinct() {
    engine_state state;
    state.realtime = {101, 102, 103, 104, 105, 106, 107};
    state.bulk = {201, 202, 203, 204, 205, 206, 207};
    state.kv_pages_total = 9000;
    state.kv_pages_used = 302;
    state.kv_pages_cached = 1303;
    state.prefix_lookup_tokens = 401;
    state.prefix_hit_tokens = 402;
    state.batch_sequences = 501;
    state.batch_tokens = 502;
    state.steps = 601;
    state.prompt_tokens = 602;
    state.output_tokens = 603;
    state.step_seconds = 0.5;
    state.prefill_tokens_per_second = 701.5;
    state.decode_tokens_per_second = 702.5;
    state.ttft_buckets = {11, 22, 33, 44};
    state.ttft_seconds_sum = 801.5;
    return state;
}

constexpr std::string_view whole_state = R"({
    "model": "tiny", "fingerprint": "fp_test", "max_positions": 4096,
    "realtime": {"q_len_prefill": 101, "q_len_decode": 102, "q_tokens_prefill": 103,
                 "stop": 104, "length": 105, "aborted": 106, "refused": 107},
    "bulk": {"q_len_prefill": 201, "q_len_decode": 202, "q_tokens_prefill": 203,
             "stop": 204, "length": 205, "aborted": 206, "refused": 207},
    "kv_pages_total": 9000, "kv_pages_used": 302, "kv_pages_cached": 1303,
    "prefix_lookup_tokens": 401, "prefix_hit_tokens": 402,
    "batch_sequences": 501, "batch_tokens": 502,
    "steps": 601, "prompt_tokens": 602, "output_tokens": 603,
    "step_seconds": 0.5, "prefill_tokens_per_second": 701.5, "decode_tokens_per_second": 702.5,
    "ttft_seconds_sum": 801.5, "ttft_bounds": [0.1, 1.0, 10.0], "ttft_buckets": [11, 22, 33, 44],
    "failure": ""
})";

constexpr std::string_view whole_page = R"(# TYPE penstock_worker_up gauge
penstock_worker_up 1
# TYPE penstock_worker_q_len_prefill gauge
penstock_worker_q_len_prefill{class="realtime"} 101
penstock_worker_q_len_prefill{class="bulk"} 201
# TYPE penstock_worker_q_len_decode gauge
penstock_worker_q_len_decode{class="realtime"} 102
penstock_worker_q_len_decode{class="bulk"} 202
# TYPE penstock_worker_q_tokens_prefill gauge
penstock_worker_q_tokens_prefill{class="realtime"} 103
penstock_worker_q_tokens_prefill{class="bulk"} 203
# TYPE penstock_worker_generations_total counter
penstock_worker_generations_total{class="realtime",end="stop"} 104
penstock_worker_generations_total{class="realtime",end="length"} 105
penstock_worker_generations_total{class="realtime",end="aborted"} 106
penstock_worker_generations_total{class="realtime",end="refused"} 107
penstock_worker_generations_total{class="bulk",end="stop"} 204
penstock_worker_generations_total{class="bulk",end="length"} 205
penstock_worker_generations_total{class="bulk",end="aborted"} 206
penstock_worker_generations_total{class="bulk",end="refused"} 207
# TYPE penstock_worker_kv_pages gauge
penstock_worker_kv_pages{state="used"} 302
penstock_worker_kv_pages{state="cached"} 1303
penstock_worker_kv_pages{state="free"} 7395
# TYPE penstock_worker_prefix_lookup_tokens_total counter
penstock_worker_prefix_lookup_tokens_total 401
# TYPE penstock_worker_prefix_hit_tokens_total counter
penstock_worker_prefix_hit_tokens_total 402
# TYPE penstock_worker_batch_sequences gauge
penstock_worker_batch_sequences 501
# TYPE penstock_worker_batch_tokens gauge
penstock_worker_batch_tokens 502
# TYPE penstock_worker_step_seconds gauge
penstock_worker_step_seconds 0.5
# TYPE penstock_worker_steps_total counter
penstock_worker_steps_total 601
# TYPE penstock_worker_tokens_total counter
penstock_worker_tokens_total{direction="prompt"} 602
penstock_worker_tokens_total{direction="output"} 603
# TYPE penstock_worker_tokens_per_second gauge
penstock_worker_tokens_per_second{phase="prefill"} 701.5
penstock_worker_tokens_per_second{phase="decode"} 702.5
# TYPE penstock_worker_time_to_first_token_seconds histogram
penstock_worker_time_to_first_token_seconds_count 44
penstock_worker_time_to_first_token_seconds_sum 801.5
penstock_worker_time_to_first_token_seconds_bucket{le="0.1"} 11
penstock_worker_time_to_first_token_seconds_bucket{le="1"} 22
penstock_worker_time_to_first_token_seconds_bucket{le="10"} 33
penstock_worker_time_to_first_token_seconds_bucket{le="+Inf"} 44
# TYPE penstock_worker_requests_total counter
penstock_worker_requests_total{route="/v1/chat/completions",status="200"} 1
penstock_worker_requests_total{route="/v1/chat/completions",status="400"} 2
penstock_worker_requests_total{route="/version",status="200"} 3
penstock_worker_requests_total{route="other",status="404"} 1
# TYPE penstock_worker_info gauge
penstock_worker_info{model="tiny",fingerprint="fp_test",version="1.2.3"} 1
)";

std::string without_help(const std::string& page) {
    std::istringstream in(page);
    std::string out;
    for (std::string line; std::getline(in, line);)
        if (!line.starts_with("# HELP ")) out += line + "\n";
    return out;
}

TEST(the_state, is_every_field_of_the_engines_under_its_name) {
    running_front front;
    front.speaker().set_state(all_distinct());
    const auto got = front.ask(get("/internal/state"));
    EXPECT_EQ(got.header("content-type"), "application/json");
    EXPECT_EQ(json::parse(got.body), json::parse(whole_state)) << got.body;
    front.speaker().fail("the device is gone");
    const auto failed = json::parse(front.ask(get("/internal/state")).body);
    EXPECT_EQ(failed.at("failure"), "the device is gone");
}

TEST(metrics, are_every_number_of_the_engine_and_every_request) {
    running_front front;
    front.answer(chat_path, chat_body());
    front.ask(post(chat_path, "{}"));
    front.ask(post(chat_path, "["));
    for (int i = 0; i < 3; ++i)
        front.ask(get("/version"));
    front.ask(get("/nowhere"));
    front.speaker().set_state(all_distinct());
    const auto got = front.ask(get("/metrics"));
    EXPECT_EQ(got.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    EXPECT_EQ(without_help(got.body), whole_page);
    front.speaker().fail("the device is gone");
    const std::string down = front.ask(get("/metrics")).body;
    EXPECT_NE(down.find("\npenstock_worker_up 0\n"), std::string::npos) << down;
}

TEST(metrics, have_no_free_page_less_than_none) {
    running_front front;
    engine_state state;
    state.kv_pages_total = 5;
    state.kv_pages_used = 4;
    state.kv_pages_cached = 2;
    front.speaker().set_state(state);
    const std::string page = front.ask(get("/metrics")).body;
    EXPECT_NE(page.find("penstock_worker_kv_pages{state=\"free\"} 0\n"), std::string::npos) << page;
}

TEST(version, is_the_programs) {
    running_front front;
    EXPECT_EQ(json::parse(front.ask(get("/version")).body), json::parse(R"({"version":"1.2.3"})"));
}

TEST(health, is_503_once_the_engine_has_failed) {
    running_front front;
    EXPECT_EQ(json::parse(front.ask(get("/health")).body), json::parse(R"({"status":"ok"})"));
    front.speaker().fail("the device is gone");
    const auto got = front.ask(get("/health"));
    EXPECT_EQ(got.status, 503);
    EXPECT_EQ(
        json::parse(got.body), json::parse(R"({"status":"failed","failure":"the device is gone"})")
    );
}

// A drain ends idle connections; one that it has not got to yet is told.
TEST(health, is_503_while_the_worker_drains) {
    fake_engine speaker([](const generation&) { return say("x"); });
    const served_model model = tiny_model();
    gate serving;
    io::loop loop;
    http::body_budget bodies(1 << 20);
    service host(speaker, model, {}, serving, 1);
    http::server server(loop, host, bodies, serving, false);
    io::listener door = must(io::listener::open(must(io::parse_endpoint("127.0.0.1:0")), 8));
    const std::string address = door.bound().text;
    door.accept_on(loop, [&](io::channel client) {
        server.serve(std::move(client), nullptr, serving.enter(1));
    });
    std::thread running([&] { loop.run(); });
    {
        const int port = std::stoi(address.substr(address.rfind(':') + 1));
        test_client client(static_cast<std::uint16_t>(port));
        EXPECT_EQ(client.exchange(get("/health")).status, 200);
        EXPECT_TRUE(eventually([&] { return server.num_idle() == 1; })) << "it is kept";
        serving.close();
        const auto got = client.exchange(get("/health"));
        EXPECT_EQ(got.status, 503);
        EXPECT_EQ(json::parse(got.body), json::parse(R"({"status":"draining"})"));
    }
    EXPECT_TRUE(eventually([&] { return serving.inside() == 0; }));
    loop.post([&] { door.close(); });
    loop.stop();
    running.join();
}

}  // namespace
}  // namespace penstock::worker::test
