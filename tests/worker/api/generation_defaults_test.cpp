// What a model's folder says about how it likes to answer.
#include "worker/api/generation_defaults.hpp"

#include "worker/api/tiny_text.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace penstock::worker::test {
namespace {

class generation_defaults_of : public testing::Test {
 protected:
    generation_defaults_of()
        : folder_(
              std::filesystem::temp_directory_path() /
              ("defaults-" + std::to_string(getpid()) + "-" +
               testing::UnitTest::GetInstance()->current_test_info()->name())
          ) {
        std::filesystem::create_directories(folder_);
    }
    ~generation_defaults_of() override { std::filesystem::remove_all(folder_); }

    void write(const char* name, std::string_view text) const {
        std::ofstream(folder_ / name) << text;
    }
    result<generation_defaults> load() const {
        return load_generation_defaults(folder_, tiny_tokenizer());
    }

 private:
    std::filesystem::path folder_;
};

TEST_F(generation_defaults_of, nothing_are_the_usual_ones) {
    const auto got = must(load());
    EXPECT_EQ(got.sampling, sampling_params());
    EXPECT_TRUE(got.stop_ids.empty());
}

TEST_F(generation_defaults_of, a_folder_unite_all_ends) {
    write("config.json", R"({"eos_token_id":256})");
    write("generation_config.json", R"({"eos_token_id":[258,256]})");
    write("tokenizer_config.json", R"({"eos_token":{"content":"<|im_start|>"}})");
    EXPECT_EQ(must(load()).stop_ids, (std::vector<token_id>{256, 257, 258}));
    write("tokenizer_config.json", R"({"eos_token":"<|im_end|>"})");
    EXPECT_EQ(must(load()).stop_ids, (std::vector<token_id>{256, 258}));
}

TEST_F(generation_defaults_of, a_folder_hold_how_it_samples) {
    write(
        "generation_config.json",
        R"({"temperature":0.7,"top_p":0.8,"top_k":20,"repetition_penalty":1.05,"do_sample":true})"
    );
    const auto got = must(load()).sampling;
    EXPECT_FLOAT_EQ(got.temperature, 0.7f);
    EXPECT_FLOAT_EQ(got.top_p, 0.8f);
    EXPECT_EQ(got.top_k, 20u);
    EXPECT_FLOAT_EQ(got.repetition_penalty, 1.05f);
}

TEST_F(generation_defaults_of, a_broken_folder_are_refused_with_file_field_and_what_is_expected) {
    const std::pair<std::string, const char*> broken[] = {
        {R"({"temperature":"hot"})", "'temperature' must be a number, not a string."},
        {R"({"temperature":-1})", "'temperature' must be between 0 and 2, not -1."},
        {R"({"eos_token_id":"x"})",
         "'eos_token_id' must be a token id or an array of token ids, not a string."},
        {R"({"eos_token_id":[1,null]})", "'eos_token_id[1]' must be a token id, not null."},
        {R"({"eos_token_id":-1})", "'eos_token_id' must be between 0 and 2147483647, not -1."},
        {R"({"eos_token":{}})",
         "'eos_token' must be a string, or an object with the string `content`, not an object."},
        {"[]", "must hold a JSON object, not an array"},
        {R"({"a":)" + std::string(100, '[') + std::string(100, ']') + "}",
         "is nested deeper than 64 levels"},
    };
    for (const char* file : {"config.json", "generation_config.json"}) {
        for (const auto& [text, says] : broken) {
            if (file == std::string_view("config.json") && text.find("temp") != text.npos) continue;
            write(file, text);
            const auto got = load();
            ASSERT_TRUE(got.has_error()) << text;
            EXPECT_EQ(got.error().detail, std::string(file) + ": " + says);
        }
        write(file, R"({"top_k":)");
        const std::string detail = load().error().detail;
        EXPECT_TRUE(detail.starts_with(std::string(file) + ": is not valid JSON: ")) << detail;
        write(file, "{}");
    }
}

}  // namespace
}  // namespace penstock::worker::test
