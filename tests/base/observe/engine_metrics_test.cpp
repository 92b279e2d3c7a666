// Engines' own figures, in the words of each engine.
#include "penstock/observe/engine_metrics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace penstock::observe {
namespace {

TEST(engine_metrics, are_read_of_vllm) {
    const auto got = read_engine_metrics(
        "# HELP vllm:num_requests_running Number of requests in model execution batches.\n"
        "# TYPE vllm:num_requests_running gauge\n"
        "vllm:num_requests_running{engine=\"0\",model_name=\"Qwen/Qwen2.5\"} 3.0\n"
        "vllm:num_requests_running{engine=\"1\",model_name=\"Qwen/Qwen2.5\"} 4.0\n"
        "vllm:num_requests_waiting{engine=\"0\",model_name=\"Qwen/Qwen2.5\"} 0.0\n"
        "vllm:kv_cache_usage_perc{engine=\"0\"} 0.25\n"
        "vllm:kv_cache_usage_perc{engine=\"1\"} 0.75\n"
        "vllm:num_preemptions_total{engine=\"0\"} 2.0\n"
        "vllm:num_preemptions_created{engine=\"0\"} 1.7e+09\n"
        "vllm:cache_config_info{block_size=\"16\",cache_dtype=\"auto\",engine=\"0\","
        "num_cpu_blocks=\"None\",num_gpu_blocks=\"1000\"} 1.0\n"
        "vllm:cache_config_info{block_size=\"16\",engine=\"1\",num_gpu_blocks=\"1000\"} 1.0\n"
        "vllm:time_to_first_token_seconds_bucket{le=\"0.001\"} 0.0\n"
    );
    EXPECT_EQ(got.running, 7);
    EXPECT_EQ(got.waiting, 0) << "which is said, and not left out";
    EXPECT_EQ(got.kv_used, 0.75);
    EXPECT_EQ(got.preemptions, 2);
    EXPECT_EQ(got.kv_tokens, 32'000);
    EXPECT_EQ(got.max_running, -1);
}

TEST(engine_metrics, are_read_of_the_others) {
    const auto sglang = read_engine_metrics(
        "sglang:num_running_reqs{model_name=\"m\"} 5\nsglang:num_queue_reqs{model_name=\"m\"} 6\n"
        "sglang:token_usage{model_name=\"m\"} 0.5\n"
        "sglang:cache_config_info{num_pages=\"20\",page_size=\"64\"} 1\n"
    );
    EXPECT_EQ(sglang.running, 5);
    EXPECT_EQ(sglang.waiting, 6);
    EXPECT_EQ(sglang.kv_used, 0.5);
    EXPECT_EQ(sglang.kv_tokens, 1280);
    EXPECT_EQ(sglang.preemptions, -1);

    const auto tgi = read_engine_metrics(
        "tgi_queue_size 1\ntgi_batch_current_size 2\ntgi_batch_current_max_tokens 4096\n"
    );
    EXPECT_EQ(tgi.running, 2);
    EXPECT_EQ(tgi.waiting, 1);
    EXPECT_EQ(tgi.kv_used, -1) << "tokens are no share";

    const auto llama =
        read_engine_metrics("llamacpp:requests_processing 3\nllamacpp:requests_deferred 4");
    EXPECT_EQ(llama.running, 3);
    EXPECT_EQ(llama.waiting, 4) << "the last line needs no end";

    const auto triton = read_engine_metrics(
        "nv_inference_pending_request_count{model=\"llm\",version=\"1\"} 9\n"
        "nv_trt_llm_request_metrics{model=\"llm\",request_type=\"waiting\",version=\"1\"} 2\n"
        "nv_trt_llm_request_metrics{model=\"llm\",request_type=\"scheduled\",version=\"1\"} 3\n"
        "nv_trt_llm_request_metrics{model=\"llm\",request_type=\"context\",version=\"1\"} 8\n"
        "nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=\"fraction\"} 0.125\n"
        "nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=\"used\"} 77\n"
    );
    EXPECT_EQ(triton.running, 3);
    EXPECT_EQ(triton.waiting, 2) << "the engine's word before that of the server around it";
    EXPECT_EQ(triton.kv_used, 0.125);
    EXPECT_EQ(
        read_engine_metrics("nv_inference_pending_request_count{model=\"a\"} 9\n").waiting, 9
    );

    const auto trtllm = read_engine_metrics(
        "trtllm_num_requests_running 1\ntrtllm_num_requests_waiting 2\n"
        "trtllm_kv_cache_utilization 0.5\n"
    );
    EXPECT_EQ(trtllm.running, 1);
    EXPECT_EQ(trtllm.waiting, 2);
    EXPECT_EQ(trtllm.kv_used, 0.5);
}

TEST(engine_metrics, are_read_of_a_worker_of_ours) {
    const auto got = read_engine_metrics(
        "penstock_worker_q_len_prefill{class=\"realtime\"} 1\n"
        "penstock_worker_q_len_prefill{class=\"bulk\"} 2\n"
        "penstock_worker_q_len_decode{class=\"realtime\"} 3\n"
        "penstock_worker_kv_pages{state=\"used\"} 10\npenstock_worker_kv_pages{state=\"cached\"} "
        "5\n"
        "penstock_worker_kv_pages{state=\"free\"} 25\n"
    );
    EXPECT_EQ(got.running, 6);
    EXPECT_EQ(got.waiting, -1);
    EXPECT_EQ(got.kv_used, 0.25);
    EXPECT_EQ(got.kv_tokens, 40 * 64);
}

TEST(engine_metrics, take_the_new_name_before_the_old_one_in_any_order) {
    for (const char* text :
         {"vllm:gpu_cache_usage_perc 0.9\nvllm:kv_cache_usage_perc 0.1\n",
          "vllm:kv_cache_usage_perc 0.1\nvllm:gpu_cache_usage_perc 0.9\n"})
        EXPECT_EQ(read_engine_metrics(text).kv_used, 0.1) << text;
    EXPECT_EQ(read_engine_metrics("vllm:gpu_cache_usage_perc 0.9\n").kv_used, 0.9);
}

TEST(engine_metrics, say_nothing_where_there_is_nothing_to_understand) {
    for (const char* text :
         {"",
          "\n\n",
          "<html>404</html>",
          "# vllm:num_requests_running 3",
          "vllm:num_requests_running",
          "vllm:num_requests_running ",
          "vllm:num_requests_running NaN",
          "vllm:num_requests_running +Inf",
          "vllm:num_requests_running -1",
          "vllm:num_requests_running 1e300",
          "vllm:num_requests_running 3x",
          "vllm:num_requests_running{a=\"b 3",
          "vllm:num_requests_running{a=\"b\" 3",
          "vllm:num_requests_running{a=\"}\\\"",
          "vllm:num_requests_running_total 3",
          " vllm:num_requests_running 3",
          "vllm:cache_config_info{block_size=\"16\",num_gpu_blocks=\"None\"} 1",
          "vllm:cache_config_info{block_size=\"1e9\",num_gpu_blocks=\"1e9\"} 1",
          "vllm:cache_config_info{block_size=\"16\"} 1",
          "penstock_worker_kv_pages{state=\"used\"} 0"})
        EXPECT_FALSE(says_anything(read_engine_metrics(text))) << text;
}

TEST(engine_metrics, are_found_behind_odd_labels_blanks_and_times) {
    for (const char* text :
         {"vllm:num_requests_running{a=\"}\",b=\"\\\"{,\"} 3",
          "vllm:num_requests_running{} 3",
          "vllm:num_requests_running\t3\r\n",
          "vllm:num_requests_running   3 1700000000000\n",
          "vllm:num_requests_running{a=\"\"}3\n# EOF\n"})
        EXPECT_EQ(read_engine_metrics(text).running, 3) << text;
}

}  // namespace
}  // namespace penstock::observe
