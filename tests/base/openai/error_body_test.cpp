// Error bodies and events, as the SDKs of each dialect read them.
#include "penstock/openai/error_body.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

namespace penstock::openai {
namespace {

TEST(error_body, has_the_shape_of_openai) {
    const refusal why(errc::wrong_type, "'n' must be an integer.", "n");
    EXPECT_EQ(
        error_body(dialect::chat, why, "req-1"),
        R"({"error":{"message":"'n' must be an integer.","type":"invalid_request_error",)"
        R"("param":"n","code":"invalid_type"}})"
    );
}

TEST(error_body, says_null_where_no_field_is_at_fault_and_the_tables_own_words) {
    EXPECT_EQ(
        error_body(dialect::embeddings, refusal(errc::draining), ""),
        R"({"error":{"message":"This gateway is shutting down.","type":"overloaded_error",)"
        R"("param":null,"code":"draining"}})"
    );
}

TEST(error_body, has_the_shape_of_anthropic) {
    const refusal why(errc::missing_field, "'messages' is required.", "messages");
    EXPECT_EQ(
        error_body(dialect::messages, why, "req-1"),
        R"({"type":"error","error":{"type":"invalid_request_error",)"
        R"("message":"'messages' is required."},"request_id":"req-1"})"
    );
    EXPECT_EQ(error_body(dialect::messages, why, "").find("request_id"), std::string::npos);
}

TEST(error_body, stays_valid_json_whatever_the_message_holds) {
    simdjson::dom::parser parser;
    for (std::string message :
         {std::string("a\"b\\c\n\r\t\x01\x1f\x7f"),
          std::string("\xff\xc3\x28"),
          std::string("модель\0x", 14),
          std::string("</script>")}) {
        for (dialect spoken : {dialect::chat, dialect::messages}) {
            const std::string body =
                error_body(spoken, refusal(errc::model_not_found, message), "r");
            const auto parsed = parser.parse(simdjson::padded_string(body));
            ASSERT_EQ(parsed.error(), simdjson::SUCCESS) << body;
            const std::string_view said = parsed["error"]["message"].get_string().value();
            if (!simdjson::validate_utf8(message)) continue;
            EXPECT_EQ(said, message);
        }
    }
}

TEST(error_event, ends_a_stream_in_the_routes_dialect) {
    const refusal why(errc::upstream_broken, "It broke.");
    EXPECT_EQ(
        error_event(dialect::chat, why, "r"),
        "data: {\"error\":{\"message\":\"It broke.\",\"type\":\"api_error\",\"param\":null,"
        "\"code\":\"upstream_broken\"}}\n\n"
    );
    EXPECT_EQ(
        error_event(dialect::messages, why, "r"),
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\","
        "\"message\":\"It broke.\"},\"request_id\":\"r\"}\n\n"
    );
    EXPECT_EQ(
        error_event(dialect::responses, why, "r"),
        "event: error\ndata: {\"type\":\"error\",\"code\":\"upstream_broken\","
        "\"message\":\"It broke.\",\"param\":null,\"sequence_number\":0}\n\n"
    );
}

}  // namespace
}  // namespace penstock::openai
