// What goes upstream: the client's bytes, but for what was wished.
#include "penstock/openai/edits.hpp"

#include "base/openai/random_json.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <set>

namespace penstock::openai {
namespace {

std::string join(std::string_view body, const std::vector<edit>& edits) {
    std::vector<std::string_view> pieces;
    pieces_of(body, edits, pieces);
    std::string out;
    for (std::string_view piece : pieces)
        out += piece;
    EXPECT_EQ(out.size(), edited_size(body, edits));
    return out;
}

std::string edited(
    std::string_view body, const edit_wishes& wishes, dialect spoken = dialect::chat
) {
    const auto facts = scan_json(body, spoken, true, {});
    if (facts.has_error()) return facts.error().message;
    return join(body, edits_for(facts.value(), wishes));
}

// Required members, so that each case below can be short.
constexpr dialect lenient = dialect::responses;

TEST(edits, leave_a_body_alone_when_nothing_is_wished) {
    constexpr std::string_view body =
        "{ \"x\" : 1E-07 ,\"x\":9007199254740993,\n \"model\":\"m\"} ";
    EXPECT_EQ(edited(body, {}, lenient), body);
    EXPECT_EQ(edited(body, {.upstream_model = "m"}, lenient), body);
}

TEST(edits, replace_the_model_and_nothing_else) {
    EXPECT_EQ(
        edited(
            "{ \"x\" : 1E-07 , \"model\" :\"m\", \"x\":2 }",
            {.upstream_model = "org/\"q\\"},
            lenient
        ),
        "{ \"x\" : 1E-07 , \"model\" :\"org/\\\"q\\\\\", \"x\":2 }"
    );
}

TEST(edits, insert_the_model_that_only_the_path_named) {
    EXPECT_EQ(edited(R"({ "x":1})", {.upstream_model = "m"}, lenient), R"({"model":"m", "x":1})");
    EXPECT_EQ(edited("{ }", {.upstream_model = "m"}, lenient), R"({"model":"m" })");
}

TEST(edits, clamp_every_larger_spelling_and_no_other) {
    EXPECT_EQ(
        edited(
            R"({"max_tokens":10,"max_completion_tokens":1000,"max_output_tokens":100})",
            {.clamp_max_tokens = 100},
            lenient
        ),
        R"({"max_tokens":10,"max_completion_tokens":100,"max_output_tokens":100})"
    );
}

TEST(edits, insert_a_maximum_in_the_spelling_of_the_dialect) {
    const edit_wishes wishes{.clamp_max_tokens = 7};
    EXPECT_EQ(edited(R"({"messages":[]})", wishes), R"({"max_tokens":7,"messages":[]})");
    EXPECT_EQ(
        edited(R"({"messages":[]})", wishes, dialect::messages), R"({"max_tokens":7,"messages":[]})"
    );
    EXPECT_EQ(
        edited(R"({"prompt":""})", wishes, dialect::completions), R"({"max_tokens":7,"prompt":""})"
    );
    EXPECT_EQ(edited(R"({"prompt":""})", wishes, dialect::fim), R"({"max_tokens":7,"prompt":""})");
    EXPECT_EQ(edited("{}", wishes, dialect::responses), R"({"max_output_tokens":7})");
    EXPECT_EQ(edited(R"({"input":""})", wishes, dialect::embeddings), R"({"input":""})");
    EXPECT_EQ(edited(R"({"input":""})", wishes, dialect::speech), R"({"input":""})");
    EXPECT_EQ(edited("{}", wishes, dialect::tokenize), "{}");
}

TEST(edits, write_a_maximum_over_a_null_instead_of_beside_it) {
    EXPECT_EQ(
        edited(R"({"max_tokens": null })", {.clamp_max_tokens = 7}, lenient),
        R"({"max_tokens": 7 })"
    );
    EXPECT_EQ(
        edited(R"({"max_tokens":null,"max_output_tokens":3})", {.clamp_max_tokens = 7}, lenient),
        R"({"max_tokens":null,"max_output_tokens":3})"
    );
}

TEST(edits, ask_for_usage_wherever_the_client_has_not) {
    const auto asked = [](std::string_view options) {
        return edited(
            "{\"stream_options\":" + std::string(options) + "}", {.inject_usage = true}, lenient
        );
    };
    EXPECT_EQ(asked("null"), R"({"stream_options":{"include_usage":true}})");
    EXPECT_EQ(asked("{}"), R"({"stream_options":{"include_usage":true}})");
    EXPECT_EQ(asked("{ \n }"), R"({"stream_options":{"include_usage":true}})");
    EXPECT_EQ(asked(R"({ "x":1})"), R"({"stream_options":{"include_usage":true, "x":1}})");
    EXPECT_EQ(
        asked(R"({"x":1,"include_usage": false})"),
        R"({"stream_options":{"x":1,"include_usage": true}})"
    );
    EXPECT_EQ(asked(R"({"include_usage":null})"), R"({"stream_options":{"include_usage":true}})");
    EXPECT_EQ(asked(R"({"include_usage":true})"), R"({"stream_options":{"include_usage":true}})");
    EXPECT_EQ(
        edited(R"({"x":1})", {.inject_usage = true}, lenient),
        R"({"stream_options":{"include_usage":true},"x":1})"
    );
}

TEST(edits, always_strip_what_only_litellm_understands) {
    EXPECT_EQ(
        edited(
            R"({"cache":{"a":[1]},"timeout":1,"x":1,"num_retries":2,"user":"u","caching":true})",
            {},
            lenient
        ),
        R"({"x":1,"user":"u"})"
    );
    EXPECT_EQ(
        edited(R"({"metadata":{"tags":[]},"priority":1,"user":"u"})", {}, lenient),
        R"({"metadata":{"tags":[]},"priority":1,"user":"u"})"
    );
}

TEST(edits, strip_everything_and_still_insert) {
    constexpr std::string_view body = R"({"cache":1,"timeout":2})";
    EXPECT_EQ(edited(body, {}, lenient), "{}");
    EXPECT_EQ(
        edited(body, {.upstream_model = "m", .clamp_max_tokens = 1, .inject_usage = true}, lenient),
        R"({"model":"m","max_output_tokens":1,"stream_options":{"include_usage":true}})"
    );
}

TEST(edits, replace_or_insert_the_model_of_a_form) {
    constexpr std::string_view type = "multipart/form-data; boundary=B";
    const auto edited_form = [&](const std::string& body) {
        const auto facts = scan_multipart(body, type, dialect::none, true);
        if (facts.has_error()) return facts.error().message;
        return join(
            body, edits_for(facts.value(), {.upstream_model = "big", .clamp_max_tokens = 1})
        );
    };
    const std::string head = "Content-Disposition: form-data; name=\"";
    EXPECT_EQ(
        edited_form("--B\r\n" + head + "model\"\r\n\r\nsmall\r\n--B--\r\n"),
        "--B\r\n" + head + "model\"\r\n\r\nbig\r\n--B--\r\n"
    );
    EXPECT_EQ(
        edited_form("--B\r\n" + head + "x\"\r\n\r\n1\r\n--B--\r\n"),
        "--B\r\n" + head + "model\"\r\n\r\nbig\r\n--B\r\n" + head + "x\"\r\n\r\n1\r\n--B--\r\n"
    );
}

// A slow reference: members of a parsed body as pairs of name and minified value.
using members = std::vector<std::pair<std::string, std::string>>;

members members_of(std::string_view body) {
    simdjson::dom::parser parser;
    members list;
    const simdjson::padded_string padded(body);
    auto parsed = parser.parse(padded).get_object();
    if (parsed.error() != simdjson::SUCCESS) {
        ADD_FAILURE() << body;
        return list;
    }
    for (const auto [key, value] : parsed.value())
        list.emplace_back(std::string(key), simdjson::minify(value));
    return list;
}

std::string with_usage(const std::string& options) {
    if (options == "null" || options == "{}") return R"({"include_usage":true})";
    for (std::string_view said : {"true", "false", "null"}) {
        const std::string member = "\"include_usage\":" + std::string(said);
        if (const auto at = options.find(member); at != options.npos)
            return std::string(options).replace(at, member.size(), R"("include_usage":true)");
    }
    return R"({"include_usage":true,)" + options.substr(1);
}

members wished(const members& before, const edit_wishes& wishes) {
    static const std::set<std::string> extras{"cache", "timeout", "litellm_session_id"};
    bool has_model = false, has_options = false, has_maximum = false;
    for (const auto& [key, value] : before) {
        has_model |= key == "model";
        has_options |= key == "stream_options";
        has_maximum |= key.starts_with("max_") && value != "null";
    }
    members inserted, after;
    if (!wishes.upstream_model.empty() && !has_model)
        inserted.emplace_back("model", "\"" + std::string(wishes.upstream_model) + "\"");
    bool needs_maximum = wishes.clamp_max_tokens && !has_maximum;
    for (const auto& [key, value] : before) {
        if (extras.contains(key)) continue;
        std::string now = value;
        if (key == "model" && !wishes.upstream_model.empty())
            now = "\"" + std::string(wishes.upstream_model) + "\"";
        if (key == "stream_options" && wishes.inject_usage) now = with_usage(value);
        if (key.starts_with("max_") && wishes.clamp_max_tokens) {
            const std::string cap = std::to_string(*wishes.clamp_max_tokens);
            if (value == "null" && needs_maximum) {
                now = cap;
                needs_maximum = false;
            } else if (value != "null" && std::stoull(value) > *wishes.clamp_max_tokens) {
                now = cap;
            }
        }
        after.emplace_back(key, now);
    }
    if (needs_maximum)
        inserted.emplace_back("max_output_tokens", std::to_string(*wishes.clamp_max_tokens));
    if (wishes.inject_usage && !has_options)
        inserted.emplace_back("stream_options", R"({"include_usage":true})");
    inserted.insert(inserted.end(), after.begin(), after.end());
    return inserted;
}

std::string random_body(test::random_json& random) {
    static constexpr std::array<std::string_view, 5> options{
        "null",
        "{}",
        R"({"include_usage" :false , "a":1})",
        R"({ "a":{"include_usage":1}})",
        R"({"include_usage":true})"
    };
    static constexpr std::array<std::string_view, 4> numbers{
        "null", "0", "50", "18446744073709551615"
    };
    std::vector<std::pair<std::string, std::string>> parts;
    const auto add = [&](std::string name, std::string value) {
        parts.insert(
            parts.begin() + static_cast<std::ptrdiff_t>(random.below(parts.size() + 1)),
            {std::move(name), std::move(value)}
        );
    };
    for (auto left = random.below(3); left != 0; --left)
        add("x", random.value(2));
    if (random.one_in(2)) add("model", "\"a\\u0062\"");
    if (random.one_in(2)) add("stream_options", random.pick(options));
    if (random.one_in(3)) add("max_tokens", random.pick(numbers));
    if (random.one_in(3)) add("max_completion_tokens", random.pick(numbers));
    for (std::string_view extra : {"cache", "timeout", "litellm_session_id"})
        if (random.one_in(2))
            add(std::string(extra), extra == "litellm_session_id" ? "\"s\"" : random.value(2));
    std::string body = random.space() + "{" + random.space();
    for (std::size_t i = 0; i < parts.size(); ++i)
        body += (i ? "," + random.space() : "") + "\"" + parts[i].first + "\"" + random.space() +
                ":" + random.space() + parts[i].second + random.space();
    return body + "}" + random.space();
}

TEST(edits, do_to_any_body_what_a_parser_and_a_printer_would) {
    test::random_json random(31);
    for (int i = 0; i < 10'000; ++i) {
        const std::string body = random_body(random);
        edit_wishes wishes;
        if (random.one_in(2)) wishes.upstream_model = "up";
        if (random.one_in(2)) wishes.clamp_max_tokens = 40;
        wishes.inject_usage = random.one_in(2);
        const auto facts = scan_json(body, lenient, true, {});
        ASSERT_FALSE(facts.has_error()) << facts.error().message << body;
        const auto edits = edits_for(facts.value(), wishes);

        std::uint32_t at = 0;
        for (const edit& each : edits) {
            ASSERT_LE(at, each.begin) << body;
            ASSERT_LE(each.begin, each.end) << body;
            ASSERT_LE(each.end, body.size()) << body;
            at = each.end;
        }
        ASSERT_EQ(members_of(join(body, edits)), wished(members_of(body), wishes))
            << body << "\n"
            << join(body, edits);
    }
}

TEST(edits, point_into_the_original_for_all_that_is_kept) {
    const std::string body = R"({"model":"m","x":1,"cache":2,"y":3})";
    const auto facts = scan_json(body, lenient, false, {});
    const auto edits = edits_for(facts.value(), {.upstream_model = "up"});
    std::vector<std::string_view> pieces;
    pieces_of(body, edits, pieces);
    ASSERT_EQ(pieces.size(), 4u);
    EXPECT_EQ(pieces[0].data(), body.data());
    EXPECT_EQ(pieces[1], "\"up\"");
    EXPECT_EQ(pieces[2], R"(,"x":1)");
    EXPECT_EQ(pieces[2].data(), body.data() + body.find(",\"x\""));
    EXPECT_EQ(pieces[3].data(), body.data() + body.find(",\"y\""));
}

}  // namespace
}  // namespace penstock::openai
