// The vocabularies of real models: known ids, round trips, and time.
#include "worker/text/tokenizer_files.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace penstock::worker {
namespace {

namespace json = boost::json;
using ids = std::vector<token_id>;

class vocabularies : public testing::Test {
 protected:
    void SetUp() override {
        if (test_data().empty()) GTEST_SKIP() << "PENSTOCK_TEST_DATA is not set";
    }
};

std::string read(const std::filesystem::path& file) {
    std::ifstream from(file, std::ios::binary);
    if (!from) throw std::runtime_error("cannot open " + file.string());
    std::ostringstream text;
    text << from.rdbuf();
    return text.str();
}

TEST_F(vocabularies, of_qwen_give_the_ids_that_transformers_expects) {
    const auto file = test_data() / "tokenizers/vectors/transformers/qwen2.json";
    const json::value cases = json::parse(read(file)).at("cases");
    ASSERT_FALSE(cases.as_array().empty());
    for (const char* name : {"qwen2.5-0.5b-instruct", "qwen3-0.6b"}) {
        for (const json::value& each : cases.as_array()) {
            const std::string text(each.at("text").as_string());
            EXPECT_EQ(ids_of(real_tokenizer(name), text), json::value_to<ids>(each.at("ids")));
        }
    }
}

// llama.cpp's vectors: texts with a mark between them, and a line of ids for each.
void compare_with_llama_cpp(const std::string& vectors, const std::string& name) {
    const auto folder = test_data() / "tokenizers/vectors/llama.cpp";
    const std::string texts = read(folder / (vectors + ".inp"));
    std::istringstream lines(read(folder / (vectors + ".out")));
    constexpr std::string_view mark = "\n__ggml_vocab_test__\n";
    std::size_t count = 0;
    for (std::size_t at = 0; at <= texts.size(); ++count) {
        const std::size_t end = texts.find(mark, at);
        if (end == std::string::npos) break;
        std::string line;
        ASSERT_TRUE(std::getline(lines, line));
        std::istringstream numbers(line);
        ids wanted;
        for (token_id id; numbers >> id;)
            wanted.push_back(id);
        const std::string text = texts.substr(at, end - at);
        EXPECT_EQ(ids_of(real_tokenizer(name), text), wanted) << text;
        at = end + mark.size();
    }
    EXPECT_GT(count, 40);
}

TEST_F(vocabularies, give_the_ids_that_llama_cpp_expects) {
    compare_with_llama_cpp("ggml-vocab-qwen2.gguf", "qwen2.5-0.5b-instruct");
    compare_with_llama_cpp("ggml-vocab-deepseek-r1-qwen.gguf", "deepseek-r1-distill-qwen-32b");
}

TEST_F(vocabularies, have_their_special_tokens) {
    const tokenizer& qwen3 = real_tokenizer("qwen3-0.6b");
    EXPECT_EQ(qwen3.size(), 151669);
    EXPECT_EQ(qwen3.find("<|im_end|>"), 151645);
    EXPECT_TRUE(qwen3.is_special(151645));
    EXPECT_EQ(qwen3.find("<think>"), 151667);
    EXPECT_FALSE(qwen3.is_special(151667));
    EXPECT_EQ(qwen3.bytes(151645), "<|im_end|>");
    EXPECT_EQ(qwen3.bytes(151936), "");
    EXPECT_TRUE(qwen3.prefix().empty());
    const std::string text = "hi<|im_end|>\n";
    EXPECT_EQ(ids_of(qwen3, text), (ids{6023, 151645, 198}));
    const ids as_text = ids_of(qwen3, text, {{0, text.size()}});
    EXPECT_EQ(std::count(as_text.begin(), as_text.end(), 151645), 0);
    EXPECT_EQ(text_of(qwen3, as_text), text);
    const tokenizer& r1 = real_tokenizer("deepseek-r1-distill-qwen-32b");
    EXPECT_EQ(r1.find("<｜begin▁of▁sentence｜>"), 151646);
    EXPECT_EQ(r1.bytes(151646), "<｜begin▁of▁sentence｜>");
}

// Text of any characters that NFC leaves alone.
std::string any_text(std::uint32_t seed) {
    std::string text;
    const auto drawn = [&seed] { return seed = seed * 1664525 + 1013904223, seed >> 12; };
    for (int i = 0; i < 400; ++i) {
        constexpr std::string_view some[] = {
            "a",
            " ",
            "\n",
            "the ",
            "ж",
            " при",
            "漢",
            "😀",
            "7",
            ".",
            "'s",
            "\t",
            "é",
            "한",
            "}\n",
            "\u2003",
            "<|"
        };
        text += some[drawn() % std::size(some)];
    }
    return text;
}

TEST_F(vocabularies, give_back_the_bytes_of_any_text_from_many_threads) {
    const tokenizer& with = real_tokenizer("qwen2.5-0.5b-instruct");
    const auto wanted = ids_of(with, any_text(0));
    std::vector<std::thread> threads;
    for (std::uint32_t i = 0; i < 4; ++i) {
        threads.emplace_back([&, i] {
            for (std::uint32_t seed = 0; seed < 50; ++seed) {
                const std::string text = any_text(i * 1000 + seed);
                EXPECT_EQ(text_of(with, ids_of(with, text)), text);
            }
            EXPECT_EQ(ids_of(with, any_text(0)), wanted);
        });
    }
    for (std::thread& each : threads)
        each.join();
}

// Seconds of this thread.
double seconds_for(const tokenizer& with, std::string_view text) {
    timespec start{}, end{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
    const ids got = ids_of(with, text);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    EXPECT_FALSE(got.empty());
    const auto seconds = static_cast<double>(end.tv_sec - start.tv_sec);
    return seconds + static_cast<double>(end.tv_nsec - start.tv_nsec) / 1e9;
}

// Others share the machine and its caches: the least of some runs counts, and no more are made
// than are needed to keep within `most`.
double times_as_long(const tokenizer& with, std::string_view unit, double most) {
    std::string text;
    while (text.size() < 1'000'000)
        text += unit;
    const std::string tenth = text.substr(0, 100'000 / unit.size() * unit.size());
    double short_time = 1e9, long_time = 1e9;
    for (int runs = 0; runs < 8 && (runs < 2 || long_time > most * short_time); ++runs) {
        short_time = std::min(short_time, seconds_for(with, tenth));
        long_time = std::min(long_time, seconds_for(with, text));
    }
    return long_time / short_time;
}

TEST_F(vocabularies, take_at_most_twelve_times_as_long_for_ten_times_as_many_a) {
    EXPECT_LE(times_as_long(real_tokenizer("qwen3-0.6b"), "a", 12), 12);
}

TEST_F(vocabularies, take_about_ten_times_as_long_for_ten_times_of_anything) {
    const tokenizer& with = real_tokenizer("qwen3-0.6b");
    constexpr std::string_view units[] = {
        " ",
        "\n",
        "!",
        "?!.",
        " \n",
        "\u0301",
        "a\u0301",
        "\u0301\u0316",
        "漢",
        "<|",
        "'",
        "9",
        "\xFF"
    };
    // Quadratic time would make it a hundred.
    for (const std::string_view unit : units)
        EXPECT_LE(times_as_long(with, unit, 20), 20) << unit;
}

}  // namespace
}  // namespace penstock::worker
