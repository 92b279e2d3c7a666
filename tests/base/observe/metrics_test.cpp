// Metrics: what is counted is what is shown, whoever counts and whoever looks meanwhile.
#include "penstock/observe/metrics.hpp"

#include "exposition.hpp"
#include "samples.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace penstock::observe {
namespace {

using namespace std::chrono_literals;
using namespace tests;

const label_map chat{{"model", "chat"}};

TEST(metrics, shows_an_empty_process_as_valid_text) {
    const auto read = parse_exposition(metrics(2).expose({}));
    EXPECT_EQ(read.value("penstock_connections", {{"side", "client"}, {"state", "open"}}), 0);
    EXPECT_EQ(read.value("penstock_handler_exceptions_total", {}), 0);
    EXPECT_TRUE(read.families.at("penstock_requests_total").samples.empty());
}

TEST(metrics, counts_a_served_stream_everywhere_it_belongs) {
    metrics all(1);
    all.of_thread(0).finished(served_stream());
    const auto read = parse_exposition(all.expose({}));
    EXPECT_EQ(
        read.value(
            "penstock_requests_total",
            {{"route", "/v1/chat/completions"}, {"model", "chat"}, {"status", "200"}}
        ),
        1
    );
    const auto tokens = [&](const char* direction) {
        return read.value("penstock_tokens_total", {{"model", "chat"}, {"direction", direction}});
    };
    EXPECT_EQ(tokens("prompt"), 1000);
    EXPECT_EQ(tokens("cached"), 600);
    EXPECT_EQ(tokens("output"), 222);
    const auto wait = label_map{{"model", "chat"}, {"class", "bulk"}};
    EXPECT_DOUBLE_EQ(*read.value("penstock_queue_wait_seconds", wait, "_sum"), 0.0115);
    EXPECT_DOUBLE_EQ(*read.value("penstock_connect_seconds", {}, "_sum"), 0.00031);
    EXPECT_DOUBLE_EQ(*read.value("penstock_time_to_first_byte_seconds", chat, "_sum"), 0.25);
    EXPECT_DOUBLE_EQ(*read.value("penstock_stream_duration_seconds", chat, "_sum"), 2.75);
    EXPECT_DOUBLE_EQ(*read.value("penstock_request_duration_seconds", chat, "_sum"), 3);
    EXPECT_TRUE(read.families.at("penstock_refusals_total").samples.empty());
}

TEST(metrics, puts_a_time_into_the_bucket_that_bounds_it) {
    metrics all(1);
    all.of_thread(0).finished(served_stream());
    const auto read = parse_exposition(all.expose({}));
    const auto below = [&](const char* le) {
        return read.value(
            "penstock_time_to_first_byte_seconds", {{"model", "chat"}, {"le", le}}, "_bucket"
        );
    };
    EXPECT_EQ(below("0.2"), 0);
    EXPECT_EQ(below("0.3"), 1);
    EXPECT_EQ(below("+Inf"), 1);
}

TEST(metrics, learns_no_time_to_first_byte_from_an_unstreamed_answer) {
    metrics all(1);
    auto record = served_stream();
    record.streamed = false;
    all.of_thread(0).finished(record);
    const auto read = parse_exposition(all.expose({}));
    EXPECT_EQ(read.value("penstock_time_to_first_byte_seconds", chat, "_count"), 0);
    EXPECT_EQ(read.value("penstock_stream_duration_seconds", chat, "_count"), 0);
    EXPECT_EQ(read.value("penstock_request_duration_seconds", chat, "_count"), 1);
}

TEST(metrics, counts_a_refusal_by_reason_and_times_nothing_of_it) {
    metrics all(1);
    all.of_thread(0).finished(refused_early());
    auto expired = refused_early();
    expired.end = ending::expired;
    expired.reason = "queue_timeout";
    expired.queue_wait = 10s;
    all.of_thread(0).finished(expired);
    const auto read = parse_exposition(all.expose({}));
    const auto refusals = [&](const char* reason) {
        return read.value("penstock_refusals_total", {{"reason", reason}, {"model", "chat"}});
    };
    EXPECT_EQ(refusals("queue_full"), 1);
    EXPECT_EQ(refusals("queue_timeout"), 1);
    EXPECT_EQ(read.value("penstock_request_duration_seconds", chat, "_count"), 0);
    EXPECT_EQ(read.value("penstock_connect_seconds", {}, "_count"), 0);
    const auto wait = label_map{{"model", "chat"}, {"class", "realtime"}};
    EXPECT_EQ(read.value("penstock_queue_wait_seconds", wait, "_count"), 1)
        << "of the one that waited";
}

TEST(metrics, calls_what_has_no_name_other) {
    metrics all(1);
    all.of_thread(0).finished({.end = ending::upstream_error, .status = 502});
    EXPECT_EQ(
        parse_exposition(all.expose({}))
            .value(
                "penstock_requests_total",
                {{"route", "other"}, {"model", "other"}, {"status", "502"}}
            ),
        1
    );
}

TEST(metrics, adds_threads_up) {
    metrics all(3);
    for (int i = 0; i < 3; ++i) {
        auto& mine = all.of_thread(i);
        mine.finished(served_stream());
        mine.retried("chat", "connection_refused");
        mine.handler_exception();
        thread_metrics::between_chunks(mine.model("chat"), 20ms);
    }
    const auto read = parse_exposition(all.expose({}));
    EXPECT_EQ(read.value("penstock_time_between_chunks_seconds", chat, "_count"), 3);
    EXPECT_EQ(read.value("penstock_handler_exceptions_total", {}), 3);
    EXPECT_EQ(read.value("penstock_request_duration_seconds", chat, "_count"), 3);
    EXPECT_EQ(
        read.value("penstock_retries_total", {{"model", "chat"}, {"reason", "connection_refused"}}),
        3
    );
}

TEST(metrics, finds_the_same_cells_by_the_name_whatever_its_address) {
    metrics all(1);
    auto& mine = all.of_thread(0);
    const std::string copy = "chat";
    EXPECT_EQ(mine.model("chat"), mine.model(copy));
    EXPECT_NE(mine.model("chat"), mine.model("chat2"));
    EXPECT_EQ(mine.model(""), mine.model("other"));
}

TEST(metrics, keeps_a_slot_good_while_many_models_come) {
    metrics all(1);
    auto& mine = all.of_thread(0);
    const model_slot first = mine.model("model-0");
    for (int i = 0; i < 100; ++i)
        mine.model("model-" + std::to_string(i));
    EXPECT_EQ(mine.model("model-0"), first);
    const auto read = parse_exposition(all.expose({}));
    EXPECT_EQ(read.families.at("penstock_requests_in_flight").samples.size(), 100u);
}

TEST(metrics, counts_in_flight_by_receipt) {
    metrics all(2);
    auto& mine = all.of_thread(1);
    const auto read = [&] { return parse_exposition(all.expose({})); };
    {
        const auto request = thread_metrics::in_flight(mine.model("chat"));
        EXPECT_EQ(read().value("penstock_requests_in_flight", chat), 1);
    }
    EXPECT_EQ(read().value("penstock_requests_in_flight", chat), 0);
}

TEST(metrics, bounds_the_label_sets_of_a_family_and_loses_no_count) {
    metrics all(2, {.label_sets_max = 10});
    for (int i = 0; i < 100; ++i) {
        auto record = served_stream();
        const std::string name = "model-" + std::to_string(i);
        record.model = name;
        all.of_thread(i % 2).finished(record);
    }
    const auto read = parse_exposition(all.expose({}));
    const auto& requests = read.families.at("penstock_requests_total").samples;
    double sum = 0;
    for (const auto& [key, value] : requests)
        sum += value;
    EXPECT_EQ(sum, 100);
    EXPECT_EQ(requests.size(), 11u);
    EXPECT_EQ(
        read.value(
            "penstock_requests_total", {{"route", "other"}, {"model", "other"}, {"status", "other"}}
        ),
        90
    );
    EXPECT_EQ(read.families.at("penstock_requests_in_flight").samples.size(), 11u);
}

TEST(metrics, count_what_was_asked_of_the_named_model_and_what_was_done_of_its_fallback) {
    metrics all(1);
    auto& mine = all.of_thread(0);
    request_record r = served_stream();
    r.fell_back_to = "small";
    r.queue_wait = 30ms;
    r.waited_elsewhere = 20ms;
    mine.fell_back("chat", "queue_full", r.klass, 20ms);
    mine.fell_back("chat", "queue_full", r.klass, {});
    mine.finished(r);
    const auto read = parse_exposition(all.expose({}));
    EXPECT_EQ(
        read.value("penstock_fallbacks_total", {{"model", "chat"}, {"reason", "queue_full"}}), 2
    );
    EXPECT_EQ(
        read.value(
            "penstock_requests_total",
            {{"route", "/v1/chat/completions"}, {"model", "chat"}, {"status", "200"}}
        ),
        1
    );
    const label_map small{{"model", "small"}};
    EXPECT_EQ(read.value("penstock_request_duration_seconds", small, "_count"), 1);
    const auto waited = [&](const char* model, const char* suffix) {
        return read
            .value("penstock_queue_wait_seconds", {{"model", model}, {"class", "bulk"}}, suffix)
            .value_or(-1);
    };
    EXPECT_NEAR(waited("chat", "_sum"), 0.02, 1e-9);
    EXPECT_EQ(waited("chat", "_count"), 1) << "of one that did not wait there is nothing to say";
    EXPECT_NEAR(waited("small", "_sum"), 0.01, 1e-9);
}

TEST(metrics, still_counts_a_known_set_once_the_family_is_full) {
    metrics all(1, {.label_sets_max = 1});
    auto& mine = all.of_thread(0);
    mine.retried("chat", "a");
    mine.retried("chat", "b");
    mine.retried("chat", "a");
    const auto read = parse_exposition(all.expose({}));
    EXPECT_EQ(read.value("penstock_retries_total", {{"model", "chat"}, {"reason", "a"}}), 2);
    EXPECT_EQ(read.value("penstock_retries_total", {{"model", "other"}, {"reason", "other"}}), 1);
}

TEST(metrics, shows_replicas_as_they_are) {
    const auto read = parse_exposition(metrics(1).expose(full_input()));
    const auto labels = [](const char* replica, const char* state = nullptr) {
        label_map made{
            {"model", "chat"}, {"version", "v1"}, {"pool", "short"}, {"replica", replica}
        };
        if (state) made["state"] = state;
        return made;
    };
    const char* ready = "10.0.0.1:8000";
    const char* ejected = "10.0.0.2:8000";
    EXPECT_EQ(read.value("penstock_upstream_up", labels(ready)), 1);
    EXPECT_EQ(read.value("penstock_upstream_up", labels(ejected)), 0);
    EXPECT_EQ(read.value("penstock_upstream_state", labels(ready, "ready")), 1);
    EXPECT_EQ(read.value("penstock_upstream_state", labels(ready, "dead")), 0);
    EXPECT_EQ(read.value("penstock_upstream_state", labels(ejected, "ejected")), 1);
    EXPECT_EQ(read.value("penstock_upstream_state", labels(ejected, "ready")), 0);
    EXPECT_EQ(read.value("penstock_upstream_uptime_seconds", labels(ready)), 90);
    EXPECT_EQ(read.value("penstock_upstream_in_flight", labels(ready)), 3);
    EXPECT_EQ(read.value("penstock_upstream_slots", labels(ready)), 64);
    EXPECT_DOUBLE_EQ(*read.value("penstock_upstream_rtt_seconds", labels(ready)), 180e-6);
    EXPECT_FALSE(read.value("penstock_upstream_rtt_seconds", labels(ejected)).has_value());
    EXPECT_EQ(read.value("penstock_worker_up", labels(ready)), 1);
    EXPECT_EQ(read.value("penstock_worker_restarts_total", labels(ready)), 2);
    EXPECT_FALSE(read.value("penstock_worker_up", labels(ejected)).has_value());
}

TEST(metrics, calls_a_ready_replica_with_an_open_breaker_down) {
    auto input = full_input();
    input.replicas[0].breaker_open = true;
    const auto read = parse_exposition(metrics(1).expose(input));
    for (const auto& [key, up] : read.families.at("penstock_upstream_up").samples)
        EXPECT_EQ(up, 0);
}

TEST(metrics, shows_the_facts_of_the_process) {
    metrics all(1);
    all.reloaded(true);
    all.reloaded(true);
    all.reloaded(false);
    const auto read = parse_exposition(all.expose(full_input()));
    EXPECT_EQ(read.value("penstock_queue_waiting", chat), 5);
    EXPECT_EQ(read.value("penstock_domain_lock_wait_seconds", chat, "_count"), 1);
    EXPECT_DOUBLE_EQ(*read.value("penstock_domain_lock_hold_seconds", chat, "_sum"), 400e-9);
    EXPECT_EQ(read.value("penstock_body_bytes_held", {}), 12'345);
    EXPECT_EQ(read.value("penstock_log_lines_dropped_total", {}), 6);
    EXPECT_EQ(read.value("penstock_settings_generation", {}), 7);
    EXPECT_EQ(read.value("penstock_reloads_total", {{"result", "ok"}}), 2);
    EXPECT_EQ(read.value("penstock_reloads_total", {{"result", "error"}}), 1);
    EXPECT_EQ(
        read.value("penstock_build_info", {{"version", "0.1.0"}, {"config_hash", "abc123"}}), 1
    );
}

TEST(metrics, escapes_what_a_name_may_hold) {
    metrics all(1);
    const std::string odd = "a\"b\\c\nd";
    const auto request = thread_metrics::in_flight(all.of_thread(0).model(odd));
    EXPECT_EQ(
        parse_exposition(all.expose({})).value("penstock_requests_in_flight", {{"model", odd}}), 1
    );
}

// Four threads count, each with label sets of its own, while this one looks again and again.
TEST(metrics, is_consistent_while_others_count) {
    constexpr int num_threads = 4, num_requests = 1000;
    metrics all(num_threads);
    std::atomic<int> running = num_threads;
    std::vector<std::thread> threads;
    for (int i = 0; i < num_threads; ++i)
        threads.emplace_back([&all, &running, i] {
            auto& mine = all.of_thread(i);
            for (int n = 0; n < num_requests; ++n) {
                auto record = served_stream();
                const std::string name = "model-" + std::to_string(n % (4 + i));
                record.model = name;
                const auto slot = mine.model(name);
                const auto request = thread_metrics::in_flight(slot);
                thread_metrics::between_chunks(slot, std::chrono::microseconds(n));
                mine.finished(record);
            }
            running.fetch_sub(1);
        });
    double before = 0;
    do {
        const auto read = parse_exposition(all.expose(full_input()));
        double sum = 0;
        for (const auto& [key, value] : read.families.at("penstock_requests_total").samples)
            sum += value;
        EXPECT_GE(sum, before);
        before = sum;
    } while (running.load() > 0);
    for (auto& thread : threads)
        thread.join();
    const auto read = parse_exposition(all.expose({}));
    double requests = 0, chunks = 0;
    for (const auto& [key, value] : read.families.at("penstock_requests_total").samples)
        requests += value;
    for (const auto& [key, value] :
         read.families.at("penstock_time_between_chunks_seconds").samples)
        if (key.first.ends_with("_count")) chunks += value;
    EXPECT_EQ(requests, num_threads * num_requests);
    EXPECT_EQ(chunks, num_threads * num_requests);
    for (const auto& [key, value] : read.families.at("penstock_requests_in_flight").samples)
        EXPECT_EQ(value, 0);
}

}  // namespace
}  // namespace penstock::observe
