// How much text, how many pictures and sounds, how many token ids a body holds.
#include "base/openai/random_json.hpp"
#include "penstock/openai/facts.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

namespace penstock::openai {
namespace {

request_facts facts_of(std::string_view body, dialect spoken) {
    auto facts = scan_json(body, spoken, true, {});
    if (facts.has_error()) {
        ADD_FAILURE() << facts.error().message << " in " << body;
        return {};
    }
    return std::move(facts).value();
}

TEST(scan_text, counts_decoded_bytes_by_kind) {
    const request_facts facts = facts_of(
        R"({"prompt":"ab\n\u0041 привет \u0430\u0431 日\u4e2d 🦀\ud83e\udd80\u007f"})",
        dialect::completions
    );
    EXPECT_EQ(facts.text.latin, 4u + 5u);  // ab\nA, four spaces, DEL
    EXPECT_EQ(facts.text.cyrillic, 12u + 4u);
    EXPECT_EQ(facts.text.cjk, 6u);
    EXPECT_EQ(facts.text.other, 8u);
    EXPECT_EQ(facts.text.tools, 0u);
    EXPECT_EQ(facts.text.total(), 39u);
}

TEST(scan_text, counts_the_same_whatever_is_escaped) {
    test::random_json random(11);
    simdjson::dom::parser oracle;
    for (int i = 0; i < 2'000; ++i) {
        const std::string text = random.string();
        const request_facts facts = facts_of("{\"prompt\":" + text + "}", dialect::completions);
        const auto parsed = oracle.parse(simdjson::padded_string("[" + text + "]"));
        const std::string_view decoded = parsed.at(0).get_string().value();
        ASSERT_EQ(facts.text.total(), decoded.size()) << text;
        ASSERT_EQ(facts.prefix_hash, hash_of(decoded)) << text;
        text_bytes by_hand;
        for (std::size_t at = 0; at < decoded.size();) {
            const auto lead = static_cast<unsigned char>(decoded[at]);
            const unsigned size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
            (size == 1   ? by_hand.latin
             : size == 2 ? by_hand.cyrillic
             : size == 3 ? by_hand.cjk
                         : by_hand.other) += size;
            at += size;
        }
        ASSERT_EQ(facts.text.latin, by_hand.latin) << text;
        ASSERT_EQ(facts.text.cyrillic, by_hand.cyrillic) << text;
        ASSERT_EQ(facts.text.cjk, by_hand.cjk) << text;
    }
}

TEST(scan_text, counts_long_texts_of_one_kind) {
    std::string text;
    for (int i = 0; i < 20'000; ++i)
        text += "я";
    const request_facts facts = facts_of("{\"prompt\":\"" + text + "\"}", dialect::completions);
    EXPECT_EQ(facts.text.cyrillic, 40'000u);
    EXPECT_EQ(facts.text.total(), 40'000u);
}

TEST(scan_text, reads_a_conversation_with_parts_calls_and_results) {
    const request_facts facts = facts_of(
        R"({"messages":[{"role":"system","content":"1"},)"
        R"({"role":"user","content":[{"type":"text","text":"22"},)"
        R"({"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}},)"
        R"({"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}]},)"
        R"({"role":"assistant","content":null,"reasoning_content":"333","tool_calls":)"
        R"([{"id":"c","type":"function","function":{"name":"f","arguments":"4444"}}]},)"
        R"({"role":"tool","tool_call_id":"c","content":"55555"}],)"
        R"("tools":[{"type":"function"}],"functions":[{"name":"я"}]})",
        dialect::chat
    );
    EXPECT_EQ(facts.num_messages, 4u);
    EXPECT_EQ(facts.num_images, 1u);
    EXPECT_EQ(facts.num_audio, 1u);
    EXPECT_EQ(facts.num_tools, 2u);
    EXPECT_EQ(facts.text.latin, 15u);
    EXPECT_EQ(facts.text.tools, 12u + 6u);
    EXPECT_EQ(facts.prefix_hash, hash_of("122333444455555"));
}

TEST(scan_text, reads_a_conversation_of_anthropic) {
    const request_facts facts = facts_of(
        R"({"system":[{"type":"text","text":"1","cache_control":{"type":"ephemeral"}}],)"
        R"("messages":[{"role":"user","content":[{"type":"image","source":)"
        R"({"type":"base64","media_type":"image/png","data":"AAAA"}},)"
        R"({"type":"text","text":"22"}]},)"
        R"({"role":"assistant","content":[{"type":"thinking","thinking":"333","signature":"zz"},)"
        R"({"type":"tool_use","id":"t","name":"f","input":{"k":["333"]}}]},)"
        R"({"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":)"
        R"([{"type":"text","text":"55555"}]}]}]})",
        dialect::messages
    );
    EXPECT_EQ(facts.num_images, 1u);
    EXPECT_EQ(facts.text.latin, 15u);
}

TEST(scan_text, reads_the_items_of_responses) {
    const request_facts facts = facts_of(
        R"({"instructions":"1","input":[)"
        R"({"role":"user","content":[{"type":"input_text","text":"22"},)"
        R"({"type":"input_image","image_url":"data:AAAA"}]},)"
        R"({"type":"function_call","name":"f","call_id":"c","arguments":"333"},)"
        R"({"type":"function_call_output","call_id":"c","output":"4444"}]})",
        dialect::responses
    );
    EXPECT_EQ(facts.text.latin, 10u);
    EXPECT_EQ(facts.num_images, 1u);
    EXPECT_EQ(facts.num_inputs, 0u);
    EXPECT_EQ(facts_of(R"({"input":"hello"})", dialect::responses).text.latin, 5u);
    EXPECT_EQ(
        facts_of(R"({"prompt":{"id":"pmpt_1","variables":{}}})", dialect::responses).text.total(),
        0u
    );
}

TEST(scan_text, counts_inputs_and_token_ids) {
    struct row {
        std::string_view input;
        std::uint32_t inputs;
        std::uint64_t ids;
        std::uint32_t text;
    };
    for (const row& each : std::initializer_list<row>{
             {R"("ab")", 1, 0, 2},
             {R"(["ab","c"])", 2, 0, 3},
             {"[1,2,3]", 1, 3, 0},
             {"[[1,2],[3],[]]", 3, 3, 0},
             {"[]", 0, 0, 0}
         }) {
        for (dialect spoken : {dialect::embeddings, dialect::completions}) {
            const std::string name = spoken == dialect::embeddings ? "input" : "prompt";
            const request_facts facts =
                facts_of("{\"" + name + "\":" + std::string(each.input) + "}", spoken);
            EXPECT_EQ(facts.num_inputs, each.inputs) << each.input;
            EXPECT_EQ(facts.token_ids, each.ids) << each.input;
            EXPECT_EQ(facts.text.total(), each.text) << each.input;
        }
    }
}

TEST(scan_text, counts_the_documents_of_a_rerank) {
    const request_facts facts = facts_of(
        R"({"query":"q","documents":["a",{"text":"bb","id":"7"},{"title":"x"}],"top_n":2})",
        dialect::rerank
    );
    EXPECT_EQ(facts.num_inputs, 3u);
    EXPECT_EQ(facts.text.latin, 4u);
    EXPECT_EQ(facts.work, work_kind::one_shot);
}

TEST(scan_text, counts_text_under_an_escaped_name) {
    const request_facts facts =
        facts_of(R"({"messages":[{"role":"user","c\u006fntent":"hello"}]})", dialect::chat);
    EXPECT_EQ(facts.text.latin, 5u);
}

TEST(scan_text, hashes_the_first_two_kibibytes) {
    const std::string head(2048, 'x');
    const auto hash_with = [&](const std::string& text) {
        return facts_of(
                   "{\"prompt\":[\"" + text.substr(0, 700) + "\",\"" + text.substr(700) + "\"]}",
                   dialect::completions
        )
            .prefix_hash;
    };
    EXPECT_EQ(hash_with(head + "a"), hash_of(head));
    EXPECT_EQ(hash_with(head + "b"), hash_of(head));
    EXPECT_NE(hash_with("y" + head), hash_of(head));
    EXPECT_EQ(facts_of(R"({"prompt":""})", dialect::completions).prefix_hash, 0u);
}

}  // namespace
}  // namespace penstock::openai
