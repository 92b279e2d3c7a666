// Forms: what is read of them, and which are refused.
#include "penstock/openai/facts.hpp"

#include <gtest/gtest.h>

namespace penstock::openai {
namespace {

constexpr std::string_view type = "multipart/form-data; boundary=B0";

stage_result<request_facts> scan(
    std::string_view body,
    std::string_view content_type = type,
    dialect spoken = dialect::transcription
) {
    return scan_multipart(body, content_type, spoken, false);
}

std::string part(std::string_view name, std::string_view value, std::string_view more = "") {
    return "--B0\r\nContent-Disposition: form-data; name=\"" + std::string(name) + "\"" +
           std::string(more) + "\r\n\r\n" + std::string(value) + "\r\n";
}

const std::string file = part("file", "RIFF\r\n--B\r\n\0data", "; filename=\"a.wav\"");
const std::string last = "--B0--\r\n";

errc verdict(std::string_view body, std::string_view content_type = type) {
    const auto facts = scan(body, content_type);
    return facts.has_error() ? facts.error().code : errc::internal;
}

TEST(scan_multipart, reads_model_stream_and_the_size_of_the_file) {
    const std::string body =
        file + part("model", "whisper") + part("stream", "true") + part("prompt", "привет") + last;
    const auto scanned = scan(body);
    ASSERT_FALSE(scanned.has_error()) << scanned.error().message;
    const request_facts& facts = scanned.value();
    EXPECT_EQ(facts.model, "whisper");
    EXPECT_EQ(body.substr(facts.model_value.begin, facts.model_value.size()), "whisper");
    EXPECT_TRUE(facts.stream);
    EXPECT_EQ(facts.num_audio, 11u);
    EXPECT_EQ(facts.text.cyrillic, 12u);
    EXPECT_EQ(facts.body, body_kind::multipart);
    EXPECT_EQ(facts.object_begin, 0u);
    EXPECT_EQ(facts.boundary, "B0");
}

TEST(scan_multipart, takes_a_boundary_quoted_or_not_in_any_case) {
    const std::string body = file + part("model", "m") + last;
    for (std::string_view content_type :
         {"multipart/form-data; boundary=B0",
          "Multipart/Form-Data;BOUNDARY=\"B0\"",
          "multipart/form-data; charset=utf-8; boundary=B0 ",
          "multipart/form-data ; boundary=B0"})
        EXPECT_FALSE(scan(body, content_type).has_error()) << content_type;
    for (std::string_view content_type :
         {"",
          "multipart/form-data",
          "multipart/mixed; boundary=B0",
          "multipart/form-data; boundary=",
          "multipart/form-data; boundary=\"B0",
          "multipart/form-data; boundary=B0; boundary=B1",
          "multipart/form-data; boundary=\"B\\0\"",
          "application/json",
          "multipart/form-data boundary=B0",
          "multipart/form-data; boundary=B\xc3\xa9"})
        EXPECT_EQ(verdict(body, content_type), errc::malformed_body) << content_type;
    EXPECT_EQ(
        verdict(body, "multipart/form-data; boundary=" + std::string(71, 'a')), errc::malformed_body
    );
}

TEST(scan_multipart, takes_a_line_end_before_the_first_and_text_after_the_last_boundary) {
    EXPECT_FALSE(scan("\r\n" + file + part("model", "m") + "--B0--").has_error());
    EXPECT_FALSE(scan(file + part("model", "m") + "--B0--\r\nepilogue").has_error());
}

TEST(scan_multipart, refuses_a_form_that_is_cut_anywhere) {
    const std::string body = part("model", "m") + file + "--B0--";
    ASSERT_FALSE(scan(body).has_error());
    for (std::size_t size = 0; size < body.size(); ++size)
        EXPECT_EQ(verdict(body.substr(0, size)), errc::malformed_body) << size;
}

TEST(scan_multipart, refuses_what_two_parsers_could_read_as_two_forms) {
    const std::string model = part("model", "m");
    EXPECT_EQ(verdict("preamble\r\n" + model + file + last), errc::malformed_body);
    EXPECT_EQ(verdict(part("model", "m\n--B0\n") + file + last), errc::malformed_body);
    EXPECT_EQ(verdict(part("model", "m\r\n--B0x") + file + last), errc::malformed_body);
    EXPECT_EQ(verdict(part("model", "m", "; name=\"x\"") + file + last), errc::malformed_body);
    EXPECT_EQ(verdict(part("model", "m", "; name*=utf-8''x") + file + last), errc::malformed_body);
    EXPECT_EQ(verdict(part("a\\\"b", "m") + model + file + last), errc::malformed_body);
    EXPECT_EQ(
        verdict(
            "--B0\r\nContent-Disposition: form-data; name=\"x\"\r\n"
            "Content-Disposition: form-data; name=\"y\"\r\n\r\n\r\n" +
            model + file + last
        ),
        errc::malformed_body
    );
    EXPECT_EQ(
        verdict(
            "--B0\r\nContent-Disposition: form-data;\r\n name=\"x\"\r\n\r\n1\r\n" + model + last
        ),
        errc::malformed_body
    );
    EXPECT_EQ(verdict("--B0\r\n\r\nnameless\r\n" + model + file + last), errc::malformed_body);
}

TEST(scan_multipart, names_the_field_at_fault) {
    const auto fault = [](const std::string& body) {
        const auto facts = scan(body);
        return facts.has_error() ? std::pair(facts.error().code, facts.error().param)
                                 : std::pair(errc::internal, std::string());
    };
    const std::string model = part("model", "m");
    EXPECT_EQ(fault(file + last), std::pair(errc::missing_field, std::string("model")));
    EXPECT_EQ(fault(model + last), std::pair(errc::missing_field, std::string("file")));
    EXPECT_EQ(
        fault(model + model + file + last), std::pair(errc::ambiguous_field, std::string("model"))
    );
    EXPECT_EQ(
        fault(part("model", "") + file + last), std::pair(errc::invalid_value, std::string("model"))
    );
    EXPECT_EQ(
        fault(part("model", "\xff") + file + last),
        std::pair(errc::invalid_value, std::string("model"))
    );
    EXPECT_EQ(
        fault(part("model", "m", "; filename=\"m\"") + file + last),
        std::pair(errc::wrong_type, std::string("model"))
    );
    EXPECT_EQ(
        fault(part("model", "bQ==", "\r\nContent-Transfer-Encoding: base64") + file + last),
        std::pair(errc::wrong_type, std::string("model"))
    );
    EXPECT_EQ(
        fault(model + part("stream", "maybe") + file + last),
        std::pair(errc::wrong_type, std::string("stream"))
    );
}

TEST(scan_multipart, bounds_headers_and_parts) {
    const std::string model = part("model", "m");
    EXPECT_EQ(
        verdict(part("x", "1", "\r\nX-Long: " + std::string(5000, 'a')) + model + file + last),
        errc::malformed_body
    );
    std::string many;
    for (int i = 0; i < 200; ++i)
        many += part("x", "1");
    EXPECT_EQ(verdict(many + model + file + last), errc::malformed_body);
}

TEST(scan_multipart, lets_the_path_name_the_model) {
    EXPECT_FALSE(scan_multipart(file + last, type, dialect::transcription, true).has_error());
}

}  // namespace
}  // namespace penstock::openai
