// What a JSON body says at its top level, and which bodies are refused.
#include "base/openai/random_json.hpp"
#include "penstock/openai/facts.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

namespace penstock::openai {
namespace {

stage_result<request_facts> scan(std::string_view body, dialect spoken = dialect::chat) {
    return scan_json(body, spoken, false, {});
}

// Of a body that has to be fine.
request_facts facts_of(std::string_view body, dialect spoken = dialect::chat) {
    auto facts = scan(body, spoken);
    if (facts.has_error()) {
        ADD_FAILURE() << facts.error().message << " in " << body;
        return {};
    }
    return std::move(facts).value();
}

errc verdict(std::string_view body, dialect spoken = dialect::chat) {
    const auto facts = scan(body, spoken);
    return facts.has_error() ? facts.error().code : errc::internal;
}

std::string chat_with(std::string_view members) {
    return R"({"model":"m","messages":[])" + std::string(members.empty() ? "" : ",") +
           std::string(members) + "}";
}

std::string_view bytes_at(std::string_view body, byte_range where) {
    return body.substr(where.begin, where.size());
}

TEST(scan_json, reads_what_an_ordinary_chat_request_says) {
    constexpr std::string_view body =
        R"({"model": "qwen-\u0037b", "stream": true, "n": 2, "best_of": 3, "max_tokens": 100,)"
        R"( "max_completion_tokens": 40, "messages": [{"role":"user","content":"hello"}],)"
        R"( "stream_options": {"include_usage": false, "x": 1}, "user": "u", "tools": [{}, {}],)"
        R"( "prompt_cache_key": "s"})";
    const request_facts facts = facts_of(body);
    EXPECT_EQ(facts.model, "qwen-7b");
    EXPECT_EQ(bytes_at(body, facts.model_value), R"("qwen-\u0037b")");
    EXPECT_EQ(facts.object_begin, 1u);
    EXPECT_FALSE(facts.object_empty);
    EXPECT_EQ(facts.num_members, 11u);
    EXPECT_TRUE(facts.stream);
    EXPECT_EQ(facts.n, 3u);
    EXPECT_EQ(facts.max_tokens, 40u);
    ASSERT_EQ(facts.max_tokens_values.size(), 2u);
    EXPECT_EQ(bytes_at(body, facts.max_tokens_values[0]), "100");
    EXPECT_EQ(bytes_at(body, facts.max_tokens_values[1]), "40");
    EXPECT_EQ(facts.max_tokens_said[0], 100u);
    EXPECT_EQ(facts.max_tokens_said[1], 40u);
    EXPECT_EQ(bytes_at(body, facts.stream_options), R"({"include_usage": false, "x": 1})");
    EXPECT_EQ(facts.include_usage, false);
    EXPECT_EQ(bytes_at(body, facts.include_usage_value), "false");
    EXPECT_TRUE(facts.stream_options_filled);
    EXPECT_EQ(facts.num_messages, 1u);
    EXPECT_EQ(facts.num_tools, 2u);
    EXPECT_EQ(facts.text.latin, 5u);
    EXPECT_EQ(facts.user_hash, hash_of("u"));
    EXPECT_EQ(facts.session_hash, hash_of("s"));
    EXPECT_EQ(facts.prefix_hash, hash_of("hello"));
    EXPECT_EQ(facts.work, work_kind::generative);
}

TEST(scan_json, takes_null_for_absent) {
    const request_facts facts = facts_of(chat_with(
        R"("stream":null,"n":null,"max_tokens":null,"stream_options":null,"user":null,"tools":null)"
    ));
    EXPECT_FALSE(facts.stream);
    EXPECT_EQ(facts.n, 1u);
    EXPECT_FALSE(facts.max_tokens);
    EXPECT_TRUE(facts.max_tokens_values.empty());
    EXPECT_TRUE(facts.max_tokens_null.present());
    EXPECT_EQ(facts.stream_options.size(), 4u);
    EXPECT_FALSE(facts.stream_options_filled);
    EXPECT_EQ(facts.user_hash, 0u);
    EXPECT_EQ(verdict(R"({"model":"m","messages":null})"), errc::missing_field);
}

TEST(scan_json, refuses_a_field_that_is_given_twice) {
    for (std::string_view twice :
         {R"("model":"b")",
          R"("messages":[])",
          R"("n":1,"n":1)",
          R"("user":null,"user":"a")",
          R"("cache":1,"cache":2)",
          R"("metadata":{},"metadata":{})"}) {
        const auto facts = scan(chat_with(twice));
        ASSERT_TRUE(facts.has_error()) << twice;
        EXPECT_EQ(facts.error().code, errc::ambiguous_field) << twice;
        EXPECT_EQ(
            "\"" + facts.error().param + "\"", twice.substr(0, facts.error().param.size() + 2)
        );
    }
    EXPECT_EQ(
        verdict(chat_with(R"("stream_options":{"include_usage":true,"include_usage":true})")),
        errc::ambiguous_field
    );
}

TEST(scan_json, refuses_an_escaped_name_of_a_field_that_it_reads) {
    const auto facts = scan(R"({"m\u006fdel":"a","messages":[]})");
    ASSERT_TRUE(facts.has_error());
    EXPECT_EQ(facts.error().code, errc::ambiguous_field);
    EXPECT_EQ(facts.error().param, "model");
    EXPECT_EQ(
        verdict(chat_with(R"("stream_options":{"\u0069nclude_usage":true})")), errc::ambiguous_field
    );
    EXPECT_EQ(verdict(chat_with(R"("t\u0069meout":1)")), errc::ambiguous_field);
}

TEST(scan_json, lets_unknown_names_repeat_and_be_escaped) {
    EXPECT_EQ(facts_of(chat_with(R"("x":1,"x":2,"\u0078":3)")).num_members, 5u);
}

TEST(scan_json, names_the_field_that_has_the_wrong_type) {
    struct row {
        std::string_view members, param;
    };
    for (const row& each : std::initializer_list<row>{
             {R"("stream":1)", "stream"},
             {R"("stream":"true")", "stream"},
             {R"("stream_options":true)", "stream_options"},
             {R"("stream_options":{"include_usage":1})", "stream_options.include_usage"},
             {R"("n":"1")", "n"},
             {R"("n":1.5)", "n"},
             {R"("max_tokens":"9")", "max_tokens"},
             {R"("max_completion_tokens":1e3)", "max_completion_tokens"},
             {R"("max_output_tokens":[])", "max_output_tokens"},
             {R"("input":1)", "input"},
             {R"("prompt":{})", "prompt"},
             {R"("tools":{})", "tools"},
             {R"("user":7)", "user"},
             {R"("documents":"x")", "documents"}
         }) {
        const auto facts = scan(chat_with(each.members));
        ASSERT_TRUE(facts.has_error()) << each.members;
        EXPECT_EQ(facts.error().code, errc::wrong_type) << each.members;
        EXPECT_EQ(facts.error().param, each.param);
        EXPECT_NE(facts.error().message.find(each.param), std::string::npos);
    }
    for (std::string_view model : {"null", "1", "[]", "{}", "true"})
        EXPECT_EQ(
            verdict(R"({"messages":[],"model":)" + std::string(model) + "}"), errc::wrong_type
        );
    EXPECT_EQ(verdict(R"({"model":"m","messages":"hi"})"), errc::wrong_type);
    EXPECT_EQ(verdict(R"({"model":"m","messages":{}})"), errc::wrong_type);
}

TEST(scan_json, refuses_values_that_cannot_be) {
    EXPECT_EQ(verdict(R"({"model":"","messages":[]})"), errc::invalid_value);
    EXPECT_EQ(verdict(chat_with(R"("n":0)")), errc::invalid_value);
    EXPECT_EQ(verdict(chat_with(R"("n":-1)")), errc::invalid_value);
    EXPECT_EQ(verdict(chat_with(R"("n":4294967296)")), errc::invalid_value);
    EXPECT_EQ(verdict(chat_with(R"("max_tokens":-1)")), errc::invalid_value);
    EXPECT_EQ(facts_of(chat_with(R"("max_tokens":0)")).max_tokens, 0u);
}

TEST(scan_json, asks_for_the_fields_of_each_dialect) {
    const auto missing = [](std::string_view body, dialect spoken) {
        const auto facts = scan(body, spoken);
        if (!facts.has_error()) return std::string("none");
        EXPECT_EQ(facts.error().code, errc::missing_field);
        return facts.error().param;
    };
    EXPECT_EQ(missing("{}", dialect::chat), "model");
    EXPECT_EQ(missing(R"({"model":"m"})", dialect::chat), "messages");
    EXPECT_EQ(missing(R"({"model":"m"})", dialect::completions), "prompt");
    EXPECT_EQ(missing(R"({"model":"m"})", dialect::fim), "prompt");
    EXPECT_EQ(missing(R"({"model":"m"})", dialect::embeddings), "input");
    EXPECT_EQ(missing(R"({"model":"m"})", dialect::rerank), "query");
    EXPECT_EQ(missing(R"({"model":"m","query":"q"})", dialect::rerank), "documents");
    EXPECT_EQ(missing(R"({"model":"m"})", dialect::responses), "none");
    EXPECT_EQ(missing(R"({"model":"m"})", dialect::messages), "messages");
    EXPECT_EQ(missing(R"({"model":"m"})", dialect::speech), "input");
    EXPECT_EQ(missing(R"({"model":"m"})", dialect::tokenize), "none");
    EXPECT_FALSE(scan_json("{}", dialect::tokenize, true, {}).has_error());
}

TEST(scan_json, refuses_what_is_not_an_object) {
    for (std::string_view body :
         {"", " ", "[]", "1", "null", "\"{}\"", "{", "{}x", "nope", "\xef\xbb\xbf{}"}) {
        const auto facts = scan(body);
        ASSERT_TRUE(facts.has_error()) << body;
        EXPECT_EQ(facts.error().code, errc::invalid_json) << body;
        EXPECT_FALSE(facts.error().message.empty());
    }
}

TEST(scan_json, says_when_a_number_is_beyond_what_a_parser_keeps) {
    const auto message = [](std::string_view number) {
        const auto facts = scan(chat_with("\"x\":" + std::string(number)));
        return facts.has_error() ? facts.error().message : std::string();
    };
    EXPECT_NE(message("18446744073709551616").find("64 bits"), std::string::npos);
    EXPECT_NE(message("-9223372036854775809").find("64 bits"), std::string::npos);
    EXPECT_NE(message("100000000000000000000000").find("64 bits"), std::string::npos);
    EXPECT_NE(message("1e309").find("64-bit float"), std::string::npos);
    EXPECT_NE(message("17976931348623159e292").find("64-bit float"), std::string::npos);
    for (std::string_view fine :
         {"18446744073709551615",
          "-9223372036854775808",
          "9007199254740993",
          "1E-07",
          "1e-999",
          "0e999",
          "1.7976931348623157e308",
          "-0",
          "0.000001e310"})
        EXPECT_EQ(message(fine), "") << fine;
}

TEST(scan_json, refuses_half_of_a_surrogate_pair) {
    for (std::string_view text :
         {R"("\ud800")", R"("\udc00")", R"("\ud800x")", R"("\ud800\ud800")", R"("\ud83e\n")"})
        EXPECT_EQ(verdict(chat_with("\"x\":" + std::string(text))), errc::invalid_json) << text;
    EXPECT_EQ(facts_of(chat_with(R"("x":"\ud83e\udd80")")).num_members, 3u);
}

TEST(scan_json, refuses_ten_thousand_levels_without_harm) {
    const std::string open(10'000, '['), close(10'000, ']');
    EXPECT_EQ(verdict(chat_with("\"x\":" + open + close)), errc::json_too_deep);
    EXPECT_EQ(verdict(open), errc::json_too_deep);
    EXPECT_EQ(verdict(R"({"model":"m","messages":)" + open + close + "}"), errc::json_too_deep);
    EXPECT_EQ(verdict(R"({"model":"m","tools":)" + open + close + "}"), errc::json_too_deep);
    std::string objects;
    for (int i = 0; i < 10'000; ++i)
        objects += R"({"content":)";
    EXPECT_EQ(
        verdict(R"({"model":"m","messages":[)" + objects + "1" + std::string(10'000, '}') + "]}"),
        errc::json_too_deep
    );
    const auto unlimited = scan_json(
        chat_with("\"x\":" + open + close), dialect::chat, false, {.depth = 4'000'000'000}
    );
    ASSERT_TRUE(unlimited.has_error());
    EXPECT_EQ(unlimited.error().code, errc::json_too_deep);
}

TEST(scan_json, counts_levels_from_the_outermost_object) {
    const scan_limits limits{.depth = 3};
    EXPECT_FALSE(scan_json(R"({"x":[[1]]})", dialect::tokenize, true, limits).has_error());
    const auto deeper = scan_json(R"({"x":[[[]]]})", dialect::tokenize, true, limits);
    ASSERT_TRUE(deeper.has_error());
    EXPECT_EQ(deeper.error().code, errc::json_too_deep);
}

TEST(scan_json, bounds_the_members_of_the_body) {
    const scan_limits limits{.members = 2};
    EXPECT_FALSE(scan_json(R"({"a":1,"b":2})", dialect::tokenize, true, limits).has_error());
    const auto more = scan_json(R"({"a":1,"b":2,"c":3})", dialect::tokenize, true, limits);
    ASSERT_TRUE(more.has_error());
    EXPECT_EQ(more.error().code, errc::invalid_value);
}

TEST(scan_json, knows_the_users_of_anthropic_by_their_metadata) {
    const request_facts facts = facts_of(
        chat_with(R"("user":"other","metadata":{"a":{"user_id":"x"},"user_id":"u-\u0031"})"),
        dialect::messages
    );
    EXPECT_EQ(facts.user_hash, hash_of("u-1"));
    EXPECT_EQ(facts_of(chat_with(R"("metadata":{"user_id":"u"})")).user_hash, 0u);
    EXPECT_EQ(
        verdict(chat_with(R"("metadata":{"user_id":1})"), dialect::messages), errc::wrong_type
    );
    EXPECT_EQ(
        verdict(chat_with(R"("metadata":{"user_id":"a","user_id":"b"})"), dialect::messages),
        errc::ambiguous_field
    );
}

TEST(scan_json, prefers_the_session_that_litellm_names) {
    const request_facts facts =
        facts_of(chat_with(R"("litellm_session_id":"a","prompt_cache_key":"b")"));
    EXPECT_EQ(facts.session_hash, hash_of("a"));
    ASSERT_EQ(facts.strip.size(), 1u);
}

TEST(scan_json, cuts_out_neighbours_so_that_no_two_take_one_comma) {
    constexpr std::string_view body =
        R"({"cache" : 1 , "timeout":2, "model":"m" , "caching":true,"messages":[],)"
        R"( "fallbacks":[]})";
    const request_facts facts = facts_of(body);
    ASSERT_EQ(facts.strip.size(), 4u);
    EXPECT_EQ(bytes_at(body, facts.strip[0].whole), R"("cache" : 1 ,)");
    EXPECT_EQ(bytes_at(body, facts.strip[0].value), "1");
    EXPECT_EQ(bytes_at(body, facts.strip[1].whole), R"("timeout":2,)");
    EXPECT_EQ(bytes_at(body, facts.strip[2].whole), R"(, "caching":true)");
    EXPECT_EQ(bytes_at(body, facts.strip[3].whole), R"(, "fallbacks":[])");
}

// simdjson's verdict where ours is about JSON, and not about the fields we read.
TEST(scan_json, agrees_with_simdjson_on_generated_and_broken_texts) {
    test::random_json random(20240607);
    simdjson::dom::parser oracle;
    int accepted = 0, refused = 0;
    for (int i = 0; i < 20'000; ++i) {
        std::string body = random.space() + random.object(5) + random.space();
        if (random.one_in(2)) body = random.mutated(std::move(body));
        const auto ours = scan_json(body, dialect::tokenize, true, {.depth = 500});
        const bool fine = oracle.parse(simdjson::padded_string(body)).error() == simdjson::SUCCESS;
        if (!ours.has_error()) {
            ++accepted;
            ASSERT_TRUE(fine) << body;
        } else {
            ++refused;
            ASSERT_EQ(ours.error().code, errc::invalid_json) << body;
            const auto at = body.find_first_not_of(" \t\r\n");
            const bool stricter = at != body.npos && body[at] != '{';
            const bool half_pair = ours.error().message.find("surrogate") != std::string::npos;
            ASSERT_TRUE(!fine || stricter || half_pair) << ours.error().message << "\n" << body;
        }
    }
    EXPECT_GT(accepted, 8'000);
    EXPECT_GT(refused, 5'000);
}

TEST(scan_json, refuses_a_valid_body_that_is_cut_anywhere) {
    test::random_json random(7);
    const std::string body = chat_with("\"x\":" + random.object(4) + ",\"stream\":true");
    ASSERT_FALSE(scan(body).has_error());
    for (std::size_t size = 0; size < body.size(); ++size)
        EXPECT_EQ(verdict(body.substr(0, size)), errc::invalid_json) << size;
}

}  // namespace
}  // namespace penstock::openai
